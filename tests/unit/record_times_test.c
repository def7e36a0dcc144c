#include "record/times.h"

#include <string.h>
#include <sys/mman.h>

#include "../tap.h"
#include "record/call.h"
#include "record/write.h"

static struct record record;
static void *base;

static void make_record(void)
{
    base = mmap(NULL, record_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    record_init(&record, base);
    record.header->state = RECORD_RUNNING;
}

static void view(struct record_view *v)
{
    struct err e;
    ok(record_open(v, (struct str){base, record_bytes()}, &e), "the record opens");
}

static u32 stack(u64 address)
{
    struct record_stack *s = record_stack_add(&record, RECORD_TIME, RECORD_COMPLETE, &address, 1);
    return record_stack_offset(&record, s);
}

static void add_cpu(u64 time_ns, u32 tid, u32 at)
{
    struct record_sample s = {.time_ns = time_ns,
                              .amount_ns = 10000000,
                              .count = 1,
                              .kind = RECORD_CPU,
                              .tid = tid,
                              .stack = at};
    record_sample_add(&record, &s);
}

static void name_thread(u32 row, u32 tid, const char *name)
{
    record.thread[row].tid = tid;
    memcpy(record.thread[row].name, name, strlen(name) + 1);
}

static bool has_label(const struct profile *p, u32 sample, const char *key, const char *text)
{
    const struct sample *s = &p->sample[sample];
    for (u32 i = 0; i < s->nlabel; i++) {
        const struct label *l = &p->label[s->label + i];
        if (str_equal(profile_string(p, l->key), str_of(key)) &&
            str_equal(profile_string(p, l->text), str_of(text)))
            return true;
    }
    return false;
}

static void test_cpu(void)
{
    struct arena a;
    struct record_view v;
    struct times t = {.kind = RECORD_CPU, .period_ns = 10000000};
    arena_init(&a, (size_t)MIB(64));
    make_record();
    name_thread(1, 7, "worker");
    for (u64 i = 0; i < 10; i++)
        add_cpu(1000 + i, 7, stack(0x1000));
    add_cpu(1005, 8, stack(0x1000));
    add_cpu(1005, 7, stack(0x2000));
    view(&v);
    times_collect(&t, &v, 1002, 1006, &a);
    struct profile p = times_cpu(&t, &v, &a);
    ok(p.nsample == 3, "samples are summed by stack and thread (%u)", p.nsample);
    ok(profile_values(&p, 0)[0] == 4 && profile_values(&p, 0)[1] == 40000000,
       "those of the time that was asked for");
    ok(has_label(&p, 0, "thread", "worker") && !has_label(&p, 1, "thread", "worker"),
       "with the thread's name");
    ok(str_equal(profile_string(&p, p.type[1].type), STR("cpu")) && p.period == 10000000,
       "Go's types and period");
    arena_free(&a);
}

static void test_ring(void)
{
    struct arena a;
    struct record_view v;
    struct times t = {.kind = RECORD_CPU};
    arena_init(&a, (size_t)MIB(256));
    make_record();
    for (u64 i = 0; i < RECORD_SAMPLES + 100; i++)
        add_cpu(i, 1, stack(0x1000));
    view(&v);
    times_collect(&t, &v, 0, UINT64_MAX, &a);
    u64 least = UINT64_MAX;
    for (u32 i = 0; i < t.nsample; i++)
        least = t.sample[i].time_ns < least ? t.sample[i].time_ns : least;
    ok(t.nsample == RECORD_SAMPLES && least == 100, "the ring has the newest samples (%u)",
       t.nsample);
    arena_free(&a);
}

static void test_clip(void)
{
    struct record_sample wall = {
        .kind = RECORD_WALL, .time_ns = 1000, .amount_ns = 400, .count = 4};
    struct record_sample s = wall;
    ok(times_clip(&s, 0, 2000) && s.amount_ns == 400, "an interval in the window stays whole");
    s = wall;
    ok(times_clip(&s, 700, 2000) && s.amount_ns == 300 && s.count == 3,
       "one that reaches over its begin is cut");
    s = wall;
    ok(times_clip(&s, 0, 800) && s.amount_ns == 200 && s.count == 2, "or over its end");
    s = wall;
    ok(!times_clip(&s, 1000, 2000) && !times_clip(&s, 0, 600), "one outside is not in it");
}

static void test_waits(void)
{
    struct arena a;
    struct record_view v;
    arena_init(&a, (size_t)MIB(64));
    make_record();
    struct record_wait lock = {
        .state = RECORD_BLOCKED, .kind = RECORD_WAIT_LOCK, .call = 202, .lock = 0xabc0, .owner = 9};
    struct record_wait peer = {.state = RECORD_BLOCKED, .kind = RECORD_WAIT_SOCKET, .call = 7};
    strcpy(peer.peer, "127.0.0.1:5432");
    u32 first = record_wait_add(&record, &lock), second = record_wait_add(&record, &peer);
    ok(first != second && first == record_wait_add(&record, &lock), "equal waits have one row");
    name_thread(1, 9, "owner");
    struct record_sample s = {.time_ns = 10,
                              .amount_ns = 5,
                              .count = 1,
                              .kind = RECORD_WALL,
                              .tid = 1,
                              .stack = stack(0x1000),
                              .wait = (u16)first};
    record_sample_add(&record, &s);
    s.wait = (u16)second;
    record_sample_add(&record, &s);
    s.wait = RECORD_RUNNABLE;
    record_sample_add(&record, &s);
    struct times t = {.kind = RECORD_WALL};
    view(&v);
    times_collect(&t, &v, 0, UINT64_MAX, &a);
    struct profile p = times_wall(&t, &v, &a);
    ok(p.nsample == 3 && has_label(&p, 0, "lock", "0xabc0") &&
           has_label(&p, 0, "lock_owner", "owner (9)") && has_label(&p, 0, "syscall", "futex"),
       "a wait for a lock has it, and its owner");
    ok(has_label(&p, 1, "peer", "127.0.0.1:5432") && has_label(&p, 1, "descriptor", "socket"),
       "one for a socket the other end");
    ok(has_label(&p, 2, "state", "runnable") && !has_label(&p, 2, "syscall", "futex"),
       "a state alone needs no row");
    for (lock.lock = 1; record_wait_add(&record, &lock) != RECORD_BLOCKED; lock.lock++)
        ;
    ok(lock.lock > 1000, "when the rows are full, the state remains (after %llu)",
       (unsigned long long)lock.lock);
    arena_free(&a);
}

static void test_threads(void)
{
    struct arena a;
    struct record_view v;
    arena_init(&a, (size_t)MIB(64));
    make_record();
    for (u32 row = 1; row <= 3; row++) {
        name_thread(row, row, "thread");
        record.thread[row].stack = stack(0x1000 * row);
        record.thread[row].wait = RECORD_BLOCKED;
    }
    record.thread[2].ended = 1;
    record.thread[3].stack = 0xffffff; // damaged
    u64 frame = 0x1234;
    record_stack_add(&record, RECORD_CREATE, 0, &frame, 1)->count = 5;
    view(&v);
    struct profile p = times_threads(&v, 1, &a);
    ok(p.nsample == 1 && has_label(&p, 0, "state", "blocked"),
       "threads that ended, or whose stack is damaged, are left out");
    p = times_created(&v, 1, &a);
    ok(p.nsample == 1 && profile_values(&p, 0)[0] == 5, "threads are counted by who created them");
    ok(str_equal(call_name(7, &a), STR("poll")) && str_equal(call_name(-5, &a), STR("-5")) &&
           str_equal(call_name(100000, &a), STR("100000")),
       "system calls have names, or numbers");
    arena_free(&a);
}

int main(void)
{
    test_cpu();
    test_ring();
    test_clip();
    test_waits();
    test_threads();
    return done();
}
