#include "access_log.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "io.h"
#include "str.h"

enum { TIME_TEXT = 32 };

// RFC 3339, in milliseconds and UTC.
static void print_now(char out[TIME_TEXT])
{
    struct timespec now;
    struct tm tm;
    char seconds[TIME_TEXT - 8];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, TIME_TEXT, "%s.%03dZ", seconds, (int)(now.tv_nsec / 1000000));
}

static double ms_since(struct timespec start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t us = (now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000;
    return (double)us / 1000;
}

void access_log_write(int fd, const struct access_log_entry *e)
{
    char now[TIME_TEXT];
    char *path = str_utf8(str_of(e->path)), *method = str_utf8(str_of(e->method));
    print_now(now);
    json_t *json = json_pack("{s:s,s:s,s:s*,s:s*,s:i,s:b,s:I,s:I,s:f}", "time", now, "remote",
                             e->remote, "method", method, "path", path, "status", (int)e->status,
                             "broken_off", e->status == 0, "bytes_in", (json_int_t)e->bytes_in,
                             "bytes_out", (json_int_t)e->bytes_out, "ms", ms_since(e->start));
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    struct str line = str_of(text);
    if (text) {
        text[line.len] = '\n'; // in place of the NUL
        io_write(fd, text, line.len + 1);
    }
    json_decref(json);
    free(text);
    free(path);
    free(method);
}
