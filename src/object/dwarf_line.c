#include <dwarf.h>

#include "object/dwarf.h"

enum {
    MARK_ROWS = 64,            // from one mark to the next
    MOST_RERUN_BYTES = 1 << 15 // of the program, for one lookup: hostile rows may lie far apart
};

static bool read_folders(struct dwarf_lines *l, struct cursor *c)
{
    for (;;) {
        struct str name = cursor_text(c);
        if (name.len == 0)
            return !c->bad;
        *arena_push(l->arena, l->folder, l->nfolder, l->folder_cap) = name;
    }
}

static void read_file(struct dwarf_lines *l, struct cursor *c, struct str name)
{
    struct dwarf_file *f = arena_push(l->arena, l->file, l->nfile, l->file_cap);
    *f = (struct dwarf_file){name, cursor_uleb(c)};
    cursor_uleb(c); // time
    cursor_uleb(c); // size
}

// The tables of versions 2 to 4.  Row 0 is what the unit says: of folders its own, of files none.
static bool read_old_tables(struct dwarf_lines *l, struct cursor *c)
{
    *arena_push(l->arena, l->folder, l->nfolder, l->folder_cap) = l->unit.folder;
    *arena_push(l->arena, l->file, l->nfile, l->file_cap) = (struct dwarf_file){0};
    if (!read_folders(l, c))
        return false;
    for (;;) {
        struct str name = cursor_text(c);
        if (name.len == 0)
            return !c->bad;
        read_file(l, c, name);
    }
}

enum { MOST_FIELDS = 255 };

// What each row of a table of version 5 has.
struct layout {
    u16 content[MOST_FIELDS]; // DW_LNCT_*
    struct dwarf_attribute form[MOST_FIELDS];
    u32 nfield;
};

static void read_layout(struct layout *f, struct cursor *c, const struct dwarf_unit *unit)
{
    f->nfield = cursor_u8(c);
    for (u32 i = 0; i < f->nfield; i++) {
        f->content[i] = (u16)cursor_uleb(c);
        f->form[i] = dwarf_form(unit, cursor_uleb(c));
    }
}

static struct dwarf_file read_row(struct dwarf_lines *l, struct cursor *c, const struct layout *f)
{
    struct dwarf_file file = {0};
    for (u32 i = 0; i < f->nfield; i++) {
        struct dwarf_value v = dwarf_value_read(c, &l->unit, &f->form[i]);
        if (f->content[i] == DW_LNCT_path)
            file.name = dwarf_text(&l->unit, &v);
        else if (f->content[i] == DW_LNCT_directory_index)
            file.folder = v.number;
    }
    return file;
}

// How many rows follow; each is a byte at least.
static u64 read_count(struct cursor *c)
{
    u64 n = cursor_uleb(c);
    return n <= cursor_left(c) ? n : cursor_fail(c);
}

// The tables of version 5, which say themselves what is in them.
static bool read_tables(struct dwarf_lines *l, struct cursor *c)
{
    struct layout f;
    read_layout(&f, c, &l->unit);
    u64 nfolder = read_count(c);
    for (u64 i = 0; i < nfolder; i++)
        *arena_push(l->arena, l->folder, l->nfolder, l->folder_cap) = read_row(l, c, &f).name;
    read_layout(&f, c, &l->unit);
    u64 nfile = read_count(c);
    for (u64 i = 0; i < nfile; i++)
        *arena_push(l->arena, l->file, l->nfile, l->file_cap) = read_row(l, c, &f);
    return !c->bad;
}

// The steps of special opcodes are laid out in rows of line_range.
static void fill_special(struct dwarf_program *p)
{
    u32 line = 0, operations = 0;
    for (u32 opcode = p->opcode_base; opcode < ARRAY_LEN(p->special) && p->line_range; opcode++) {
        p->special[opcode].line = (u32)p->line_base + line;
        p->special[opcode].operations = (u8)operations;
        if (++line == p->line_range) {
            line = 0;
            operations++;
        }
    }
}

// Reads the header and makes the table the cursor's end.  False at damage.
static bool read_header(struct dwarf_lines *l, struct cursor *c)
{
    struct dwarf_program *p = &l->program;
    u64 length = cursor_u32(c);
    l->unit.offset_bytes = length == UINT32_MAX ? 8 : 4;
    if (length == UINT32_MAX)
        length = cursor_u64(c);
    if (c->bad || length > cursor_left(c))
        return false;
    c->end = p->end = c->at + length;
    l->unit.version = cursor_u16(c);
    if (l->unit.version < 2 || l->unit.version > 5)
        return false;
    if (l->unit.version >= 5)
        cursor_skip(c, 2); // sizes of addresses, which are the unit's, and of segments
    u64 header_bytes = dwarf_read_offset(c, &l->unit);
    struct cursor code = *c;
    cursor_skip(&code, header_bytes);
    p->least_bytes = cursor_u8(c);
    p->noperation = l->unit.version >= 4 ? cursor_u8(c) : 1;
    cursor_skip(c, 1);                                // whether rows begin statements
    p->line_base = (i32)(cursor_u8(c) ^ 0x80) - 0x80; // a signed byte
    p->line_range = cursor_u8(c);
    p->opcode_base = cursor_u8(c);
    p->nvalue = c->at;
    cursor_skip(c, p->opcode_base ? p->opcode_base - 1 : 0);
    if (code.bad || c->at > code.at)
        return false;
    c->end = code.at; // the tables end where the program begins
    bool is_whole = l->unit.version >= 5 ? read_tables(l, c) : read_old_tables(l, c);
    fill_special(p);
    *c = code;
    return is_whole;
}

// What running one opcode came to.
enum event { EVENT_NONE, EVENT_ROW, EVENT_END };

static struct dwarf_machine first_state(const u8 *next)
{
    return (struct dwarf_machine){.row = {.file = 1, .line = 1}, .next = next};
}

static void advance(struct dwarf_machine *m, const struct dwarf_program *p, u64 operations)
{
    if (p->noperation > 1) {
        u64 sum = m->operation + operations;
        m->row.address += p->least_bytes * (sum / p->noperation);
        m->operation = sum % p->noperation;
    } else {
        m->row.address += p->least_bytes * operations;
    }
}

static enum event extended(struct dwarf_machine *m, struct dwarf_lines *l, struct cursor *c)
{
    u64 length = cursor_uleb(c);
    struct cursor inside = *c;
    cursor_skip(c, length);
    if (c->bad || length == 0)
        return EVENT_NONE;
    inside.end = c->at;
    switch (cursor_u8(&inside)) {
    case DW_LNE_end_sequence:
        return EVENT_END;
    case DW_LNE_set_address:
        m->row.address = cursor_number(&inside, (u32)length - 1);
        m->operation = 0;
        break;
    case DW_LNE_define_file:
        if (!l->path) // else this is the second run
            read_file(l, &inside, cursor_text(&inside));
        break;
    default:
        break;
    }
    return EVENT_NONE;
}

static enum event standard(struct dwarf_machine *m, const struct dwarf_program *p, struct cursor *c,
                           u8 opcode)
{
    switch (opcode) {
    case DW_LNS_copy:
        return EVENT_ROW;
    case DW_LNS_advance_pc:
        advance(m, p, cursor_uleb(c));
        break;
    case DW_LNS_advance_line:
        m->row.line += (u32)cursor_sleb(c);
        break;
    case DW_LNS_set_file:
        m->row.file = (u32)cursor_uleb(c);
        break;
    case DW_LNS_set_column:
        m->row.column = (u32)cursor_uleb(c);
        break;
    case DW_LNS_const_add_pc:
        advance(m, p, p->special[255].operations);
        break;
    case DW_LNS_fixed_advance_pc:
        m->row.address += cursor_u16(c);
        m->operation = 0;
        break;
    case DW_LNS_negate_stmt:
    case DW_LNS_set_basic_block:
    case DW_LNS_set_prologue_end:
    case DW_LNS_set_epilogue_begin:
        break;
    default:
        for (u8 i = 0; i < p->nvalue[opcode - 1]; i++)
            cursor_uleb(c);
    }
    return EVENT_NONE;
}

// Runs the program so many rows on, or to the first row beyond an address, or to the end of a
// sequence; EVENT_NONE when it comes to end before.  *last is the last row that is not beyond the
// address.
static enum event run(struct dwarf_machine *to, struct dwarf_row *last, struct dwarf_lines *l,
                      u32 nrow, u64 address, const u8 *end)
{
    const struct dwarf_program *p = &l->program;
    struct dwarf_machine m = *to; // in registers
    struct cursor c = {m.next, end, l->unit.dwarf->swap, false};
    enum event event = EVENT_NONE;
    while (c.at < c.end) {
        u8 opcode = *c.at++;
        if (likely(opcode >= p->opcode_base)) {
            advance(&m, p, p->special[opcode].operations);
            m.row.line += p->special[opcode].line;
            event = EVENT_ROW;
        } else {
            event = opcode ? standard(&m, p, &c, opcode) : extended(&m, l, &c);
        }
        if (event == EVENT_END || (event == EVENT_ROW && m.row.address > address))
            break;
        if (event == EVENT_NONE)
            continue;
        *last = m.row;
        if (--nrow == 0)
            break;
        event = EVENT_NONE;
    }
    m.next = c.at;
    *to = m;
    return event;
}

// Keeps a sequence whose marks, from first on, are there, when it is of code that the linker kept.
static void add_sequence(struct dwarf_lines *l, u32 first, u64 high)
{
    const struct extents *code = l->unit.dwarf->code;
    u32 nmark = l->nmark - first;
    u64 low = nmark ? l->mark[first].row.address : 0;
    if (nmark == 0 || low >= high || (code && !extents_find(code, low))) {
        l->nmark = first;
        return;
    }
    *arena_push(l->arena, l->sequence, l->nsequence, l->sequence_cap) =
        (struct dwarf_sequence){first, nmark};
    extents_add(&l->sequences, low, high, l->nsequence);
}

static void run_all(struct dwarf_lines *l, const u8 *start)
{
    struct dwarf_machine m = first_state(start);
    u32 first = 0; // mark of this sequence
    for (;;) {
        u32 nrow = l->nmark == first ? 1 : MARK_ROWS;
        struct dwarf_row last;
        enum event event = run(&m, &last, l, nrow, UINT64_MAX, l->program.end);
        if (event == EVENT_NONE)
            return;
        if (event == EVENT_ROW) {
            *arena_push(l->arena, l->mark, l->nmark, l->mark_cap) = m;
            continue;
        }
        add_sequence(l, first, m.row.address);
        m = first_state(m.next);
        first = l->nmark;
    }
}

void dwarf_lines_read(struct dwarf_lines *l, const struct dwarf_unit *unit, struct arena *a)
{
    *l = (struct dwarf_lines){.unit = *unit, .arena = a};
    extents_init(&l->sequences, a);
    struct cursor c = cursor_at(unit->dwarf->section[DWARF_LINE], unit->lines, unit->dwarf->swap);
    if (unit->has_lines && read_header(l, &c)) {
        l->program_bytes = (u64)(l->program.end - c.at);
        run_all(l, c.at);
    }
    l->path = arena_new(a, struct str, (size_t)l->nfile + 1);
    extents_sort(&l->sequences);
}

// The last mark at or before an address, or the first.
static const struct dwarf_machine *find_mark(const struct dwarf_lines *l,
                                             const struct dwarf_sequence *s, u64 address)
{
    const struct dwarf_machine *mark = l->mark + s->mark;
    u32 low = 0, high = s->nmark;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (mark[middle].row.address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return &mark[low ? low - 1 : 0];
}

bool dwarf_lines_find(struct dwarf_row *row, struct dwarf_lines *l, u64 address)
{
    u32 sequence = extents_find(&l->sequences, address);
    if (sequence == 0)
        return false;
    struct dwarf_machine m = *find_mark(l, &l->sequence[sequence - 1], address);
    u64 left = (u64)(l->program.end - m.next);
    const u8 *end = m.next + (left < MOST_RERUN_BYTES ? left : MOST_RERUN_BYTES);
    // Of several rows for one address the last counts: no instruction was the others'.
    *row = m.row;
    run(&m, row, l, MARK_ROWS, address, end);
    return true;
}

static bool is_absolute(struct str path)
{
    return path.len && path.ptr[0] == '/';
}

static struct str join(struct str folder, struct str path, struct arena *a)
{
    if (is_absolute(path) || folder.len == 0)
        return path;
    const char *slash = folder.ptr[folder.len - 1] == '/' ? "" : "/";
    return arena_printf(a, "%.*s%s%.*s", STR_ARG(folder), slash, STR_ARG(path));
}

struct str dwarf_lines_path(struct dwarf_lines *l, u64 file, struct arena *a)
{
    if (file >= l->nfile || l->file[file].name.len == 0)
        return STR("");
    struct str *path = &l->path[file];
    if (path->len == 0) {
        const struct dwarf_file *f = &l->file[file];
        struct str folder = f->folder < l->nfolder ? l->folder[f->folder] : STR("");
        *path = arena_str(a, join(join(l->unit.folder, folder, l->arena), f->name, l->arena));
    }
    return *path;
}
