// The interactive shell: commands are names of reports, and assignments to variables.
#ifndef SONDE_SHELL_H
#define SONDE_SHELL_H

#include "report/report.h"

// Reads commands on p until "quit" or the end of the input.  With a terminal, lines can be edited
// and completed, and are remembered for the next time.
bool shell(const struct profile *p, const struct config *c, struct err *e);

#endif
