// Where the binaries of a profile are on this machine.
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/build_id.h"
#include "report/path.h"
#include "sonde/fetch.h"

// Names of files that one mapping could be.
struct candidates {
    struct str *name;
    u32 n, cap;
    struct arena *arena;
};

// The parts joined by '/'; parts may be empty.
static void add(struct candidates *c, struct str dir, struct str a, struct str b, struct str end)
{
    struct str path = arena_printf(c->arena, "%.*s/%.*s/%.*s%.*s", STR_ARG(dir), STR_ARG(a),
                                   STR_ARG(b), STR_ARG(end));
    *arena_push(c->arena, c->name, c->n, c->cap) = path_clean(path, c->arena);
}

static void add_matches(struct candidates *c, struct str dir, struct str build_id)
{
    glob_t found;
    const char *pattern =
        arena_printf(c->arena, "%.*s/%.*s/*", STR_ARG(dir), STR_ARG(build_id)).ptr;
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        *arena_push(c->arena, c->name, c->n, c->cap) =
            arena_str(c->arena, str_of(found.gl_pathv[i]));
    globfree(&found);
}

// In pprof's order: by build id, as perf and debuggers have it, then by name.
static void add_candidates(struct candidates *c, struct str dir, struct str file,
                           struct str build_id)
{
    const struct str none = STR(""), debug = STR(".debug");
    struct str base = file.len ? path_base(file) : none;
    if (build_id.len) {
        add(c, dir, build_id, base, none);
        add_matches(c, dir, build_id);
        add(c, dir, file, build_id, none);
        if (build_id.len >= 2)
            add(c, dir, (struct str){build_id.ptr, 2}, str_skip(build_id, 2), debug);
    }
    if (file.len == 0)
        return;
    struct str folder = str_folder(file);
    add(c, dir, none, base, none);
    add(c, dir, none, file, none);
    add(c, dir, none, file, debug);
    add(c, dir, folder, arena_printf(c->arena, ".debug/%.*s", STR_ARG(base)), debug);
    add(c, dir, arena_printf(c->arena, "usr/lib/debug/%.*s", STR_ARG(folder)), base, debug);
}

// The first candidate that is an ELF file with the build id, if that is known.
static bool choose(struct str *out, const struct candidates *c, struct str build_id)
{
    for (u32 i = 0; i < c->n; i++) {
        struct str id;
        if (!build_id_read(&id, c->name[i].ptr, c->arena))
            continue;
        *out = c->name[i];
        if (build_id.len == 0 || str_equal(id, build_id))
            return true;
        fprintf(stderr, "Ignoring local file %.*s: build-id mismatch (%.*s != %.*s)\n",
                STR_ARG(c->name[i]), STR_ARG(build_id), STR_ARG(id));
    }
    return false;
}

static struct str search_path(struct arena *a)
{
    const char *path = getenv("PPROF_BINARY_PATH"), *home = getenv("HOME");
    return path && *path ? str_of(path) : arena_printf(a, "%s/pprof/binaries", home ? home : "");
}

static void set_filename(struct profile *p, u32 mapping, struct str name, struct arena *a)
{
    *p = profile_with_string(p, name, &p->mapping[mapping].filename, a);
}

// Old profiles of Go have no mapping, but one program that they are of.
static void add_mapping(struct profile *p, struct arena *a)
{
    struct location *location = arena_new(a, struct location, p->nlocation);
    memcpy(location, p->location, p->nlocation * sizeof(*location));
    for (u32 i = 1; i < p->nlocation; i++)
        location[i].mapping = 1;
    p->location = location;
    p->mapping[p->nmapping++] = (struct mapping){.id = 1};
}

struct profile locate_binaries(const struct profile *p, const struct sourcing *s, struct arena *a)
{
    struct profile out = *p;
    const struct str path = search_path(a);
    out.mapping = arena_new(a, struct mapping, (size_t)p->nmapping + 1);
    memcpy(out.mapping, p->mapping, p->nmapping * sizeof(*p->mapping));
    for (u32 row = 1; row < p->nmapping; row++) {
        struct str file = profile_string(p, p->mapping[row].filename);
        struct str build_id = profile_string(p, p->mapping[row].build_id), found;
        struct candidates c = {.arena = a};
        for (struct str rest = path; rest.len;)
            add_candidates(&c, str_cut(&rest, ':'), file, build_id);
        if (choose(&found, &c, build_id))
            set_filename(&out, row, found, a);
    }
    if (out.nmapping == 1)
        add_mapping(&out, a);
    if (s->binary.len)
        set_filename(&out, 1, s->binary, a);
    if (s->build_id.len && out.mapping[1].build_id == 0)
        out = profile_with_string(&out, s->build_id, &out.mapping[1].build_id, a);
    return out;
}
