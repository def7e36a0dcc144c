// A death, as "sonde run" and "sonde oom" tell of it.
#ifndef SONDE_DEATH_H
#define SONDE_DEATH_H

#include "oom/oom.h"

// Gives the addresses of the heap names, as "sonde -top" would.
bool death_name_heap(struct oom *o, struct arena *a, struct err *e);

#endif
