// The access log: a JSON object on a line of its own for each request that ended.
#ifndef UPLOAD_ACCESS_LOG_H
#define UPLOAD_ACCESS_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct access_log_entry {
    const char *remote; // address of the client
    const char *method, *path;
    unsigned status;              // 0: the request was broken off
    uint64_t bytes_in, bytes_out; // of the bodies
    struct timespec start;        // CLOCK_MONOTONIC
};

// Writes one line by one call, so that lines of several threads do not mix.
void access_log_write(int fd, const struct access_log_entry *e);

#endif
