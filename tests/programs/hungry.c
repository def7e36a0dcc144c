// Programs that take memory until they are killed, each in its own way: "hungry WAY [PATH]".
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sonde/sonde.h"

// The library is preloaded, not linked.
#pragma weak sonde_labels_with
#pragma weak sonde_labels_set

enum {
    KIB = 1 << 10,
    MIB = 1 << 20,
    STEP_US = 8000,
    REST_US = 1200000,
    MOST_SECONDS = 100,
    MOST_CHILDREN = 2000
};

#define APART __attribute__((noinline))

static void *touched(void *block, size_t size)
{
    if (block && block != MAP_FAILED)
        memset(block, 1, size);
    __asm__ volatile("" : : "r"(block) : "memory"); // it is wanted
    return block;
}

APART static void *remember(size_t size)
{
    return touched(malloc(size), size);
}

APART static void leak(const char *path)
{
    (void)path;
    for (;;) {
        for (int i = 0; i < 8; i++)
            remember(64 * KIB);
        usleep(STEP_US);
    }
}

APART static void *serve_request(void)
{
    return touched(malloc(2 * MIB), 2 * MIB);
}

// A quiet life, then all at once.
APART static void burst(const char *path)
{
    (void)path;
    usleep(REST_US);
    for (;;)
        serve_request();
}

APART static void *read_whole_file(size_t size)
{
    void *block = malloc(size);
    __asm__ volatile("" : "+r"(block)); // no tail call
    return block;
}

APART static void huge(const char *path)
{
    (void)path;
    usleep(REST_US);
    touched(read_whole_file((size_t)1024 * MIB), (size_t)1024 * MIB);
}

APART static void *map_space(size_t size)
{
    void *space = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    __asm__ volatile("" : "+r"(space)); // no tail call
    return space;
}

APART static void *map_buffer(size_t size)
{
    return touched(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                   size);
}

// Much address space that is hardly used, and what is used well.
APART static void mappings(const char *path)
{
    (void)path;
    touched(map_space((size_t)512 * MIB), MIB);
    for (;;) {
        map_buffer(MIB / 2);
        usleep(STEP_US);
    }
}

// Goes deeper now and then.
APART static void recurse(int depth)
{
    volatile char frame[64 * KIB];
    memset((void *)frame, depth, sizeof(frame));
    if (depth > 4)
        usleep(200000);
    if (depth < 100)
        recurse(depth + 1);
    frame[0] = 0;
}

static void *deep(void *argument)
{
    recurse(0);
    return argument;
}

APART static void stacks(const char *path)
{
    pthread_t t;
    (void)path;
    for (;;) {
        if (pthread_create(&t, NULL, deep, NULL) != 0)
            usleep(10 * STEP_US);
        usleep(STEP_US);
    }
}

// What each upload holds, by its own count, in a file.
static int64_t *uploaded;

APART static void *receive(size_t size)
{
    return touched(calloc(1, size), size);
}

// One upload: the larger its number, the faster.
static void *upload(void *argument)
{
    char number[8];
    int i = (int)(intptr_t)argument;
    snprintf(number, sizeof(number), "%d", i);
    if (sonde_labels_with && sonde_labels_set)
        sonde_labels_set(
            sonde_labels_with(sonde_labels_with(0, "route", "/graphql"), "upload", number));
    for (;;) {
        receive((size_t)2 * MIB);
        __atomic_fetch_add(&uploaded[i], 2 * MIB, __ATOMIC_RELAXED);
        usleep((unsigned)(100000 / (i + 1)));
    }
    return NULL;
}

APART static void uploads(const char *path)
{
    pthread_t t;
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (ftruncate(fd, 4 * KIB) != 0)
        return;
    uploaded = mmap(NULL, 4 * KIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (int i = 1; i <= 4; i++)
        pthread_create(&t, NULL, upload, (void *)(intptr_t)i);
    for (;;)
        pause();
}

APART static void tmpfs(const char *path)
{
    static char piece[MIB / 2];
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    memset(piece, 1, sizeof(piece));
    for (int i = 0; i < 2048; i++) {
        if (write(fd, piece, sizeof(piece)) < 0)
            usleep(STEP_US);
        usleep(STEP_US);
    }
}

// Pages of a file that may not be dropped.
APART static void cache(const char *path)
{
    size_t size = (size_t)1024 * MIB;
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (ftruncate(fd, (off_t)size) != 0)
        return;
    char *file = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    for (size_t at = 0; at < size; at += MIB / 2) {
        mlock(file + at, MIB / 2);
        usleep(STEP_US);
    }
    for (;;)
        pause();
}

// Takes so many blocks and frees all but each sixteenth.
APART static void punch_holes(size_t size, size_t bytes)
{
    size_t n = bytes / size;
    char **block = malloc(n * sizeof(*block));
    for (size_t i = 0; i < n; i++) {
        block[i] = touched(malloc(size), size);
        if (i % (MIB / 2 / size) == 0)
            usleep(STEP_US / 2);
    }
    for (size_t i = 0; i < n; i++) {
        if (i % 16)
            free(block[i]);
    }
    free(block);
}

// Larger blocks that do not fit into the holes of before (glibc).
APART static void holes(const char *path)
{
    (void)path;
    punch_holes(1000, 96 * MIB);
    for (;;)
        punch_holes(17000, 24 * MIB);
}

// A size class after the other, each leaving its pages in part used (jemalloc, tcmalloc).
APART static void slabs(const char *path)
{
    static const size_t size[] = {320, 448, 640, 896, 1280, 1792};
    (void)path;
    for (;;) {
        for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++)
            punch_holes(size[i], 28 * MIB);
    }
}

APART static void hold_some(const char *path)
{
    (void)path;
    for (int i = 0; i < 24 * MIB / (100 * KIB); i++)
        remember(100 * KIB);
    for (;;)
        pause();
}

// What a sibling does.
APART static void eat(const char *path)
{
    (void)path;
    for (;;) {
        map_buffer(MIB / 2);
        usleep(STEP_US);
    }
}

APART static void forks(const char *path)
{
    static char some[300 * KIB];
    (void)path;
    for (int i = 0; i < MOST_CHILDREN; i++) {
        if (fork() == 0) {
            alarm(MOST_SECONDS);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            memset(some, 1, sizeof(some));
            for (;;)
                pause();
        }
        usleep(STEP_US);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*go)(const char *path);
    } way[] = {{"leak", leak},         {"burst", burst},    {"huge", huge},
               {"mappings", mappings}, {"stacks", stacks},  {"tmpfs", tmpfs},
               {"cache", cache},       {"holes", holes},    {"slabs", slabs},
               {"uploads", uploads},   {"hold", hold_some}, {"eat", eat},
               {"forks", forks}};
    // If nobody limits it, it ends by itself before it harms anybody.
    const struct rlimit most = {4096UL * MIB, 4096UL * MIB};
    setrlimit(RLIMIT_AS, &most);
    alarm(MOST_SECONDS);
    for (size_t i = 0; i < sizeof(way) / sizeof(*way) && argc > 1; i++) {
        if (strcmp(argv[1], way[i].name) == 0)
            way[i].go(argc > 2 ? argv[2] : NULL);
    }
    fprintf(stderr, "usage: hungry WAY [PATH]\n");
    return 2;
}
