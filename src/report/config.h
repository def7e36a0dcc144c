// The variables that shape a report.  One table serves the command line, the shell and URLs; names,
// defaults and error sentences are pprof's.
#ifndef REPORT_CONFIG_H
#define REPORT_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct config {
    struct str output; // file; empty: standard output
    bool call_tree;
    bool relative_percentages;
    struct str unit; // "minimum", "auto", or a unit
    bool compact_labels;
    struct str source_path, trim_path; // folders, by ':'
    bool intel_syntax;
    bool mean;
    struct str sample_index; // a type's name or number; empty: the profile's default
    double divide_by;
    bool normalize;
    struct str sort;             // "flat" or "cum"
    struct str tagroot, tagleaf; // keys of labels, by ','
    bool drop_negative;
    i64 nodecount;                     // -1: the report's own default; 0: all
    double nodefraction, edgefraction; // of the total
    bool trim;
    struct str focus, ignore, prune_from, hide, show, show_from; // regular expressions; empty: off
    struct str tagfocus, tagignore, tagshow, taghide;            // the same, or ranges
    bool noinlines;
    bool showcolumns;
    struct str granularity; // empty: functions
    bool confine_sources; // no variable: source files outside of source_path are not read, whatever
                          // a profile calls them
};

enum config_type { CONFIG_TEXT, CONFIG_BOOL, CONFIG_INT, CONFIG_FLOAT, CONFIG_CHOICE };

struct config_variable {
    const char *name;
    enum config_type type;
    size_t offset;        // in struct config
    const char *standard; // its default, as text
    const char *url;      // its parameter's name in URLs; NULL: it has none
    bool is_saved;        // in named settings
    const char *choices;  // CONFIG_CHOICE: the values, by blanks; each is a flag of its own
    const char *help;     // lines; the first says what it is
};

// Ends with a row whose name is NULL.
extern const struct config_variable config_variables[];

void config_init(struct config *c);

// The variable called name, or the one that has a choice of that name (then *choice is it); NULL
// when there is none.
const struct config_variable *config_find(struct str name, struct str *choice);

// Help on a variable or a choice, in lines; NULL when there is none.
const char *config_help(struct str name);

// Sets a variable from text, as the shell and URLs do.  Fails with EINVAL.  The text must outlive
// the config.
bool config_set(struct config *c, const struct config_variable *v, struct str value, struct err *e);

// Appends a variable's value as text.
void config_value(struct buf *out, const struct config *c, const struct config_variable *v);

#endif
