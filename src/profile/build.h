// Making a profile row by row: for the decoders, the record's reader and the symbolizer.
#ifndef PROFILE_BUILD_H
#define PROFILE_BUILD_H

#include "base/table.h"
#include "profile/profile.h"

struct build {
    struct profile p; // the tables so far; whole and valid at any time
    struct arena *arena;
    struct table strings; // content -> position in string_of
    u32 *string_of;       // row of p.string
    u32 nstring_of, string_of_cap;
    u32 string_cap, type_cap, sample_cap, value_cap, frame_cap, label_cap;
    u32 mapping_cap, location_cap, line_cap, function_cap, comment_cap;
    u32 nvalue; // cells of p.value
};

// An empty profile with the rows 0 in place.
void build_init(struct build *b, struct arena *a);

// Row of the string with this content.
u32 build_string(struct build *b, struct str s);

// Each appends one zeroed row and returns it; for mapping, location and function with the next id.
struct value_type *build_type(struct build *b, struct str type, struct str unit);
struct mapping *build_mapping(struct build *b);
struct location *build_location(struct build *b);
struct function *build_function(struct build *b);
struct sample *build_sample(struct build *b);

// Makes room for n samples, all of whose types are there already; and appends n, which are zero.
void build_reserve_samples(struct build *b, u64 n);
void build_more_samples(struct build *b, u32 n);

// Lines, frames and labels belong to the location or sample that was appended last.
struct line *build_line(struct build *b);
void build_frame(struct build *b, u32 location);
struct label *build_label(struct build *b);
void build_value(struct build *b, i64 value);
void build_comment(struct build *b, struct str s);

#endif
