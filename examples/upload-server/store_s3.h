// A store in a bucket of S3.  A file is an object; its key is a prefix and the file's id, its name
// and type are in the object's metadata.  A file of more than one part goes up part by part while
// it arrives; parts are the only memory that it takes.
#ifndef UPLOAD_STORE_S3_H
#define UPLOAD_STORE_S3_H

#include "s3.h"
#include "store.h"

struct store_s3_options {
    struct s3_options s3;
    const char *prefix;  // of all keys, in UTF-8; may be empty
    uint64_t part_bytes; // of all parts but the last
    uint64_t file_bytes; // of parts of one file in memory, being filled or sent; at least one part
    uint64_t budget_bytes; // of all parts of all files in memory
};

enum {
    STORE_S3_LEAST_PART = 5 << 20, // S3's own limits
    STORE_S3_MOST_PARTS = 10000,
    STORE_S3_MOST_LISTED = 1000 // each costs a request
};

// Asks for the bucket.
bool store_s3_open(struct store **out, const struct store_s3_options *o, struct err *e);

#endif
