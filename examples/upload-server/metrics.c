#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    const char *name, *type, *help;
    size_t offset; // in struct metrics
} row[] = {
    {"requests_total", "counter", "HTTP requests that ended.", offsetof(struct metrics, requests)},
    {"failed_requests_total", "counter",
     "HTTP requests that ended with a status of 400 and above, or were broken off.",
     offsetof(struct metrics, failed_requests)},
    {"files_total", "counter", "Files that were put into the store.",
     offsetof(struct metrics, files)},
    {"upload_bytes_total", "counter", "Bytes of files that arrived.",
     offsetof(struct metrics, upload_bytes)},
    {"uploads_in_flight", "gauge", "Multipart requests that are under way.",
     offsetof(struct metrics, uploads_in_flight)},
    {"buffer_bytes", "gauge", "Capacity of the buffers that hold whole files.",
     offsetof(struct metrics, buffer_bytes)},
    {"part_bytes", "gauge", "Memory of the parts that are on their way to S3.",
     offsetof(struct metrics, part_bytes)},
    {"s3_requests_total", "counter", "Requests to S3 that ended.",
     offsetof(struct metrics, s3_requests)},
    {"s3_retries_total", "counter", "Requests to S3 that were sent once more.",
     offsetof(struct metrics, s3_retries)},
    {"s3_failures_total", "counter", "Requests to S3 without success, after all tries.",
     offsetof(struct metrics, s3_failures)},
};

char *metrics_print(struct metrics *m)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return NULL;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        _Atomic(uint64_t) *value = (void *)((char *)m + row[i].offset);
        fprintf(f, "# HELP upload_server_%s %s\n", row[i].name, row[i].help);
        fprintf(f, "# TYPE upload_server_%s %s\n", row[i].name, row[i].type);
        fprintf(f, "upload_server_%s %" PRIu64 "\n", row[i].name, atomic_load(value));
    }
    fclose(f);
    return text;
}
