// What the server counts, and Prometheus' text form of it.
#ifndef UPLOAD_METRICS_H
#define UPLOAD_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

// The only state that requests share, beside the store.
struct metrics {
    _Atomic(uint64_t) requests;          // that ended
    _Atomic(uint64_t) failed_requests;   // of those: status 400 and above, or broken off
    _Atomic(uint64_t) files;             // in the store since the start
    _Atomic(uint64_t) upload_bytes;      // of file parts that arrived
    _Atomic(uint64_t) uploads_in_flight; // multipart requests
    _Atomic(uint64_t) buffer_bytes;      // capacity of all struct read_all
    _Atomic(uint64_t) part_bytes;        // of the budget that are taken
    _Atomic(uint64_t) s3_requests;       // that ended
    _Atomic(uint64_t) s3_retries;        // tries behind the first
    _Atomic(uint64_t) s3_failures;       // requests without success, after all tries
};

// The text, for free(); NULL: no memory.
// https://prometheus.io/docs/instrumenting/exposition_formats/
char *metrics_print(struct metrics *m);

#endif
