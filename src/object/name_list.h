// Names of code that is in no file: a list of address ranges, as kernels and JIT compilers write it
// in text.
#ifndef OBJECT_NAME_LIST_H
#define OBJECT_NAME_LIST_H

#include "base/arena.h"
#include "base/err.h"

struct name_range {
    u64 start, limit; // [start, limit)
    u32 order;        // of its line
    u8 rank;          // of several that start at one address, the best has the most
    struct str name;
};

struct name_list {
    struct arena *arena;
    struct name_range *range; // by start, once name_list_sort() was called
    u32 n, cap;
};

void name_list_init(struct name_list *l, struct arena *a);

// Whether this is the file where a JIT compiler says what its code is: "/tmp/perf-PID.map"
// (tools/perf/Documentation/jit-interface.txt of the kernel).
bool name_list_is_jit(struct str path);

// Reads it; offsets are addresses then.  Fails when it is not there.
bool name_list_open_jit(struct name_list *l, const char *path, struct arena *a, struct err *e);

// Name of the range that offset is in; empty when there is none.
struct str name_list_find(const struct name_list *l, u64 offset);

// Adds lines "START SIZE NAME".  Of several ranges that start at one address the last one counts.
void name_list_add_jit(struct name_list *l, struct str text);

// Adds the functions of one module, or of the kernel itself when module is empty, from lines
// "ADDRESS TYPE NAME\t[MODULE]"; where some of the addresses are not 0, is true.
bool name_list_add_kallsyms(struct name_list *l, struct str text, struct str module);

// Puts the ranges in order, and counts their addresses from base on.
void name_list_sort(struct name_list *l, u64 base);

// Address of the symbol with this name.
bool name_list_address(u64 *address, struct str kallsyms, struct str name);

#endif
