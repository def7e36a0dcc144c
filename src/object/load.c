#include "object/load.h"

#include <elf.h>

enum { PAGE_BYTES = 4096 };

#define KERNEL_HALF 0x8000000000000000 // of the address space
#define PPC64_START 0xc000000000000000

// Some tools write one mapping for all there is, and linked addresses.
static bool is_everything(const struct load_mapping *m)
{
    return m->start == 0 && m->offset == 0 && (m->limit == 0 || m->limit == UINT64_MAX);
}

static const struct load_segment *code_segment(const struct load *l)
{
    for (u32 i = 0; i < l->nsegment; i++) {
        if (l->segment[i].is_code)
            return &l->segment[i];
    }
    return NULL;
}

// A kernel's mapping is made up by the tool that recorded it: perf lets it begin at _stext or
// _text, others at the segment, ChromeOS moves it to 0; its offset is 0, or the start again.
static bool kernel_base(u64 *base, const struct load *l, const struct load_segment *code,
                        const struct load_mapping *m)
{
    bool same_byte = l->kernel_text && m->start % PAGE_BYTES == l->kernel_text % PAGE_BYTES;
    bool is_whole = m->offset == 0 || m->offset == PPC64_START || m->offset == m->start;
    if (code->address == m->start - m->offset)
        *base = m->offset;
    else if (m->start == 0 && m->limit != 0)
        *base = m->start - (l->kernel_text ? l->kernel_text : code->address);
    else if (m->start >= KERNEL_HALF && m->limit > m->start && is_whole)
        *base = m->start - (same_byte ? l->kernel_text : code->address);
    else if (m->start % PAGE_BYTES != 0 && same_byte)
        *base = m->start - l->kernel_text;
    else
        return false;
    return true;
}

// The file's first segment with that byte: exactly, or, with slack, in the pages that hold it.
static const struct load_segment *segment_at(const struct load *l, u64 offset, bool is_code,
                                             bool slack)
{
    for (u32 i = 0; i < l->nsegment; i++) {
        const struct load_segment *s = &l->segment[i];
        u64 first = slack ? s->offset & ~(u64)(PAGE_BYTES - 1) : s->offset;
        u64 bytes = slack ? s->offset - first + s->memory_bytes : s->file_bytes;
        if (s->file_bytes && s->is_code == is_code && offset >= first && offset - first < bytes)
            return s;
    }
    return NULL;
}

// In a file whose contents were taken out, offsets are lost; linkers lay files out as memory.
static bool find_in_debug_file(u64 *linked, const struct load *l, u64 offset)
{
    const struct load_segment *code = code_segment(l);
    if (!code || code->file_bytes)
        return false;
    u64 first = UINT64_MAX;
    for (u32 i = 0; i < l->nsegment; i++) {
        if (l->segment[i].address < first)
            first = l->segment[i].address & ~(u64)(PAGE_BYTES - 1);
    }
    *linked = first + offset;
    return *linked >= code->address && *linked - code->address < code->memory_bytes;
}

static bool find_by_offset(u64 *linked, const struct load *l, u64 offset)
{
    if (find_in_debug_file(linked, l, offset))
        return true;
    const struct load_segment *s = NULL;
    for (int slack = 0; slack < 2 && !s; slack++) {
        s = segment_at(l, offset, true, slack);
        if (!s)
            s = segment_at(l, offset, false, slack);
    }
    if (s)
        *linked = s->address + (offset - s->offset);
    return s;
}

bool load_find(u64 *linked, const struct load *l, const struct load_mapping *m, u64 address)
{
    const struct load_segment *code = code_segment(l);
    u64 base;
    if (is_everything(m)) {
        *linked = address;
        return true;
    }
    if (l->type == ET_REL) {
        *linked = address - m->start;
        return m->offset == 0;
    }
    if (l->nsegment == 0) {
        *linked = l->type == ET_EXEC ? address : address - m->start + m->offset;
        return true;
    }
    if (!code || code->address < KERNEL_HALF)
        return find_by_offset(linked, l, address - m->start + m->offset);
    if (!kernel_base(&base, l, code, m))
        return false;
    *linked = address - base;
    return true;
}
