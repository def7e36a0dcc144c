// Names that sort by the time they were made: 26 letters for 48 bits of time and 80 random ones.
// https://github.com/ulid/spec
#ifndef UPLOAD_ULID_H
#define UPLOAD_ULID_H

#include "str.h"

enum { ULID_CHARS = 26, ULID_TEXT = ULID_CHARS + 1 };

// False: there is no randomness to be had; errno says why.
bool ulid_make(char out[ULID_TEXT]);

bool ulid_is(struct str s);

#endif
