// Help that comes from the tables of reports and variables.
#ifndef SONDE_USAGE_H
#define SONDE_USAGE_H

#include "base/buf.h"

// Appends the lists of reports, variables and groups of choices, each name with prefix ("-" on the
// command line); more is appended to the list of reports.
void usage_tables(struct buf *out, const char *prefix, const char *more);

// Appends all that is known of a report or variable called name; false: there is none.
bool usage_about(struct buf *out, struct str name);

#endif
