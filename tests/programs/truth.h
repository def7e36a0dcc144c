// What a program holds, by its own count, in a file that outlives it: "sonde" is measured against
// it. Each thread has two words.  What it is about to give back and to take is doubtful from before
// the first step until after the last one; so whenever the kill comes, what was held is between the
// certain bytes and those with the doubtful ones.
#ifndef TRUTH_H
#define TRUTH_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TRUTH_BYTES = 4096 };

// A thread's; a cache line.
struct truth {
    int64_t certain_bytes, doubtful_bytes;
    int64_t spare[6];
};

struct slot {
    void *block;
    size_t size;
};

// NULL: there is no such file.
static inline struct truth *truth_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, TRUTH_BYTES) != 0)
        return NULL;
    void *words = mmap(NULL, TRUTH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    close(fd);
    return words == MAP_FAILED ? NULL : words;
}

static inline void truth_set(int64_t *word, int64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

// Gives a slot's block back and takes another one.
static inline void truth_replace(struct truth *t, struct slot *s, size_t size)
{
    truth_set(&t->doubtful_bytes, (int64_t)(s->size + size));
    truth_set(&t->certain_bytes, t->certain_bytes - (int64_t)s->size);
    free(s->block);
    s->size = size;
    s->block = malloc(size);
    truth_set(&t->certain_bytes, t->certain_bytes + (int64_t)size);
    truth_set(&t->doubtful_bytes, 0);
}

#endif
