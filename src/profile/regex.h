// Regular expressions, by PCRE2 with its JIT: RE2's syntax is a part of its own, and both prefer
// the leftmost-first match.  Matching is bounded: an expression that would backtrack for ever does
// not match, and the more often it does, the sooner it is given up.
#ifndef PROFILE_REGEX_H
#define PROFILE_REGEX_H

#include "base/err.h"
#include "base/str.h"

struct regex;

// Fails with EINVAL and the reason.
bool regex_compile(struct regex **out, struct str pattern, struct err *e);

// The same for texts that need not be UTF-8: "." and the like stand for a byte.
bool regex_compile_bytes(struct regex **out, struct str pattern, struct err *e);

void regex_free(struct regex *r);

// Whether any part of text matches.
bool regex_match(const struct regex *r, struct str text);

// The same, telling where: group i of n begins at start[i] and ends before end[i]; -1 for one that
// took no part.
bool regex_groups(const struct regex *r, struct str text, i64 *start, i64 *end, u32 n);

#endif
