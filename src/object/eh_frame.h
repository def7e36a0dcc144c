// Unwind rules from .eh_frame, for x86-64: what a debugger computes from the call frame
// instructions, reduced to what finding the caller's pc, sp and bp needs.  Needs no library and no
// memory: it runs inside signal handlers of the profiled process.
//
// Formats: DWARF 5 section 6.4, and the Linux Standard Base 5.0, "Exception Frames" (.eh_frame,
// .eh_frame_hdr).
#ifndef OBJECT_EH_FRAME_H
#define OBJECT_EH_FRAME_H

#include "base/types.h"

// How to find the canonical frame address (CFA), the caller's sp.  The return address is always at
// CFA - 8.
enum unwind_cfa {
    UNWIND_UNKNOWN,  // there is no rule: assembly, perhaps, or nothing that can be read
    UNWIND_END,      // the thread's first frame
    UNWIND_SP,       // sp + offset
    UNWIND_BP,       // bp + offset
    UNWIND_AT_SP,    // above the word at sp + offset
    UNWIND_AT_BP,    // above the word at bp + offset
    UNWIND_SIGNAL,   // a signal frame: registers are in the ucontext at sp
    UNWIND_REGISTER, // another register + offset, which only an interrupted frame has
    UNWIND_OTHER     // a rule that needs more than that
};

// Where the caller's bp is.
enum unwind_bp {
    UNWIND_BP_SAME,
    UNWIND_BP_AT_CFA, // the word at CFA + bp_offset
    UNWIND_BP_AT_BP   // the word at bp + bp_offset
};

struct unwind_rule {
    i32 cfa_offset;
    i16 bp_offset;
    enum unwind_cfa cfa : 4;
    enum unwind_bp bp : 4;
    u8 above; // added to the word of UNWIND_AT_SP and _BP; UNWIND_REGISTER: its DWARF number
};

// The mapped memory that may be read: .eh_frame_hdr and .eh_frame lie in it.
struct eh_frame {
    const u8 *low, *high;
    const u8 *header; // .eh_frame_hdr, with its binary search table
};

// The rule for the frame whose instruction is at pc (for callers: the return address less one).
// UNWIND_UNKNOWN when the tables do not cover pc, or are damaged.  Async-signal-safe.
struct unwind_rule eh_frame_rule(const struct eh_frame *eh, u64 pc);

#endif
