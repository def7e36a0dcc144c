// A profile as a set of immutable tables, named after the messages of profile.proto
// (https://github.com/google/pprof/blob/main/proto/profile.proto).
//
// Tables refer to each other by u32 row.  Row 0 of string, mapping, function and location means
// none and is always there, so each of their counts includes it.  A list of variable length is a
// run: first row and count in a side table.  Values are one matrix, samples x types.  A
// transformation returns a new struct profile that shares the tables it leaves alone; nothing is
// ever written to a table that a struct profile refers to.
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include "base/arena.h"
#include "base/err.h"

struct value_type {
    u32 type, unit; // strings: "inuse_space", "bytes"
};

struct sample {
    u32 frame, nframe; // run in profile.frame, leaf first; no other sample's
    u32 label, nlabel; // run in profile.label, sorted: texts by key, then numbers by key
};

struct label {
    u32 key;
    u32 text; // not 0: a text label, and number and unit are 0
    u32 unit; // of number; 0 when the profile names none
    i64 number;
};

// Of the samples that a difference takes away, with the text "true".
#define PROFILE_BASE_LABEL "pprof::base"

struct mapping {
    u64 id;
    u64 start, limit; // addresses, [start, limit)
    u64 offset;       // in the file, of the byte at start
    u32 filename, build_id;
    bool has_functions, has_filenames, has_line_numbers, has_inline_frames;
};

struct location {
    u64 id;
    u64 address;
    u32 mapping;
    u32 line, nline; // run in profile.line, innermost (inlined) function first
    bool is_folded;
    bool is_hidden; // frames there count for nothing; only a filter that was asked to says so
};

struct line {
    u32 function;
    i64 line;   // 0: not known
    i64 column; // 0: not known
};

struct function {
    u64 id;
    u32 name, system_name, filename;
    i64 start_line;
};

struct profile {
    struct str *string;
    u32 nstring;
    struct value_type *type;
    u32 ntype;
    struct sample *sample;
    u32 nsample;
    i64 *value; // nsample rows of ntype columns
    u32 *frame; // location rows
    u32 nframe;
    struct label *label;
    u32 nlabel;
    struct mapping *mapping;
    u32 nmapping;
    struct location *location;
    u32 nlocation;
    struct line *line;
    u32 nline;
    struct function *function;
    u32 nfunction;
    u32 *comment; // strings
    u32 ncomment;
    u32 drop_frames, keep_frames; // strings: regular expressions
    u32 default_type, doc_url;    // strings
    struct value_type period_type;
    i64 period;
    i64 time_ns;     // since 1970; 0: not known
    i64 duration_ns; // 0: not known
};

static inline struct str profile_string(const struct profile *p, u32 string)
{
    return p->string[string];
}

static inline const i64 *profile_values(const struct profile *p, u32 sample)
{
    return p->value + (size_t)sample * p->ntype;
}

// The column called name: a type's name, its name without "inuse_" in front, or an index.  Fails
// with ENOENT, naming the types that there are.  The empty name is the default type, or else the
// last one, as in pprof.
bool profile_type_find(u32 *type, const struct profile *p, struct str name, struct err *e);

// p with one more string, whose row goes to *row.
struct profile profile_with_string(const struct profile *p, struct str s, u32 *row,
                                   struct arena *a);

#endif
