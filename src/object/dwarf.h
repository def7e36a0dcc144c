// DWARF, versions 2 to 5 (https://dwarfstd.org/doc/DWARF5.pdf): which function, line and inlined
// calls an address belongs to.
//
// A file's debug information is a row of units, one for each compilation.  A unit is a tree of
// entries.  An entry is a code, which selects an abbreviation, and the values of the attributes
// that the abbreviation lists.  All here only reads what is mapped: threads share a struct dwarf,
// and what is made of one unit is one thread's.
//
// Why not libdw: it walks a unit's tree anew for each address, which takes minutes for 10,000
// addresses in large units, and threads cannot share its handles.  What it does well, finding and
// opening files, is still its own (object_file.h).
#ifndef OBJECT_DWARF_H
#define OBJECT_DWARF_H

#include "base/cursor.h"
#include "object/extents.h"

enum dwarf_section {
    DWARF_INFO,
    DWARF_ABBREV,
    DWARF_LINE,
    DWARF_STR,
    DWARF_LINE_STR,
    DWARF_STR_OFFSETS,
    DWARF_ADDR,
    DWARF_RANGES,
    DWARF_RNGLISTS,
    DWARF_NSECTION,
};

// The debug information of one file, or of one unit that was split off.
struct dwarf {
    struct str section[DWARF_NSECTION]; // empty: not there
    bool swap;                          // see struct cursor
    const struct dwarf *alt;            // what it shares with other files (dwz); NULL: nothing
    const struct extents *code;         // linked addresses of the file's code; NULL: any
    struct dwarf_unit *unit;            // by offset
    u32 nunit, unit_cap;
    struct extents units; // linked address -> row of unit, plus 1
};

struct dwarf_unit {
    const struct dwarf *dwarf;
    u64 offset, end;   // in DWARF_INFO
    u64 root;          // of the first entry, in DWARF_INFO
    u64 abbrev_offset; // in DWARF_ABBREV
    u16 version;
    u8 address_bytes, offset_bytes;
    u8 type; // DW_UT_*

    // From the root's attributes.
    bool has_lines, is_assembly;
    u64 lines;        // in DWARF_LINE
    u64 low;          // the base of range lists
    u64 str_offsets;  // of entry 0, in DWARF_STR_OFFSETS
    u64 addresses;    // of entry 0, in DWARF_ADDR
    u64 rnglists;     // of entry 0, in DWARF_RNGLISTS
    u64 ranges;       // added to its offsets in DWARF_RANGES
    u64 split_ranges; // the same, for what was split off
    u64 dwo_id;
    struct str name, folder;           // the source file, and where it was compiled
    struct str dwo_name;               // not empty: the rest was split off into this file
    const struct dwarf_unit *skeleton; // of a unit that was split off: it has the lines
};

// What a value means.
enum dwarf_class {
    DWARF_NONE, // the attribute is not there
    DWARF_CONSTANT,
    DWARF_ADDRESS,
    DWARF_ADDRESS_INDEX,
    DWARF_FLAG,
    DWARF_BLOCK,
    DWARF_TEXT,       // in place
    DWARF_TEXT_AT,    // offset in DWARF_STR
    DWARF_TEXT_LINE,  // offset in DWARF_LINE_STR
    DWARF_TEXT_ALT,   // offset in the alt's DWARF_STR
    DWARF_TEXT_INDEX, // in DWARF_STR_OFFSETS
    DWARF_ENTRY_UNIT, // offset from the unit's start
    DWARF_ENTRY_INFO, // offset in DWARF_INFO
    DWARF_ENTRY_ALT,  // offset in the alt's DWARF_INFO
    DWARF_SIGNATURE,  // of a type
    DWARF_OFFSET,     // in another section
    DWARF_LIST_INDEX, // in that section's table of offsets
};

struct dwarf_value {
    enum dwarf_class class;
    u64 number;     // or the bytes' number, for DWARF_BLOCK and DWARF_TEXT
    const u8 *data; // of those
};

// The attributes that are looked at.
enum dwarf_slot {
    DWARF_SLOT_NONE,
    DWARF_SLOT_NAME,
    DWARF_SLOT_LINKAGE_NAME,
    DWARF_SLOT_LOW,
    DWARF_SLOT_HIGH,
    DWARF_SLOT_RANGES,
    DWARF_SLOT_ORIGIN, // abstract origin or specification: the entry that says the rest
    DWARF_SLOT_DECL_LINE,
    DWARF_SLOT_CALL_FILE,
    DWARF_SLOT_CALL_LINE,
    DWARF_SLOT_CALL_COLUMN,
    DWARF_SLOT_LANGUAGE,
    DWARF_SLOT_LINES,
    DWARF_SLOT_FOLDER,
    DWARF_SLOT_STR_OFFSETS,
    DWARF_SLOT_ADDRESSES,
    DWARF_SLOT_RNGLISTS,
    DWARF_SLOT_GNU_RANGES,
    DWARF_SLOT_DWO_NAME,
    DWARF_SLOT_DWO_ID,
    DWARF_NSLOT,
};

// How many bytes a value has: so many, or as one of these says.
enum dwarf_size {
    DWARF_SIZE_16 = 16,
    DWARF_SIZE_ULEB,
    DWARF_SIZE_SLEB,
    DWARF_SIZE_TEXT,
    DWARF_SIZE_BLOCK1, // a length of that many bytes, and the bytes
    DWARF_SIZE_BLOCK2,
    DWARF_SIZE_BLOCK4,
    DWARF_SIZE_BLOCK,
    DWARF_SIZE_INDIRECT, // the form comes first
    DWARF_SIZE_UNKNOWN,  // not a form: what follows cannot be read
};

struct dwarf_attribute {
    u8 slot, class, size; // enum dwarf_slot, dwarf_class, dwarf_size
    i64 constant;         // the value, when size is 0
};

// A part of an entry, to be passed over: so many bytes, and then a value of a size that varies.
struct dwarf_step {
    u32 bytes;
    u8 size;
};

// What a search for functions does with an entry.
enum dwarf_kind {
    DWARF_PASS,     // it looks at the next
    DWARF_FUNCTION, // it is one, with addresses
    DWARF_TYPE,     // no code is inside, and the entry tells where it ends
};

struct dwarf_abbrev {
    u64 code;
    u32 attribute, nattribute; // run in dwarf_abbrevs.attribute
    u32 step, nstep;           // run in dwarf_abbrevs.step
    u32 tail_bytes;            // behind the steps
    u32 sibling;               // byte in the entry; 0: none, or it varies
    u16 tag;                   // DW_TAG_*
    bool has_children;
    u8 kind; // enum dwarf_kind
};

// The abbreviations of one unit.
struct dwarf_abbrevs {
    struct dwarf_abbrev *abbrev; // sorted by code
    u32 nabbrev, abbrev_cap;
    bool is_dense; // the codes are 1, 2, 3 ...
    struct dwarf_attribute *attribute;
    u32 nattribute, attribute_cap;
    struct dwarf_step *step;
    u32 nstep, step_cap;
};

// One entry of a unit.
struct dwarf_entry {
    const struct dwarf_unit *unit;
    u64 offset; // in DWARF_INFO
    u16 tag;
    struct dwarf_value value[DWARF_NSLOT];
};

// dwarf_value.c

// What values of a form are in the unit: class and size.
struct dwarf_attribute dwarf_form(const struct dwarf_unit *unit, u64 form);

// An attribute's value; moves on.
struct dwarf_value dwarf_value_read(struct cursor *c, const struct dwarf_unit *unit,
                                    const struct dwarf_attribute *attribute);

void dwarf_value_skip_slowly(struct cursor *c, const struct dwarf_unit *unit, enum dwarf_size size);

// Moves over a value of that size: mostly an expression's, which each variable has.
static inline void dwarf_value_skip(struct cursor *c, const struct dwarf_unit *unit,
                                    enum dwarf_size size)
{
    if (likely(size == DWARF_SIZE_BLOCK))
        cursor_skip(c, cursor_uleb(c));
    else
        dwarf_value_skip_slowly(c, unit, size);
}

// An offset: 4 or 8 bytes, as the unit has it.
u64 dwarf_read_offset(struct cursor *c, const struct dwarf_unit *unit);

// A value as text; empty when it is none.
struct str dwarf_text(const struct dwarf_unit *unit, const struct dwarf_value *v);

// A value as an address; false when it is none.
bool dwarf_address(u64 *address, const struct dwarf_unit *unit, const struct dwarf_value *v);

// The unit and place in DWARF_INFO of the entry that a value refers to; NULL when there is none.
const struct dwarf_unit *dwarf_reference(u64 *offset, const struct dwarf_unit *unit,
                                         const struct dwarf_value *v);

// dwarf_abbrev.c

// The unit's abbreviations, up to that with the code last; 0: all.  Damage ends them.
void dwarf_abbrevs_read(struct dwarf_abbrevs *out, const struct dwarf_unit *unit, u64 last,
                        struct arena *a);

const struct dwarf_abbrev *dwarf_abbrev_search(const struct dwarf_abbrevs *abbrevs, u64 code);

// NULL when no abbreviation has the code.
static inline const struct dwarf_abbrev *dwarf_abbrev_find(const struct dwarf_abbrevs *abbrevs,
                                                           u64 code)
{
    if (likely(abbrevs->is_dense && code - 1 < abbrevs->nabbrev))
        return &abbrevs->abbrev[code - 1];
    return dwarf_abbrev_search(abbrevs, code);
}

// The values of an entry, behind its code; moves on.
void dwarf_entry_read(struct dwarf_entry *e, struct cursor *c, const struct dwarf_abbrevs *abbrevs,
                      const struct dwarf_abbrev *abbrev);

// Moves over the values of an entry, behind its code.
static inline void dwarf_entry_skip(struct cursor *c, const struct dwarf_unit *unit,
                                    const struct dwarf_abbrevs *abbrevs,
                                    const struct dwarf_abbrev *abbrev)
{
    for (u32 i = 0; i < abbrev->nstep; i++) {
        const struct dwarf_step *step = &abbrevs->step[abbrev->step + i];
        cursor_skip(c, step->bytes);
        dwarf_value_skip(c, unit, step->size);
    }
    cursor_skip(c, abbrev->tail_bytes);
}

// dwarf_range.c

// Adds the addresses of an entry.  Those that are no code of the file are left out: of functions
// that the linker dropped.  *budget is how many there may be, and becomes less.
void dwarf_entry_ranges(struct extents *out, const struct dwarf_entry *e, u32 value, u32 *budget);

// dwarf_function.c

// The functions of a unit that have code: row of offset, plus 1, by address.
struct dwarf_functions {
    struct extents ranges;
    u64 *offset; // in DWARF_INFO
    u32 nfunction, function_cap;
    u64 cost; // attributes and ranges that were read
};

void dwarf_functions_read(struct dwarf_functions *f, const struct dwarf_unit *unit,
                          const struct dwarf_abbrevs *abbrevs, struct arena *a);

// dwarf_unit.c

// Finds the units of the file and their addresses, when section, swap, alt and code are set.  Of a
// damaged file there are fewer.
void dwarf_open(struct dwarf *d, struct arena *a);

// The unit that was split off from skeleton, when section, swap and alt are set from the file that
// holds it.  NULL when it is not there.
const struct dwarf_unit *dwarf_open_split(struct dwarf *d, const struct dwarf_unit *skeleton,
                                          struct arena *a);

// The unit that a place in DWARF_INFO is in, or NULL.
const struct dwarf_unit *dwarf_unit_at(const struct dwarf *d, u64 offset);

// The unit that has the code at an address, or NULL.
const struct dwarf_unit *dwarf_unit_find(const struct dwarf *d, u64 address);

// dwarf_line.c
//
// A unit's line table is the output of a program of a byte or two for each row.  It is too large
// to be kept: marks are, from which the program can be run again up to a row that is asked for.

// From here on, up to the next row, the code is of this line.
struct dwarf_row {
    u64 address;
    u32 file, line, column;
};

// A state of the machine that runs the program.
struct dwarf_machine {
    struct dwarf_row row;
    u64 operation;  // inside of an instruction that holds several
    const u8 *next; // byte of the program
};

// The constants of a program.
struct dwarf_program {
    u8 least_bytes;   // of an instruction
    u8 noperation;    // in an instruction
    i32 line_base;    // a special opcode's least step of the line
    u8 line_range;    // how many steps of the line there are
    u8 opcode_base;   // the first special opcode
    const u8 *nvalue; // of standard opcodes, from 1 on
    const u8 *end;
    struct {
        u32 line;
        u8 operations;
    } special[256]; // what each special opcode adds
};

// Rows of ascending addresses.
struct dwarf_sequence {
    u32 mark, nmark; // run in dwarf_lines.mark
};

struct dwarf_file {
    struct str name;
    u64 folder;
};

// The line table of one unit.
struct dwarf_lines {
    struct dwarf_unit unit; // with the table's own version and sizes
    struct arena *arena;
    struct extents sequences; // address -> sequence, plus 1
    struct dwarf_sequence *sequence;
    u32 nsequence, sequence_cap;
    struct dwarf_program program;
    struct dwarf_machine *mark;
    u32 nmark, mark_cap;
    struct str *folder;
    u32 nfolder, folder_cap;
    struct dwarf_file *file;
    u32 nfile, file_cap;
    struct str *path;  // by file; NULL: not asked for yet
    u64 program_bytes; // that were run
};

// The table at unit->lines; what comes before damage.
void dwarf_lines_read(struct dwarf_lines *l, const struct dwarf_unit *unit, struct arena *a);

// The row that an address belongs to; false when there is none.
bool dwarf_lines_find(struct dwarf_row *row, struct dwarf_lines *l, u64 address);

// Path of the file with that number, as far as the table tells; empty: there is none.  It is
// allocated in a when it is first asked for, so a is always the same.
struct str dwarf_lines_path(struct dwarf_lines *l, u64 file, struct arena *a);

#endif
