// Small numbers for what is under way, each given to one at a time.
#ifndef UPLOAD_SLOTS_H
#define UPLOAD_SLOTS_H

#include <stdatomic.h>
#include <stdint.h>

enum { SLOTS = 256 };

struct slots {
    _Atomic(uint64_t) taken[SLOTS / 64]; // bit per number
};

// The smallest number that is free, from 1 on; 0: all are taken.
uint32_t slots_take(struct slots *s);
void slots_give(struct slots *s, uint32_t number);

#endif
