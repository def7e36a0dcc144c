// The heap's high-water mark against a copy of everything at each new one.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../tap.h"
#include "record/read.h"
#include "record/write.h"

enum { STACKS = 50, STEPS = 20000 };

static struct record record;
static struct record_stack *stack[STACKS];

static void make_record(void)
{
    void *base =
        mmap(NULL, record_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    record_init(&record, base);
    record.header->state = RECORD_RUNNING;
    for (u64 i = 0; i < STACKS; i++)
        stack[i] = record_stack_add(&record, RECORD_HEAP, 0, (u64[]){i + 1}, 1);
}

// Bytes at the mark by stack, as the reader tells; their sum is returned.
static i64 read_peak(i64 *by_stack, i64 *objects)
{
    struct arena a;
    struct err e;
    struct record_view v;
    i64 sum = 0;
    arena_init(&a, (size_t)MIB(64));
    memset(by_stack, 0, STACKS * sizeof(*by_stack));
    *objects = 0;
    if (!record_open(&v, (struct str){(const char *)record.header, record_bytes()}, &e))
        return -1;
    struct profile p = record_peak(&v, 1, &a);
    for (u32 i = 0; i < p.nsample; i++) {
        u64 address = p.location[p.frame[p.sample[i].frame]].address;
        by_stack[address - 1] = profile_values(&p, i)[1];
        *objects += profile_values(&p, i)[0];
        sum += profile_values(&p, i)[1];
    }
    arena_free(&a);
    return sum;
}

static void test_model(void)
{
    i64 now[STACKS] = {0}, mark[STACKS] = {0}, read[STACKS], total = 0, most = 0, objects;
    bool agrees = true;
    srand(1);
    make_record();
    for (u32 step = 1; step <= STEPS; step++) {
        u32 i = (u32)rand() % STACKS;
        // Mostly up in the first half, mostly down in the second.
        bool up = rand() % 100 < (step < STEPS / 2 ? 55 : 45) || now[i] < 100;
        now[i] += up ? 100 : -100;
        total += up ? 100 : -100;
        record_hold(&record, stack[i], up ? 100 : -100, up ? 65536 : -65536, step);
        if (total > most) {
            most = total;
            memcpy(mark, now, sizeof(now));
        }
        if (step % 500 == 0)
            agrees &= read_peak(read, &objects) == most && memcmp(read, mark, sizeof(mark)) == 0 &&
                      objects == most / 100;
    }
    ok(agrees, "the mark is what was live by stack at that moment, at any time afterwards");
    ok(record.header->live_bytes == (u64)total && record.header->peak_bytes == (u64)most,
       "and so are the sums (%lld of %lld)", (long long)total, (long long)most);
}

static void *churn(void *argument)
{
    u32 seed = (u32)(uintptr_t)argument;
    for (u32 i = 0; i < 100000; i++) {
        struct record_stack *s = stack[(seed = seed * 1103515245 + 12345) >> 16 & 15];
        record_hold(&record, s, 100, 65536, i);
        record_hold(&record, s, -100, -65536, i);
    }
    return NULL;
}

static void test_threads(void)
{
    pthread_t t[4];
    i64 read[STACKS], objects;
    make_record();
    record_hold(&record, stack[20], 1000000, 65536, 1);
    for (u64 i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, churn, (void *)(uintptr_t)(i + 1));
    for (u64 i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    i64 sum = read_peak(read, &objects);
    ok(record.header->live_bytes == 1000000, "four threads at once leave the sum right");
    ok(read[20] == 1000000 && sum == (i64)record.header->peak_bytes && sum <= 1000400,
       "and the mark whole (%lld)", (long long)sum);
}

int main(void)
{
    test_model();
    test_threads();
    return done();
}
