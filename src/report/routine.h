// The routines of a profile's binaries that samples are in: what a symbol table has from one name
// to the next.
#ifndef REPORT_ROUTINE_H
#define REPORT_ROUTINE_H

#include "report/binary.h"
#include "report/report.h"

// An address with samples.
struct spot {
    struct binary *binary;
    u64 linked; // address in the binary
    u32 location;
    u32 node; // of the graph
};

struct routine {
    struct binary *binary;
    u64 first, end;     // linked addresses, [first, end)
    struct str *name;   // the first is what it is called, the others are aliases
    u32 nname;          // at least 1
    struct str inlined; // the functions whose inlined code is all that was asked for; empty: it
                        // was asked for itself
    const struct spot *spot; // by address
    u32 nspot;
};

struct routines {
    struct routine *at; // by name, then by address
    u32 n;
};

// Those whose name, as the linker knows it or as people write it, matches what the report is asked
// for, or that its address is in; and those that a function of such a name was inlined into.
// Places of g's nodes are addresses.  Fails with ENOENT when there are none.
bool routines_find(struct routines *out, struct binaries *b, const struct graph *g,
                   const struct report *r, struct err *e);

// Whether the function, named as the linker does, is asked for by this name or as people write it;
// *name is the one that matched.
bool routine_matches(struct str *name, const struct regex *wanted, struct str function,
                     struct arena *a);

// The address that the report is asked for instead of a name.
bool routine_address(u64 *address, const struct report *r);

#endif
