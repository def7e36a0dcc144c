// A header's value with parameters: `form-data; name="file"; filename=a.txt` (RFC 2045 section 5.1,
// RFC 2183).
#ifndef UPLOAD_HEADER_H
#define UPLOAD_HEADER_H

#include "str.h"

// What is left to read of one; quoted values are unquoted in place.
struct header {
    char *at, *end;
};

// Returns the part before the first ';'.
struct str header_start(struct header *h, char *text, size_t n);

// The next parameter; false at the end, and where the text stops being one.
bool header_next(struct header *h, struct str *key, struct str *value);

#endif
