#include "report/binary.h"

void binaries_init(struct binaries *b, const struct profile *p, bool is_intel, struct arena *a)
{
    *b = (struct binaries){.profile = p, .is_intel = is_intel, .arena = a};
    table_init(&b->files, a);
    arena_push(a, b->binary, b->nbinary, b->cap);
}

void binaries_close(struct binaries *b)
{
    for (u32 row = 1; row < b->nbinary; row++) {
        disassembly_close(&b->binary[row]->code);
        if (b->binary[row]->symbols)
            symbols_close(b->binary[row]->symbols);
    }
    b->nbinary = 1;
}

static struct binary *open_binary(struct binaries *b, struct str path, struct str build_id)
{
    struct binary *file = arena_new(b->arena, struct binary, 1);
    file->path = arena_str(b->arena, path);
    if (!symbols_open(&file->symbols, file->path.ptr, build_id, false, b->arena, &file->error))
        return file;
    if (!disassembly_open(&file->code, file->symbols, b->is_intel, b->arena, &file->error)) {
        symbols_close(file->symbols);
        file->symbols = NULL;
    }
    return file;
}

struct binary *binaries_find(struct binaries *b, u32 mapping)
{
    const struct mapping *m = &b->profile->mapping[mapping];
    if (mapping == 0)
        return NULL;
    struct str path = profile_string(b->profile, m->filename);
    struct str build_id = profile_string(b->profile, m->build_id);
    u32 row = table_add(&b->files,
                        arena_printf(b->arena, "%.*s%c%.*s", STR_ARG(path), 0, STR_ARG(build_id)));
    if (row == b->nbinary)
        *arena_push(b->arena, b->binary, b->nbinary, b->cap) = open_binary(b, path, build_id);
    return b->binary[row];
}

bool binary_linked(const struct binary *b, const struct mapping *m, u64 address, u64 *linked)
{
    if (!b->symbols || address < m->start)
        return false;
    if (m->start == 0 && m->offset == 0) { // made up by a profiler that knew no mappings
        *linked = address;
        return true;
    }
    return symbols_link(b->symbols, linked, &(struct load_mapping){m->start, m->limit, m->offset},
                        address);
}
