// Lines that a person types.
#ifndef SONDE_PROMPT_H
#define SONDE_PROMPT_H

#include "profile/profile.h"

// Prepares for editing when input and output are a terminal; words of p are offered for completion.
void prompt_open(const struct profile *p);

// The next line, without its end; false at the end of the input.  The caller frees *line.
bool prompt_read(char **line);

// Remembers the lines for the next time.
void prompt_close(void);

#endif
