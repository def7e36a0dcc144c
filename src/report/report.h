// Profile -> report.  A report is a row of one table; the command line, the routes and the manual
// come from it.
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/buf.h"
#include "profile/profile.h"
#include "profile/unit.h"
#include "report/config.h"
#include "report/graph.h"

enum report_destination {
    REPORT_TO_STDOUT,
    REPORT_OFF_TERMINAL // bytes for programs: written to profileNNN.SUFFIX when stdout is a
                        // terminal
};

struct report;

struct report_type {
    const char *name; // "top"; the flag is "-top"
    const char *help;
    const char *parameter; // what "-name=" takes, NULL: nothing
    bool (*write)(struct buf *out, struct report *r, struct err *e);
    enum report_destination destination;
    const char *suffix; // of a file with this report: "pb.gz"
    const char *mime;
    i64 nodecount;      // when the config leaves it open; 0: all
    bool is_visual;     // a picture: nodes are chosen and ordered by how much they tell
    bool shows_edges;   // lists calls, not just places
    bool is_untrimmed;  // shows all, whatever the config says
    bool by_address;    // granularity is addresses, whatever the config says
    bool keeps_objfile; // tells apart places of one name in several files
};

// Ends with a row whose name is NULL.
extern const struct report_type report_types[];

const struct report_type *report_find(struct str name);

// A report about to be written.
struct report {
    const struct report_type *type;
    struct config config; // with the type's overrides
    struct profile p;     // filtered and aggregated
    struct arena *arena;
    u32 column;             // of values
    struct str sample_type; // "inuse_space", "mean_delay"
    struct str sample_unit; // of the profile: "bytes"
    struct str output_unit; // of the report
    i64 total;              // sum of all magnitudes, before or after filtering as the config says
    struct str filter[16];  // "focus=main", in the order in which they are shown
    u32 nfilter;
    struct str parameter;
    const bool *matched;  // by node: its name matches the parameter; NULL: there is none
    struct buf *warnings; // a line each
};

// Appends the report of this type on p to out.  Warnings (an expression that matched nothing) are
// appended to warnings, a line each. Fails with EINVAL on a wrong config, ENOENT where nothing
// matches what was asked for.
bool report_write(struct buf *out, const struct profile *p, const struct report_type *type,
                  struct str parameter, const struct config *c, struct buf *warnings,
                  struct arena *a, struct err *e);

// What the writers share.

// A graph as a report shows it: sorted, trimmed, and how much was left out.
struct trimmed {
    struct graph graph;
    u32 norig;         // nodes before the top ones were chosen
    u32 dropped_nodes; // below nodefraction
    u32 dropped_edges; // below edgefraction
};
bool report_graph(struct trimmed *t, struct report *r, struct err *e);

// Appends a value in the report's unit, divided as the config says.
void report_value(struct buf *out, const struct report *r, i64 value);

// The lines over a report: what the profile is, what is shown of it, what was left out.  Each ends
// with end.
void report_profile_labels(struct buf *out, const struct report *r, const char *end);
void report_labels(struct buf *out, const struct report *r, const struct trimmed *t, bool whole,
                   const char *end);

// text.c
bool report_text(struct buf *out, struct report *r, struct err *e);
bool report_tree(struct buf *out, struct report *r, struct err *e);
bool report_traces(struct buf *out, struct report *r, struct err *e);

// raw.c
bool report_raw(struct buf *out, struct report *r, struct err *e);
bool report_comments(struct buf *out, struct report *r, struct err *e);
bool report_proto(struct buf *out, struct report *r, struct err *e);

// dot.c
bool report_dot(struct buf *out, struct report *r, struct err *e);

// picture.c: the graph laid out by Graphviz's library; the format is the type's suffix.
bool report_picture(struct buf *out, struct report *r, struct err *e);

#endif
