// Small files of /proc and of cgroups: numbers, and lines of a word and a number.
#ifndef MEMORY_LINES_H
#define MEMORY_LINES_H

#include "base/str.h"

// A file's text, ended by NUL, as much of it as fits; false when it cannot be read.
bool lines_read(char *text, size_t cap, const char *path);

// The number behind a word at the beginning of a line, "anon 4096" or "VmPTE:   12 kB" (the word is
// "VmPTE:"); kB are bytes then.  False when there is no such line.
bool lines_find(u64 *out, struct str text, const char *word);

// The same; 0 when there is none.
u64 lines_number(struct str text, const char *word);

#endif
