// A part of a file in pieces of the budget, from its first byte until the store has it.
#ifndef UPLOAD_PART_H
#define UPLOAD_PART_H

#include <sys/types.h>

#include "budget.h"

enum { PART_SHA256_TEXT = 65 };

struct part;

// Holds no piece yet.  NULL: no memory.
struct part *part_open(struct budget *b, size_t limit_bytes);
void part_close(struct part *p);

// Appends what fits of n bytes, after waiting for memory; returns how many that were, 0 when there
// is no more waiting (budget_stop) or no memory.
size_t part_add(struct part *p, const void *bytes, size_t n);

size_t part_bytes(const struct part *p);
bool part_is_full(const struct part *p);

// Memory that it holds, and whether the next byte takes more of it.
size_t part_held_bytes(const struct part *p);
bool part_is_at_edge(const struct part *p);

// Copies at most n bytes from an offset on; 0: it is the end.
size_t part_read(const struct part *p, size_t offset, void *out, size_t n);

// SHA-256 of all bytes, after which no more may be added.
void part_sha256(struct part *p, char out[PART_SHA256_TEXT]);

#endif
