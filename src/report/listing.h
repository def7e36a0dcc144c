// Source files with the instructions that each line was made into: those around the addresses that
// have samples, in the functions that are asked for.  Algorithms: pprof's
// internal/report/source.go.
#ifndef REPORT_LISTING_H
#define REPORT_LISTING_H

#include "report/binary.h"
#include "report/report.h"

struct listing_instruction {
    u64 address;     // of the process
    u64 linked;      // in its binary; the same as address where there is none
    u32 length;      // bytes
    struct str text; // empty: there is no binary, but its address has samples
    struct str file; // that the code itself is from
    i64 line;
    i64 flat, cum;
};

// A call that was inlined.
struct listing_call {
    struct str file; // where it is
    i64 line;
};

// An instruction as it is shown below a line.
struct listing_entry {
    i64 line;                        // of the file
    u32 instruction;                 // row
    struct str function;             // that the line is in, as the linker knows it
    const struct listing_call *call; // from the line's function to the code's, outermost first
    u32 ncall;
};

// Lines that are shown together.
struct listing_function {
    struct str name;
    i64 first, end; // lines, [first, end)
    i64 flat, cum;
};

struct listing_file {
    struct str name;             // cleaned
    struct str folder;           // that it was compiled in; empty: not known
    struct listing_entry *entry; // by line, then in the order in which they were found
    u32 nentry, entry_cap;
    struct listing_function *function; // by line
    u32 nfunction, function_cap;
    i64 flat, cum;
};

struct listing {
    struct listing_instruction *instruction; // row 0: none
    u32 ninstruction, instruction_cap;
    struct listing_file **file;
    u32 nfile, file_cap;
    struct err *trouble; // with binaries that could not be read
    u32 ntrouble, trouble_cap;
};

// Names of functions as people write them, by those that the linker knows.
struct listing_names {
    struct table system;
    struct str *pretty; // by row of system
    u32 npretty, pretty_cap;
};

// listing_function.c: sorts the file's entries, and divides its lines into functions.
void listing_divide(struct listing_file *f, const struct listing *l,
                    const struct listing_names *names, struct arena *a);

// Files by name.  Fails with ENOENT when no function with samples is asked for.
bool listing_build(struct listing *out, struct binaries *b, const struct report *r, struct err *e);

#endif
