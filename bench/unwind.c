// "unwind HOW COUNT": walks up one stack of 50 frames so often, by "rules" as the runtime does
// where there are no frame pointers, by "pointers" as simply as that can be done safely, or in
// "both" ways, in turns.  Prints the least nanoseconds that a walk took, in each way.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/runtime.h"

enum { DEPTH = 50, ROUNDS = 50 };

struct job {
    bool by_rules;
    u64 count, walked; // walks, and frames of all of them
    double ns;
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

__attribute__((noinline)) static u32 walk_pointers(u64 *frame, u64 bp, u64 high)
{
    u32 n = 0;
    for (u64 low = bp; n < DEPTH && bp >= low && bp <= high - 16 && bp % 8 == 0; n++) {
        const u64 *at = (const u64 *)(uintptr_t)bp;
        low = bp + 16;
        bp = at[0];
        frame[n] = at[1];
    }
    return n;
}

// Never inlined, and in no tail call: each call is a frame.
#define FRAME(pointer) __attribute__((noinline, noclone, optimize("O2", pointer)))

FRAME("no-omit-frame-pointer") static void walk(struct job *job)
{
    static u64 frame[RECORD_MAX_FRAMES];
    u16 flags;
    const u64 *own = __builtin_frame_address(0);
    struct context c = {own[1], (u64)(uintptr_t)(own + 2), own[0]};
    u64 high = stack_window(c.sp).high;
    double start = now_ns();
    for (u64 i = 0; i < job->count; i++)
        job->walked +=
            job->by_rules ? unwind(frame, &flags, c) : walk_pointers(frame, own[0], high);
    job->ns = (now_ns() - start) / (double)job->count;
}

FRAME("omit-frame-pointer") static void descend(struct job *job, u32 depth)
{
    volatile char room[40];
    room[0] = (char)depth;
    if (depth)
        descend(job, depth - 1);
    else
        walk(job);
    room[1] = room[0];
}

FRAME("no-omit-frame-pointer") static void descend_linked(struct job *job, u32 depth)
{
    volatile char room[40];
    room[0] = (char)depth;
    if (depth)
        descend_linked(job, depth - 1);
    else
        walk(job);
    room[1] = room[0];
}

// The time of a walk; as many as count in all.  Up to main() there are frames that the walk by
// rules sees, too, so its stack begins lower.
static double measure(bool by_rules, u64 count)
{
    enum { OTHERS = 5 }; // the first of descend(), measure(), main() and its callers
    struct job job = {.by_rules = by_rules, .count = count / ROUNDS};
    (by_rules ? descend : descend_linked)(&job, by_rules ? DEPTH - OTHERS : DEPTH - 1);
    if (job.walked == DEPTH * job.count)
        return job.ns;
    fprintf(stderr, "unwind: %.1f frames by %s\n", (double)job.walked / (double)job.count,
            by_rules ? "rules" : "pointers");
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    const char *how = argv[1];
    u64 count = strtoull(argv[2], NULL, 10);
    double least[2] = {1e9, 1e9};
    start();
    if (!start_is_ready())
        return 2;
    for (int i = 0; i < ROUNDS; i++) {
        for (int by_rules = 0; by_rules < 2; by_rules++) {
            if (strcmp(how, by_rules ? "pointers" : "rules") == 0)
                continue;
            double ns = measure(by_rules, count);
            least[by_rules] = ns < least[by_rules] ? ns : least[by_rules];
        }
    }
    if (least[1] < 1e9)
        printf("%.1f\n", least[1]);
    if (least[0] < 1e9)
        printf("%.1f\n", least[0]);
    return 0;
}
