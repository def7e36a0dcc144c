// Profilers and rates by their names.
#include <errno.h>
#include <string.h>

#include "../tap.h"
#include "record/switches.h"

static u64 rate_of(u32 profiler, const char *name, const char *rate)
{
    struct switches s;
    struct err e;
    bool known = switches_on(&s, str_of(name), str_of(rate), &e);
    return known && s.named[profiler] ? s.rate[profiler] : UINT64_MAX;
}

static bool is_refused(const char *name, const char *rate)
{
    struct switches s;
    struct err e;
    return !switches_on(&s, str_of(name), str_of(rate), &e) && e.code == EINVAL;
}

static bool writes(const struct record_header *h, const char *wanted)
{
    struct buf b;
    buf_init(&b, 4096);
    switches_write(&b, h);
    bool same = str_equal(buf_str(&b), str_of(wanted));
    buf_free(&b);
    return same;
}

static void test_rates(void)
{
    ok(rate_of(RECORD_SWITCH_HEAP, "heap", "") == 524288, "the heap's usual rate is 512 KiB");
    ok(rate_of(RECORD_SWITCH_CPU, "cpu", "") == 100, "that of CPU 100 Hz");
    ok(rate_of(RECORD_SWITCH_WALL, "wall", "") == 20, "that of wall time 20 Hz");
    ok(rate_of(RECORD_SWITCH_LOCKS, "locks", "") == 1000000, "that of locks a millisecond");
    ok(rate_of(RECORD_SWITCH_HEAP, "heap", "64KiB") == 65536, "bytes have units");
    ok(rate_of(RECORD_SWITCH_HEAP, "heap", "64k") == 65536, "as everywhere");
    ok(rate_of(RECORD_SWITCH_HEAP, "heap", "4096") == 4096, "or none");
    ok(rate_of(RECORD_SWITCH_LOCKS, "locks", "250us") == 250000, "so has time");
    ok(rate_of(RECORD_SWITCH_LOCKS, "locks", "250") == 250, "which is nanoseconds without");
    ok(rate_of(RECORD_SWITCH_CPU, "cpu", "1000Hz") == 1000, "and frequency");
}

static void test_refusals(void)
{
    static const char *const bad[][2] = {
        {"", ""},          {"gpu", ""},
        {"heap", "0"},     {"heap", "-1"},
        {"heap", "1Hz"},   {"heap", "x"},
        {"cpu", "0"},      {"cpu", "10001"},
        {"cpu", "1k"},     {"wall", "1ms"},
        {"locks", "1KiB"}, {"locks", "3601s"},
        {"locks", "ms"},   {"locks", "1 ms"},
        {"all", "100"},    {"heap", "99999999999g"},
        {"heap", "1.5k"},  {"locks", "99999999999999999999"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ok(is_refused(bad[i][0], bad[i][1]), "\"%s\" at \"%s\" is refused", bad[i][0], bad[i][1]);
}

static void test_all(void)
{
    struct switches s;
    struct err e;
    bool all = switches_on(&s, STR("all"), STR(""), &e);
    for (u32 i = 0; i < RECORD_NSWITCH; i++)
        all &= s.named[i] && s.rate[i] != 0;
    ok(all, "all are all, at their usual rates");
    ok(switches_off(&s, STR("wall"), &e) && s.named[RECORD_SWITCH_WALL] &&
           !s.named[RECORD_SWITCH_CPU] && s.rate[RECORD_SWITCH_WALL] == 0,
       "off is the rate 0, of those that are named");
}

static void test_words(void)
{
    struct record_header h = {.heap_rate_bytes = 524288, .lock_rate_ns = 1500000};
    h.answer.wall_hz = 20;
    ok(writes(&h, "heap 512KiB, cpu off, wall 20Hz, locks 1500us"), "rates have whole numbers");
    h = (struct record_header){.heap_rate_bytes = 1000, .lock_rate_ns = 1};
    ok(writes(&h, "heap 1000B, cpu off, wall off, locks 1ns"), "of the largest unit that has them");
}

int main(void)
{
    test_rates();
    test_refusals();
    test_all();
    test_words();
    return done();
}
