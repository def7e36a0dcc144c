#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>

enum { MOST_PARTS = 256 };

u32 parallel_width(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > PARALLEL_MOST ? PARALLEL_MOST : (u32)n;
}

struct parallel_division parallel_divide(u32 nitem, u32 least)
{
    u32 n = parallel_width();
    if (n > nitem / least)
        n = nitem / least;
    return (struct parallel_division){nitem, n ? n : 1};
}

struct part {
    void (*work)(void *context, u32 part);
    void *context;
    u32 part;
    pthread_t thread;
    bool has_thread;
};

static void *run_part(void *argument)
{
    struct part *p = argument;
    p->work(p->context, p->part);
    return NULL;
}

void parallel_run(void (*work)(void *context, u32 part), void *context, u32 n)
{
    struct part parts[MOST_PARTS];
    for (u32 i = 1; i < n; i++) {
        parts[i] = (struct part){.work = work, .context = context, .part = i};
        parts[i].has_thread = pthread_create(&parts[i].thread, NULL, run_part, &parts[i]) == 0;
    }
    work(context, 0);
    for (u32 i = 1; i < n; i++) {
        if (parts[i].has_thread)
            pthread_join(parts[i].thread, NULL);
        else
            work(context, i);
    }
}
