// A whole file with any content, also through libelf and libdwfl: lines for one address and for
// many, names and stubs, unwind rules, the build id.
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "object/build_id.h"
#include "object/image.h"
#include "object/symbolizer.h"
#include "object/symtab.h"

enum { ADDRESSES = 60 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

static void ask_lines(struct str path, struct arena *a)
{
    static const u64 base[] = {0, 0x400000, 0x10000, 0x1000};
    struct symbolizer s;
    struct symbolizer_query q[ADDRESSES];
    struct symbol_line *line;
    struct str trouble;
    struct err why;
    symbolizer_init(&s, a);
    for (u32 i = 0; i < ADDRESSES; i++)
        q[i] = (struct symbolizer_query){
            .path = path,
            .mapping = {i % 4 == 2 ? 0x10000 : 0, i % 4 == 2 ? 0x20000 : 0, 0},
            .address = base[i % 4] + 13 * (u64)i,
        };
    symbolizer_prepare(&s, q, ADDRESSES / 2);
    for (u32 i = 0; i < ADDRESSES; i++)
        symbolizer_find(&s, &q[i], &line);
    while (symbolizer_trouble(&s, &trouble, &why))
        ;
    symbolizer_close(&s);
}

static void ask_names(const char *path, struct arena *a)
{
    struct symbols *s;
    struct buf out;
    struct err e;
    if (!symbols_open(&s, path, STR(""), true, a, &e))
        return;
    struct symtab t = symtab_read(s, a);
    buf_init(&out, 1 << 20);
    for (u64 address = 0; address < 0x2000; address += 97)
        symtab_write(&out, &t, address, a);
    buf_free(&out);
    symbols_close(s);
}

static void ask_rules(struct str path, struct arena *a)
{
    struct image i;
    struct str id;
    struct err e;
    build_id_read(&id, path.ptr, a);
    if (!image_open(&i, path, STR(""), a, &e))
        return;
    for (u64 offset = 0; offset < 0x2000; offset += 11)
        image_rule(&i, offset);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    struct arena a;
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        return 0;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    arena_init(&a, SIZE_MAX);
    ask_lines(str_of(path), &a);
    ask_names(path, &a);
    ask_rules(str_of(path), &a);
    arena_free(&a);
    close(fd);
    return 0;
}
