// Memory for the parts of files that are on their way to an object store: pieces of equal size, so
// many and no more for all uploads together.  Who finds none waits, and so does its client.
#ifndef UPLOAD_BUDGET_H
#define UPLOAD_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUDGET_PIECE_BYTES = 256 << 10 };

struct budget;

// A piece's holder takes at most most_pieces before it gives all of them back; the budget is at
// least so large.  The gauge tells of the bytes that are taken.  NULL: no memory.
struct budget *budget_open(uint64_t bytes, size_t most_pieces, _Atomic(uint64_t) *gauge);
void budget_close(struct budget *b);

// A piece for the holder; waits for it.  NULL: budget_stop() was called, or there is no memory.
void *budget_take(struct budget *b, const void *holder);

// Gives a holder's pieces back, all that it has.
void budget_give(struct budget *b, const void *holder, void *const *piece, size_t n);

// From now on nobody waits.
void budget_stop(struct budget *b);

#endif
