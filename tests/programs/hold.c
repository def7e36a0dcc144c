// Four threads that allocate and free at random and keep count of what they hold in a shared file,
// until somebody kills the process: "hold FILE" (truth.h).
#define _GNU_SOURCE
#include <pthread.h>

#include "truth.h"

enum { SLOTS = 2000 };

static struct truth *truth;

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 8;
}

static void *churn(void *argument)
{
    static struct slot slots[4][SLOTS];
    uintptr_t i = (uintptr_t)argument;
    unsigned seed = (unsigned)i;
    for (;;) {
        struct slot *s = &slots[i][next(&seed) % SLOTS];
        truth_replace(&truth[i], s, 1 + next(&seed) % 30000);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t t;
    truth = truth_open(argc > 1 ? argv[1] : "/dev/null");
    if (!truth)
        return 1;
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t, NULL, churn, (void *)i);
    for (;;)
        pause();
}
