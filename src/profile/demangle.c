#include "profile/demangle.h"

#include <string.h>

#include "base/parallel.h"
#include "base/table.h"

// Names to make plain, and what they are then; each thread takes some.
struct naming {
    enum demangle_mode mode;
    const struct str *symbol;
    struct str *plain;
    u32 n, next;
    struct arena *arena; // by thread
};

enum { NAMES_AT_A_TIME = 256 };

static void name_part(void *context, u32 part)
{
    struct naming *j = context;
    struct arena scratch;
    arena_init(&scratch, SIZE_MAX);
    for (u32 i; (i = __atomic_fetch_add(&j->next, NAMES_AT_A_TIME, __ATOMIC_RELAXED)) < j->n;) {
        for (u32 end = i + NAMES_AT_A_TIME; i < end && i < j->n; i++)
            j->plain[i] = arena_str(&j->arena[part], demangle(j->symbol[i], j->mode, &scratch));
        arena_reset(&scratch);
    }
    arena_free(&scratch);
}

static void name_all(struct naming *j, struct arena *a)
{
    u32 width = parallel_width(), most = 1 + j->n / NAMES_AT_A_TIME;
    width = width < most ? width : most;
    j->plain = arena_new(a, struct str, j->n);
    j->arena = arena_new(a, struct arena, width);
    for (u32 i = 0; i < width; i++)
        arena_init(&j->arena[i], SIZE_MAX);
    parallel_run(name_part, j, width);
    for (u32 i = 0; i < width; i++)
        arena_join(a, &j->arena[i]);
}

// Whether the function's name is still the linker's; with force it is made so.
static bool is_symbol(struct function *f, bool force)
{
    if (force && f->name && f->system_name)
        f->name = f->system_name;
    return f->name == 0 || f->name == f->system_name;
}

struct profile profile_demangle(const struct profile *p, enum demangle_mode mode, bool force,
                                struct arena *a)
{
    struct profile out = *p;
    struct table symbols; // names of functions, each once
    u32 *row = arena_new(a, u32, p->nfunction);
    table_init(&symbols, a);
    out.function = arena_new(a, struct function, p->nfunction);
    memcpy(out.function, p->function, p->nfunction * sizeof(*p->function));
    for (u32 i = 1; i < p->nfunction; i++) {
        struct function *f = &out.function[i];
        if (is_symbol(f, force) && mode != DEMANGLE_NONE)
            row[i] = table_add_shared(&symbols, profile_string(p, f->system_name));
    }
    struct naming j = {.mode = mode, .symbol = symbols.key, .n = symbols.nkey};
    name_all(&j, a);
    out.string = arena_new(a, struct str, (size_t)p->nstring + j.n);
    memcpy(out.string, p->string, p->nstring * sizeof(*p->string));
    memcpy(out.string + p->nstring, j.plain, j.n * sizeof(*j.plain));
    out.nstring = p->nstring + j.n;
    for (u32 i = 1; i < p->nfunction; i++) {
        if (row[i])
            out.function[i].name = str_equal(j.plain[row[i]], j.symbol[row[i]])
                                       ? out.function[i].system_name
                                       : p->nstring + row[i];
    }
    return out;
}
