// The command line, in the syntax of Go's flag package: -name=value, -name value, --name; a switch
// alone means true.
#ifndef UPLOAD_OPTIONS_H
#define UPLOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"

// How an upload that was received first goes to the store.
enum options_put { OPTIONS_PUT_STREAM, OPTIONS_PUT_READALL };

// Where the bucket stands in a URL.
enum options_style { OPTIONS_STYLE_PATH, OPTIONS_STYLE_HOST };

struct options {
    const char *listen;      // "localhost:8080"
    const char *store;       // a folder
    const char *s3_endpoint; // "https://host:port"; empty: files go to the folder
    const char *s3_bucket, *s3_prefix, *s3_region;
    const char *s3_credentials; // a file; empty: the environment's
    uint64_t s3_style;          // enum options_style
    uint64_t s3_timeout_s;
    uint64_t part_size;       // bytes
    uint64_t file_memory;     // bytes, of the parts of one file
    uint64_t buffer_memory;   // bytes, of the parts of all files
    const char *temp;         // where temporary files go: $TMPDIR, or /tmp
    uint64_t max_upload_size; // bytes of a request's body
    uint64_t max_memory; // bytes: shorter requests are held in memory, others in temporary files
    uint64_t put;        // enum options_put
    bool stream;         // files go to the store while they arrive
    bool batch;          // a request may have several operations
    uint64_t max_connections;
    uint64_t timeout_s; // a connection may be idle
    uint64_t min_rate;  // bytes a second that a client sends at least
    uint64_t grace_s;   // uploads may take after SIGTERM
    const char *debug;  // "localhost:6060"; empty: the own profiles are not served
    bool help;
    uint32_t given; // bit per row of the table of options: it was on the command line
};

// Fails with a sentence about the first wrong argument.
bool options_parse(struct options *o, int argc, char **argv, struct err *e);

void options_print_help(FILE *out);

#endif
