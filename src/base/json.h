// JSON (RFC 8259), written as it comes: nothing of the document is kept, so it may be larger than
// memory would hold as a tree.  Rows, which are objects in arrays, have lines of their own.
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

struct json {
    struct buf *out;
    u32 depth;     // objects and arrays that are open, at most 63
    u64 is_array;  // a bit for each level
    u64 has_items; // the same
    u64 has_lines; // the same: items begin lines
    bool has_key;  // a value must follow
};

void json_init(struct json *j, struct buf *out);

// What is begun is ended by json_end().
void json_begin_object(struct json *j);
void json_begin_array(struct json *j);
void json_end(struct json *j);

// The key of the next value.
void json_key(struct json *j, const char *key);
void json_key_str(struct json *j, struct str key);

// A text; bytes that are not UTF-8 become U+FFFD, and '<' is written so that a document can stand
// in a page.
void json_str(struct json *j, struct str s);
void json_int(struct json *j, i64 value);
void json_double(struct json *j, double value);
void json_bool(struct json *j, bool value);

// A key with its value.
void json_str_field(struct json *j, const char *key, struct str value);
void json_int_field(struct json *j, const char *key, i64 value);

#endif
