// Reports to where they belong.
#ifndef SONDE_OUTPUT_H
#define SONDE_OUTPUT_H

#include "report/report.h"

// Writes the report of this type on p to the config's output, or to where the type says: standard
// output, a new file, a program that shows it.  Warnings go to stderr.
bool output_report(const struct profile *p, const struct report_type *type, struct str parameter,
                   const struct config *c, bool is_shell, struct err *e);

// Opens an address in a browser, and does not wait for it; false: there is none.
bool output_open(const char *address, struct arena *a);

// Removes the files that were made for programs that show reports.
void output_clean(void);

#endif
