// Asking a running process for something, from outside: the words in its record's header, and the
// signal that has it look at them.
#ifndef RECORD_ASKING_H
#define RECORD_ASKING_H

#include "record/folder.h"

struct asking {
    u32 pid;
    int fd;                      // of the record; -1: none
    u32 *word;                   // request.word, mapped
    struct record_header header; // as it was read last, but with the request that we made
    struct arena *arena;
};

bool asking_open(struct asking *q, const struct folder_record *r, struct arena *a, struct err *e);
void asking_close(struct asking *q);

// Time of the record's clock.
u64 asking_now_ns(const struct asking *q);

// Reads from the record; false when there is less.
bool asking_read(const struct asking *q, void *to, size_t n, u64 offset);

// Writes the request as change makes it of the one before, and has the process look.  Requests by
// several at once follow each other.
bool asking_request(struct asking *q, void (*change)(void *context, struct record_request *r),
                    void *context, struct err *e);

// Waits until it was taken notice of, and reads the header.  Fails with ETIMEDOUT when the process
// does not answer, ESRCH when it is gone, saying why.
bool asking_await(struct asking *q, struct err *e);

// A sleep.
void asking_pause_ns(u64 ns);

#endif
