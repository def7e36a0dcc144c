// Stacks as lines of text, "main;work;read 12", root first: what flame graphs are drawn from, and
// what stackcollapse-*.pl, inferno, bcc -f, async-profiler (collapsed) and py-spy (raw) write.
//
// A name may end in what FlameGraph and async-profiler append to it: "_[k]" is in the kernel,
// "_[j]" and "_[1]" were made by a JIT compiler, "_[0]" is interpreted, "_[i]" is inlined into the
// frame before it.  "name (file:12)", as py-spy writes, has a file and a line.  With two numbers at
// the end of each line ("a;b 10 12", of difffolded.pl) it is a difference: what was, then what is.
#ifndef PROFILE_FOLDED_H
#define PROFILE_FOLDED_H

#include "profile/legacy.h"

// Values are counts of samples; when some have a fraction, all are multiplied by a power of 10,
// which the type's name then tells.
enum format folded_decode(struct profile *out, struct str bytes, struct arena *a, struct err *e);

#endif
