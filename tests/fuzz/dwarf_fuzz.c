// Debug information with any content: lengths of its sections, then their bytes.
#include <stdlib.h>
#include <string.h>

#include "object/dwarf_index.h"

enum { HEADER_BYTES = 1 + 2 * DWARF_NSECTION, MOST_LINES = 16, MOST_UNITS = 64 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

// The next section, copied so that the sanitizer knows its end.
static struct str take(const u8 **data, size_t *left, size_t wanted)
{
    size_t n = wanted < *left ? wanted : *left;
    char *copy = malloc(n ? n : 1);
    memcpy(copy, *data, n);
    *data += n;
    *left -= n;
    return (struct str){copy, n};
}

static void look_at(const struct dwarf_unit *unit, struct arena *a)
{
    struct dwarf_index x;
    struct dwarf_reader r;
    struct symbol_line line[MOST_LINES];
    dwarf_reader_init(&r, a);
    dwarf_reader_start(&r, unit->dwarf);
    dwarf_index_init(&x, unit, &r);
    for (u64 address = 0; address < 0x2000; address += 61)
        dwarf_index_find(&x, address, line, MOST_LINES, a);
    for (u32 i = 0; i < x.functions.ranges.nextent && i < 100; i++)
        dwarf_index_find(&x, x.functions.ranges.extent[i].high - 1, line, MOST_LINES, a);
    for (u64 file = 0; file < 4; file++)
        dwarf_lines_path(&x.lines, file, a);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    struct arena a;
    struct dwarf d = {0}, split = {0};
    u16 bytes[DWARF_NSECTION];
    if (n < HEADER_BYTES)
        return 0;
    d.swap = data[0] & 1;
    bool is_alt = data[0] & 2;
    memcpy(bytes, data + 1, sizeof(bytes));
    data += HEADER_BYTES;
    n -= HEADER_BYTES;
    for (int i = 0; i < DWARF_NSECTION; i++)
        d.section[i] = take(&data, &n, bytes[i]);
    arena_init(&a, SIZE_MAX);
    if (is_alt)
        d.alt = &d; // references lead back here
    dwarf_open(&d, &a);
    for (u32 i = 0; i < d.nunit && i < MOST_UNITS; i++)
        look_at(&d.unit[i], &a);
    // The same bytes as what was split off from the first unit.
    memcpy(split.section, d.section, sizeof(split.section));
    const struct dwarf_unit *unit = d.nunit ? dwarf_open_split(&split, &d.unit[0], &a) : NULL;
    if (unit)
        look_at(unit, &a);
    arena_free(&a);
    for (int i = 0; i < DWARF_NSECTION; i++)
        free((void *)d.section[i].ptr);
    return 0;
}
