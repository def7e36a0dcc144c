// Instructions as GNU objdump writes them, made from capstone's, which writes them as LLVM does.
#ifndef OBJECT_SYNTAX_H
#define OBJECT_SYNTAX_H

#include <capstone/capstone.h>

#include "object/symtab.h"

struct syntax {
    csh capstone;
    const struct symtab *symtab; // for the targets of jumps
    struct arena *arena;
};

// Each appends one instruction; i has its details.
typedef void syntax_writer(struct buf *out, const struct syntax *s, const cs_insn *i);
syntax_writer syntax_att, syntax_intel; // of x86
syntax_writer syntax_arm;               // of AArch64

// What the writers share.

enum { SYNTAX_OPERANDS = 6 };

struct operands {
    struct str at[SYNTAX_OPERANDS];
    u32 n;
};

// Divides capstone's operands at the commas that are not in brackets.
struct operands operands_split(struct str text);

bool is_number(struct str s);

// Appends the number that text begins with in hexadecimal, "-0x8"; returns what follows it.
struct str write_hex(struct buf *out, struct str text);

// x86_syntax.c: what both syntaxes of x86 share.

// Appends the prefixes that say something beside the operands: "lock ", "cs ", "data16 "; returns
// the mnemonic without them.
struct str x86_prefixes(struct buf *out, const cs_insn *i);

bool x86_is_jump(const cs_insn *i);     // to an address that is in the instruction
bool x86_is_string(const cs_insn *i);   // movs, stos ...
bool x86_is_wide_nop(const cs_insn *i); // "xchg %ax,%ax"

// Spells out the coprocessor's operand that is the top of its stack, which capstone leaves out or
// gives a number.
void x86_stack_operands(struct operands *o, const cs_insn *i, struct str top, bool is_att);

// Appends where an operand relative to the instruction's own place is: "        # 4010 <x>".
void x86_comment(struct buf *out, const struct syntax *s, const cs_insn *i);

// Length of an instruction that capstone does not know, but whose encoding (VEX, EVEX) tells it; 1
// where it does not.
u32 x86_unknown_length(const u8 *code, size_t left);

#endif
