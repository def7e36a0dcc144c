// Places: what a report tells apart.  A place is a function, a line, an address ..., as the
// granularity says; several locations of a profile may be one place, and a location with inlined
// functions is several.
#ifndef REPORT_PLACE_H
#define REPORT_PLACE_H

#include "profile/profile.h"
#include "report/path.h"

// Fields that the granularity does not tell apart are empty.
struct place {
    struct str name;
    struct str file; // cleaned as by filepath.Clean
    struct str
        objfile; // of the mapping; kept only where nothing else is known or a report asks for it
    u64 address;
    i64 start_line, line, column;
};

struct places {
    struct place *place; // row 0: none
    struct str *name;    // of each place, as it is printed
    u32 nplace;
    // Places of each location, innermost first: run first[location] .. first[location + 1] of
    // of_line.
    u32 *first;
    u32 *of_line;
    bool has_inlines; // some location is more than one place
    bool is_plain;    // each is one: of_line[location - 1]
};

struct places_options {
    bool keep_objfile; // tells apart places of one name in several files
    bool trim_files;   // cuts off the start of files' names, by trim_path and source_path
    struct str trim_path, source_path;
};

struct places places_build(const struct profile *p, const struct places_options *o,
                           struct arena *a);

// Order of two places by what is printed of them; 0 for the same place only.
int place_compare(const struct places *ps, u32 l, u32 r);

// The same, but 0 also for different places that are printed alike.
int place_compare_names(const struct places *ps, u32 l, u32 r);

#endif
