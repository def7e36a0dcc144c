// Labels, own profiles and a pool: "labels MODE", which dies when it has done what it is to do.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sonde/sonde.h"

// The library is preloaded, not linked.
#pragma weak sonde_labels_with
#pragma weak sonde_labels_set
#pragma weak sonde_labels_current
#pragma weak sonde_do
#pragma weak sonde_profile_new
#pragma weak sonde_profile_add
#pragma weak sonde_profile_remove
#pragma weak sonde_pool_new
#pragma weak sonde_track
#pragma weak sonde_untrack

#define NOINLINE __attribute__((noinline))

static void *volatile kept;

NOINLINE static void hold(size_t mib)
{
    kept = malloc(mib << 20);
    __asm__ volatile("" ::: "memory");
}

NOINLINE static void upload(void *argument)
{
    (void)argument;
    hold(8);
    SONDE_LABEL("part", "file");
    hold(4);
}

NOINLINE static void scoped(void)
{
    SONDE_LABEL("endpoint", "list");
    {
        SONDE_LABEL("endpoint", "search");
        hold(2);
    }
    hold(1);
}

static void *other_thread(void *argument)
{
    hold(16); // inherits where it was created
    sonde_labels_set(sonde_labels_with(0, "thread", "second"));
    hold(32);
    return argument;
}

static void label(void)
{
    pthread_t t;
    sonde_labels none = sonde_labels_set(sonde_labels_with(0, "creator", "main"));
    pthread_create(&t, NULL, other_thread, NULL);
    pthread_join(t, NULL);
    sonde_labels_set(none);
    sonde_do(sonde_labels_with(0, "endpoint", "upload"), upload, NULL);
    scoped();
    if (sonde_labels_current() == 0)
        hold(64);
}

static char values[1000], block[100][1000];

NOINLINE static void open_some(sonde_profile p)
{
    for (int i = 0; i < 1000; i++)
        sonde_profile_add(p, &values[i]);
    for (int i = 0; i < 400; i++)
        sonde_profile_remove(p, &values[i]);
    sonde_profile_remove(p, "never added");
    sonde_profile_add(p, &values[999]); // once more counts once
    __asm__ volatile("" ::: "memory");  // no jump to it instead of a call
}

NOINLINE static void use_pool(sonde_profile pool)
{
    for (int i = 0; i < 100; i++)
        sonde_track(pool, block[i], 1000);
    for (int i = 0; i < 25; i++)
        sonde_untrack(pool, block[i]);
}

static void own(void)
{
    sonde_profile p = sonde_profile_new("connections"), pool = sonde_pool_new("arena");
    open_some(p);
    use_pool(pool);
    if (sonde_profile_new("connections") != p || sonde_pool_new("arena") != pool)
        puts("broken: a name is not found again");
    sonde_profile_add(0, values);
    sonde_profile_add(77, values);
    sonde_track(0, values, 1 << 30);
}

static void child_labels(void)
{
    sonde_labels set = sonde_labels_with(0, "endpoint", "upload");
    sonde_profile p = sonde_profile_new("connections");
    hold(1);
    if (fork() == 0) {
        sonde_labels_set(set);
        hold(8);
        sonde_profile_add(p, values);
        kill(getpid(), SIGKILL);
    }
    wait(NULL);
    exit(0);
}

// 64 MiB at the peak, of which 48 are not there at the end.
NOINLINE static void peak(void)
{
    void *most[48];
    for (int i = 0; i < 48; i++) {
        most[i] = malloc(1 << 20);
        usleep(2000);
    }
    hold(16);
    for (int i = 0; i < 48; i++)
        free(most[i]);
    usleep(300000);
    hold(2);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "labels") == 0)
        label();
    else if (strcmp(mode, "own") == 0)
        own();
    else if (strcmp(mode, "child") == 0)
        child_labels();
    else if (strcmp(mode, "peak") == 0)
        peak();
    fflush(stdout);
    if (argc > 2)
        pause();
    kill(getpid(), SIGKILL);
}
