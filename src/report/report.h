// Profile -> report.  A report is a row of one table; the command line, the shell, the routes and
// the manual come from it.
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/buf.h"
#include "profile/label.h"
#include "profile/profile.h"
#include "profile/regex.h"
#include "profile/unit.h"
#include "report/calltree.h"
#include "report/config.h"
#include "report/graph.h"
#include "report/nodelet.h"

enum report_destination {
    REPORT_TO_STDOUT,
    REPORT_OFF_TERMINAL, // bytes for programs: to profileNNN.SUFFIX when stdout is a terminal
    REPORT_TO_VIEWER,    // shown by the program that report_type.viewer names
};

struct report;

struct report_type {
    const char *name; // "top"; the flag is "-top"
    const char *help;
    const char *usage;     // of the command in the shell, in lines; NULL: it takes no arguments
    const char *parameter; // what "-name=" takes, NULL: nothing
    bool (*write)(struct buf *out, struct report *r, struct err *e);
    enum report_destination destination;
    const char *suffix; // of a file with this report: "pb.gz"; also the picture's format
    const char *viewer; // a program with its options; NULL with REPORT_TO_VIEWER: a browser
    const char *mime;
    const char *granularity; // whatever the config says; NULL: as that says
    bool shows_all_nodes;    // when the config leaves nodecount open; otherwise 80 are shown
    bool is_visual;          // a picture: nodes are chosen and ordered by how much they tell
    bool takes_call_tree;    // the config's call_tree is heard
    bool shows_edges;        // lists calls, not just places
    bool is_untrimmed;       // shows all, whatever the config says
    bool is_streamed;        // may be large: written as it is made
    bool is_integer;         // its values have no fraction
    bool never_inlines, always_inlines; // whatever the config's noinlines says
    bool keeps_objfile;                 // tells apart places of one name in several files
    bool skips_hidden;                  // goes by places alone, and so past hidden locations
    bool matches_names;                 // its parameter may also be a function's name alone
    const char *usual_granularity;      // when the config leaves that open; NULL: functions
    u32 nodecount;                      // shown when the config leaves that open; 0: as above
    const char *url;                    // the parameter's name in addresses, of the pages' views
    const char *standard_parameter; // what "-name" alone takes; NULL: it must be given, and is an
                                    // expression
};

// Ends with a row whose name is NULL.
extern const struct report_type report_types[];

const struct report_type *report_find(struct str name);

// What stands before a flame graph on its page, as HTML, with the style of it.
struct report_preface {
    struct str title, html, style;
};

// A report about to be written.
struct report {
    const struct report_preface *preface; // NULL: none
    const struct report_type *type;
    struct config config; // with the type's overrides
    struct profile p;     // filtered and aggregated
    struct arena *arena;
    struct graph_values values; // column, and whether to divide
    struct label_units units;   // of the labels' numbers
    struct str sample_type;     // "inuse_space", "mean_delay"
    struct str sample_unit;     // of the profile: "bytes"
    struct str output_unit;     // of the report
    struct profile whole;       // what totals are of: before or after filtering, as the config says
    bool has_base;              // there are samples of a base, with REPORT_BASE_LABEL
    i64 total;                  // as report_total()
    struct str filter[16];      // "focus=main", in the order in which they are shown
    u32 nfilter;
    struct str parameter;
    struct regex *wanted; // the parameter; NULL: there is none
    struct buf *warnings; // a line each
};

// Appends the report of this type on p to out.  Warnings (an expression that matched nothing) are
// appended to warnings, a line each. Fails with EINVAL on a wrong config, ENOENT where nothing
// matches what was asked for.
bool report_write(struct buf *out, const struct profile *p, const struct report_type *type,
                  struct str parameter, const struct config *c, struct buf *warnings,
                  struct arena *a, struct err *e);

// The flame graph's page with something before it.  Fails as report_write().
bool report_write_flame(struct buf *out, const struct profile *p,
                        const struct report_preface *preface, const struct config *c,
                        struct buf *warnings, struct arena *a, struct err *e);

// The lines that greet a person: what the profile is.  Fails as report_write().
bool report_greeting(struct buf *out, const struct profile *p, const struct config *c, i64 *total,
                     struct buf *warnings, struct arena *a, struct err *e);

// What the writers share.

// Sum of a column's magnitudes in r->whole; where that has a base, of the base's alone.
i64 report_total(const struct report *r, u32 type);

// The label that marks samples of the base that -diff_base subtracts.
#define REPORT_BASE_LABEL PROFILE_BASE_LABEL

// trim.c: a graph as a report shows it: sorted, trimmed, and how much was left out.
struct trimmed {
    struct graph graph;
    struct nodelets nodelets; // only for visual reports
    u32 norig;                // nodes before the top ones were chosen
    u32 dropped_nodes;        // below nodefraction
    u32 dropped_edges;        // below edgefraction
};
void report_graph(struct trimmed *t, struct report *r);

// Whether the report's parameter matches a node.
bool report_wants(const struct report *r, const struct graph *g, u32 node);

// All nodes, without edges and in no order.
struct graph report_nodes(const struct report *r);

// header.c

// A value divided as the config's divide_by says.
i64 report_divided(const struct report *r, i64 value);

// A value in the report's unit, without a fraction.
i64 report_scaled(const struct report *r, i64 value);

// Appends a value in the report's unit, divided as the config says.
void report_value(struct buf *out, const struct report *r, i64 value);

// The same as text, for a column of fixed width; and "." for nothing.
struct amount {
    char text[512];
};
struct amount report_amount(const struct report *r, i64 value);
struct amount report_amount_or_dot(const struct report *r, i64 value);

// The lines over a report: what the profile is, what is shown of it, what was left out.  Each ends
// with end.
void report_profile_labels(struct buf *out, const struct report *r, const char *end);
void report_labels(struct buf *out, const struct report *r, const struct trimmed *t, bool whole,
                   const char *end);

// labels.c: the labels of a sample that are texts, or those that are numbers; a part a key, in the
// order of the parts.
typedef void label_writer(struct buf *out, const struct report *r, const struct label *l, u32 n);
u32 report_label_parts(struct str **part, const struct report *r, const struct sample *s,
                       bool texts, label_writer *write);

// flamedata.c: appends what a flame graph's page draws: all of it, or of the report's type alone
// the tree that the parameter names, or the functions.
enum flame_part { FLAME_WHOLE, FLAME_TREE, FLAME_FUNCTIONS };
void report_flame_data(struct buf *out, struct report *r, enum flame_part part);

// dot.c: a graph in Graphviz's language; the node that is shown as number i is "N" and i + 1.
void dot_write(struct buf *out, struct report *r, const struct trimmed *t, bool with_legend);

// picture.c: the same without a legend, drawn.
bool picture_svg(struct buf *out, struct report *r, const struct trimmed *t, struct err *e);

// The first mapping's file without its folder; empty when it has none.
struct str report_title(const struct report *r);

// Writers, by file.
typedef bool report_writer(struct buf *out, struct report *r, struct err *e);
report_writer report_text, report_tree, report_traces; // text.c
report_writer report_tags;                             // tags.c
report_writer report_raw, report_comments;             // raw.c
report_writer report_proto, report_topproto;           // proto.c
report_writer report_callgrind;                        // callgrind.c
report_writer report_dot;                              // dot.c
report_writer report_picture;                          // picture.c
report_writer report_list;                             // list.c
report_writer report_folded;                           // folded.c
report_writer report_json;                             // json.c
report_writer report_flame;                            // flame.c
report_writer report_markdown;                         // markdown.c
report_writer report_disasm;                           // disasm.c
report_writer report_weblist;                          // weblist.c

#endif
