// jemalloc's heap dumps.
#include <string.h>

#include "../tap.h"
#include "profile/read.h"

static struct arena arena;

#define STACKS                                                                                     \
    "@ 0x7f0000001001 0x400101 0x400201\n"                                                         \
    "  t*: 3: 300 [5: 500]\n"                                                                      \
    "  t0: 1: 100 [2: 200]\n"                                                                      \
    "  t7: 2: 200 [3: 300]\n"                                                                      \
    "@ 0x400301\n"                                                                                 \
    "  t*: 0: 0 [1: 64]\n"                                                                         \
    "  t0: 0: 0 [1: 64]\n"
#define MAPS                                                                                       \
    "\nMAPPED_LIBRARIES:\n"                                                                        \
    "00400000-00500000 r-xp 00000000 fe:00 123 /bin/server\n"                                      \
    "7f0000001000-7f0000002000 r-xp 00001000 fe:00 124 /usr/lib/libjemalloc.so.2\n"

static bool read_text(struct profile *p, struct str text, struct err *e)
{
    *e = (struct err){0};
    return profile_read(p, text, (size_t)MIB(64), &arena, e);
}

static bool has_values(const struct profile *p, u32 sample, i64 a, i64 b, i64 c, i64 d)
{
    const i64 *v = profile_values(p, sample);
    return v[0] == a && v[1] == b && v[2] == c && v[3] == d;
}

static struct str thread_of(const struct profile *p, u32 sample)
{
    const struct label *l = &p->label[p->sample[sample].label];
    return p->sample[sample].nlabel == 2 ? profile_string(p, l->text) : STR("");
}

static void test_whole(void)
{
    struct profile p;
    struct err e;
    ok(read_text(&p,
                 STR("heap_v2/1\n  t*: 3: 300 [6: 564]\n  t0: 1: 100 [3: 264]\n"
                     "  t7: 2: 200 [3: 300] the worker\n" STACKS MAPS),
                 &e) &&
           p.nsample == 3 && p.ntype == 4,
       "a dump with all that was ever allocated has four types %s", e.text);
    ok(has_values(&p, 0, 2, 200, 1, 100) && has_values(&p, 1, 3, 300, 2, 200) &&
           has_values(&p, 2, 1, 64, 0, 0),
       "allocations first, a sample for each thread");
    ok(str_equal(thread_of(&p, 0), STR("t0")) && str_equal(thread_of(&p, 1), STR("t7 the worker")),
       "which has the thread's name");
    ok(p.label[p.sample[2].label + 1].number == 64, "and the size of its blocks");
    ok(p.sample[0].nframe == 2 && p.location[p.frame[p.sample[0].frame]].address == 0x400100,
       "jemalloc's own frames are left out; an address is in its call");
    ok(str_equal(profile_string(&p, p.mapping[1].filename), STR("/bin/server")) &&
           p.location[p.frame[p.sample[0].frame]].mapping == 1,
       "mappings are found");
    ok(str_find(profile_string(&p, p.drop_frames), STR("prof_backtrace")) >= 0 &&
           str_find(profile_string(&p, p.drop_frames), STR("tc_malloc")) >= 0,
       "allocators' functions are to be dropped");
    ok(p.period == 1 && str_equal(profile_string(&p, p.period_type.unit), STR("bytes")),
       "the period is the sampling rate");
}

static void test_in_use_only(void)
{
    struct profile p;
    struct err e;
    ok(read_text(&p,
                 STR("heap_v2/1024\n  t*: 4: 400 [0: 0]\n@ 0x101 0x201\n  t*: 4: 400 [0: 0]\n"
                     "  t1: 1: 100 [0: 0]\n  t2: 3: 300 [0: 0]\n"),
                 &e) &&
           p.ntype == 2 && p.nsample == 2,
       "one without has two %s", e.text);
    // 1 / (1 - exp(-100 / 1024)) = 10.7482: 42 blocks and 4299 bytes together.
    const i64 *one = profile_values(&p, 0), *two = profile_values(&p, 1);
    ok(one[0] == 10 && one[1] == 1074 && one[0] + two[0] == 42 && one[1] + two[1] == 4299,
       "what was sampled stands for all there was; the parts make the whole (%lld %lld)",
       (long long)(one[0] + two[0]), (long long)(one[1] + two[1]));
    ok(read_text(&p,
                 STR("heap_v2/1\n t*: 9: 900 [0: 0]\n@ 0x101\n t*: 9: 900 [0: 0]\n"
                     " t1: 4: 400 [0: 0]\n"),
                 &e) &&
           p.nsample == 2 && profile_values(&p, 1)[0] == 5 && p.sample[1].nlabel == 1,
       "what no thread has is a sample of its own");
    ok(read_text(&p, STR("heap_v2/524288\n  t*: 0: 0 [0: 0]\n" MAPS), &e) && p.nsample == 0 &&
           p.ntype == 2 && p.nmapping == 3,
       "a dump without stacks is a profile without samples");
}

static void test_malformed(void)
{
    struct profile p;
    struct err e;
    static const char *const text[] = {
        "heap_v2/1\n  t*: 1: 2\n",
        "heap_v2/1\n  t*: 99999999999999999999: 2 [0: 0]\n",
        "heap_v2/1\n@ 0x1\n  what\n",
        "heap_v2/1\n  t*: 1: 2 [0: 0]\n@ 0x11111111111111111\n  t*: 1: 2 [0: 0]\n",
        "heap_v2/x\n",
        "heap_v2/\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(text); i++)
        ok(!read_text(&p, str_of(text[i]), &e) && *e.text, "%s", e.text);
    ok(read_text(&p,
                 STR("heap_v2/1\n t*: 1: 1 [0: 0]\n@ 0x1\n t*: 1: 1 [0: 0]\n"
                     " t1: 9223372036854775807: 9223372036854775807 [0: 0]\n"
                     " t2: 9223372036854775807: 9223372036854775807 [0: 0]\n"),
                 &e) &&
           p.nsample == 1 && profile_values(&p, 0)[0] == 1,
       "threads that have more than all have all");
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(256));
    test_whole();
    test_in_use_only();
    test_malformed();
    arena_free(&arena);
    return done();
}
