// The variables that shape a report.  One table serves the command line, the shell and URLs; names,
// defaults and error sentences are pprof's.
#ifndef REPORT_CONFIG_H
#define REPORT_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct config {
    struct str output;
    struct str unit;
    bool relative_percentages;
    bool compact_labels;
    bool mean;
    struct str sample_index;
    double divide_by;
    struct str sort; // "flat" or "cum"
    bool drop_negative;
    i64 nodecount;                     // -1: the report's own default; 0: all
    double nodefraction, edgefraction; // of the total
    bool trim;
    struct str focus, ignore, hide, show, show_from, prune_from; // regular expressions; empty: off
    bool noinlines;
    bool showcolumns;
    struct str granularity; // empty: functions
};

enum config_type { CONFIG_TEXT, CONFIG_BOOL, CONFIG_INT, CONFIG_FLOAT, CONFIG_CHOICE };

struct config_variable {
    const char *name;
    enum config_type type;
    size_t offset;        // in struct config
    const char *standard; // its default, as text
    const char *choices;  // CONFIG_CHOICE: the values, by blanks; each is a flag of its own
    const char *help;
};

// Ends with a row whose name is NULL.
extern const struct config_variable config_variables[];

void config_init(struct config *c);

// The variable called name, or the one that has a choice of that name (then *choice is it); NULL
// when there is none.
const struct config_variable *config_find(struct str name, struct str *choice);

// Sets a variable from text.  Fails with EINVAL.  The text must outlive the config.
bool config_set(struct config *c, const struct config_variable *v, struct str value, struct err *e);

#endif
