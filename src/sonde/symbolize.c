// Names for addresses, as -symbolize asks for them.
#include "profile/symbolize.h"

#include <ctype.h>
#include <stdio.h>

#include "base/shrunk.h"
#include "profile/demangle.h"
#include "sonde/command.h"
#include "sonde/fetch.h"

enum { MOST_TROUBLES = 4 }; // that are told of one by one

struct mode {
    bool none, local, remote, force, names_only;
    enum demangle_mode demangle;
};

static const struct {
    const char *name;
    struct mode mode; // what the word changes: local and remote are of the last word that has them
} words[] = {
    {"", {0}},
    {"none", {.none = true}},
    {"no", {.none = true}},
    {"local", {.local = true}},
    {"fastlocal", {.local = true, .names_only = true}},
    {"remote", {.remote = true}},
    {"force", {.force = true}},
    {"demangle=default", {0}},
    {"demangle=full", {.force = true, .demangle = DEMANGLE_FULL}},
    {"demangle=none", {.force = true, .demangle = DEMANGLE_NONE}},
    {"demangle=templates", {.force = true, .demangle = DEMANGLE_TEMPLATES}},
};

static void add_word(struct mode *m, struct str word, struct str all)
{
    size_t i = 0;
    while (i < ARRAY_LEN(words) && !str_equal(word, str_of(words[i].name)))
        i++;
    if (i == ARRAY_LEN(words)) {
        fprintf(stderr,
                "ignoring unrecognized symbolization option: %.*s\n"
                "expecting -symbolize=[local|fastlocal|remote|none][:force]"
                "[:demangle=[none|full|templates|default]\n",
                STR_ARG(all));
        return;
    }
    const struct mode *w = &words[i].mode;
    if (w->local || w->remote) {
        m->local = w->local;
        m->remote = w->remote;
    }
    m->none |= w->none;
    m->force |= w->force;
    m->names_only |= w->names_only;
    if (w->demangle)
        m->demangle = w->demangle;
}

static struct mode parse(struct str text, struct arena *a)
{
    struct mode m = {.local = true, .remote = true};
    char *lower = arena_alloc(a, text.len + 1, 1);
    for (size_t i = 0; i < text.len; i++)
        lower[i] = (char)tolower((unsigned char)text.ptr[i]);
    struct str rest = {lower, text.len};
    while (rest.len && !m.none)
        add_word(&m, str_cut(&rest, ':'), text);
    return m;
}

static void tell_troubles(struct symbolizer *s)
{
    struct str path;
    struct err why;
    u32 n = 0;
    while (symbolizer_trouble(s, &path, &why)) {
        if (n++ < MOST_TROUBLES)
            warn("%s", why.text);
    }
    if (n > MOST_TROUBLES)
        warn("%u more files lack names or lines", n - MOST_TROUBLES);
    if (shrunk_happened())
        warn("a file became shorter while it was read, so names and lines may be missing: when it "
             "is whole again, try once more");
}

// Whether a location of the mapping has no name.
static bool lacks_names(const struct profile *p, u32 mapping)
{
    for (u32 row = 1; row < p->nlocation; row++) {
        if (p->location[row].mapping == mapping && p->location[row].nline == 0)
            return true;
    }
    return false;
}

// Of mappings that name no file, as in profiles of programs that are linked statically.
static void tell_missing(const struct profile *p)
{
    bool is_missing = false;
    for (u32 row = 1; row < p->nmapping; row++) {
        if (p->mapping[row].filename || !lacks_names(p, row))
            continue;
        if (row == 1)
            fputs("Main binary filename not available.\n", stderr);
        is_missing |= row > 1;
    }
    if (is_missing)
        fputs("Some binary filenames not available. Symbolization may be incomplete.\n"
              "Try setting PPROF_BINARY_PATH to the search path for local binaries.\n",
              stderr);
}

static void from_files(struct profile *p, const struct mode *m, struct arena *a)
{
    struct symbolizer s;
    symbolizer_init(&s, a);
    s.names_only = m->names_only;
    *p = profile_symbolize(p, &s, m->force, a);
    tell_troubles(&s);
    tell_missing(p);
    symbolizer_close(&s);
}

// What files do not say is no reason to show nothing; what was asked of servers alone is.
static bool from_servers(struct profile *p, const struct remote *r, const struct mode *m,
                         const struct sourcing *s, struct arena *a, struct err *e)
{
    struct profile named;
    if (remote_symbolize(&named, p, r, m->force, s, a, e)) {
        *p = named;
        return true;
    }
    if (m->local)
        warn("%s", e->text);
    return m->local;
}

bool symbolize(struct profile *out, const struct profile *p, const struct remote *r,
               const struct sourcing *s, struct arena *a, struct err *e)
{
    struct mode m = parse(s->symbolize, a);
    *out = *p;
    if (m.none)
        return true;
    if (m.local)
        from_files(out, &m, a);
    if (m.remote && !from_servers(out, r, &m, s, a, e))
        return false;
    *out = profile_demangle(out, m.demangle, m.force, a);
    return true;
}
