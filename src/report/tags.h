// How much of a profile carries which labels, by key.
#ifndef REPORT_TAGS_H
#define REPORT_TAGS_H

#include "report/report.h"

struct tag {
    struct str name; // a value, as text
    i64 value;       // sum of its samples
};

struct tag_key {
    struct str name;
    i64 total;
    struct tag *tag; // row 0: none; the heaviest first
    u32 ntag, cap;
    struct table names; // of tags, in no order
};

struct tags {
    struct tag_key *key; // row 0: none; by name
    u32 nkey, cap;
    struct table names;
};

struct tags tags_build(const struct report *r);

#endif
