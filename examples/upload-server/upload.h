// A file that a client sends, from the first byte of its part to the end of the request.
#ifndef UPLOAD_UPLOAD_H
#define UPLOAD_UPLOAD_H

#include "multipart.h"
#include "read_all.h"
#include "service.h"

enum upload_kind {
    UPLOAD_STORED, // in the store already, not published
    UPLOAD_IN_MEMORY,
    UPLOAD_IN_TEMP_FILE
};

struct upload {
    enum upload_kind kind;
    char *key;          // its part's name
    char *filename;     // "": the client gave none
    char *content_type; // "": likewise
    uint64_t size;      // bytes that have arrived
    struct read_all memory;
    int fd; // of a file without a name, so that nothing remains of it however the server ends; -1:
            // none
    struct store_put *put;  // NULL: published, or refused
    struct store_file file; // once published
    struct err error;       // why the store refused; empty: it did not
    const struct service *service;
    struct upload *next;
};

// NULL: no memory.  An upload that has no place (a temporary file cannot be made) has fd -1; one
// that the store refuses has an error.
struct upload *upload_open(enum upload_kind kind, const struct multipart_part *part,
                           const struct service *s);

// Frees it and all that it holds; what was not published is gone.
void upload_close(struct upload *u);

// Reads an upload from its start; any number of them at a time.  upload_read is a read_all_source.
struct upload_reader {
    const struct upload *upload;
    uint64_t at;
};
ssize_t upload_read(void *reader, void *out, size_t n);

// Puts an upload into the store, as -put and -stream say, and publishes it.  A stored upload is
// published once and is the same file after that; of the others every call makes another file.
bool upload_publish(struct upload *u, struct store_file *out, struct err *e);

#endif
