// Names of addresses from the servers that profiles came from: /symbol beside Go's and gperftools'
// profiles, /symbolz beside others.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/symbolize.h"
#include "report/path.h"
#include "sonde/fetch.h"

static bool is_url(struct str text)
{
    return str_find(text, STR("://")) > 0;
}

void remote_mark(struct profile *p, struct str url, struct arena *a)
{
    struct str *string = arena_new(a, struct str, (size_t)p->nstring + 1);
    struct mapping *mapping = arena_new(a, struct mapping, p->nmapping);
    memcpy(string, p->string, p->nstring * sizeof(*string));
    memcpy(mapping, p->mapping, p->nmapping * sizeof(*mapping));
    string[p->nstring] = url;
    for (u32 row = 1; row < p->nmapping; row++) {
        if (mapping[row].filename == 0 && mapping[row].build_id == 0)
            mapping[row].filename = p->nstring;
    }
    p->string = string;
    p->mapping = mapping;
    p->nstring++;
}

struct profile remote_unmark(const struct profile *p, struct arena *a)
{
    struct profile out = *p;
    out.mapping = arena_new(a, struct mapping, p->nmapping);
    memcpy(out.mapping, p->mapping, p->nmapping * sizeof(*p->mapping));
    for (u32 row = 1; row < p->nmapping; row++) {
        if (p->mapping[row].build_id == 0 && is_url(profile_string(p, p->mapping[row].filename)))
            out.mapping[row].filename = 0;
    }
    return out;
}

void remote_add(struct remote *r, const struct profile *p, struct str url, struct arena *a)
{
    url = arena_str(a, url);
    for (u32 row = 1; row < p->nmapping; row++) {
        const struct mapping *m = &p->mapping[row];
        struct str key = profile_string(p, m->build_id ? m->build_id : m->filename);
        *arena_push(a, r->source, r->n, r->cap) =
            (struct remote_source){arena_str(a, key), url, m->start};
    }
}

// The profiles of gperftools' pages.
static bool is_gperftools(struct str path)
{
    static const char *const end[] = {"/pprof/heap", "/pprof/growth", "/pprof/profile",
                                      "/pprof/pmuprofile", "/pprof/contention"};
    for (size_t i = 0; i < ARRAY_LEN(end); i++) {
        if (str_ends(path, str_of(end[i])))
            return true;
    }
    return false;
}

// The page that names addresses, for the page of a profile; empty when it is none.
static struct str symbol_page(struct str url, struct arena *a)
{
    i64 scheme = str_find(url, STR("://"));
    if (scheme < 0)
        return STR("");
    struct str rest = str_skip(url, (size_t)scheme + 3), before = str_cut(&url, '?');
    rest = str_cut(&rest, '?');
    i64 slash = str_find(rest, STR("/"));
    struct str host = slash < 0 ? rest : (struct str){rest.ptr, (size_t)slash};
    struct str path = slash < 0 ? STR("") : str_skip(rest, (size_t)slash);
    const char *page =
        str_find(path, STR("/debug/pprof/")) >= 0 || is_gperftools(path) ? "symbol" : "symbolz";
    path = path_clean(arena_printf(a, "/%.*s/../%s", STR_ARG(path), page), a);
    return arena_printf(a, "%.*s://%.*s%.*s", (int)scheme, before.ptr, STR_ARG(host),
                        STR_ARG(path));
}

// "0x1234+0x5678": the addresses of a mapping's locations that have no name, as they are there.
static struct str question(const struct profile *p, u32 mapping, u64 offset, struct arena *a)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    for (u32 row = 1; row < p->nlocation; row++) {
        const struct location *l = &p->location[row];
        unsigned long long there = l->address + offset;
        if (l->mapping == mapping && l->address && l->nline == 0)
            buf_printf(&b, "%s%#llx", b.len ? "+" : "", there);
    }
    struct str text = arena_str(a, buf_str(&b));
    buf_free(&b);
    return text;
}

struct answer {
    u64 address;
    struct str name;
};

static int by_address(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

// Lines "0x1234 name", among others; sorted by address.
static struct answer *read_answers(u32 *n, struct str text, struct arena *a)
{
    struct answer *answer = NULL;
    u32 cap = 0;
    *n = 0;
    while (text.len) {
        struct str line = str_cut(&text, '\n');
        i64 at = str_find(line, STR("0x"));
        if (at < 0)
            continue;
        char *end;
        const char *number = arena_str(a, str_skip(line, (size_t)at)).ptr;
        struct answer found = {.address = strtoull(number, &end, 16)};
        found.name = str_trim(str_of(end));
        if (*end == ' ' || *end == '\t')
            *arena_push(a, answer, *n, cap) = found;
    }
    if (*n)
        qsort(answer, *n, sizeof(*answer), by_address);
    return answer;
}

static bool ask(struct str *name, const struct profile *p, u32 mapping,
                const struct remote_source *from, struct str page, const struct sourcing *s,
                struct arena *a, struct err *e)
{
    u64 offset = from->start - p->mapping[mapping].start;
    struct str words = question(p, mapping, offset, a), text;
    u32 n;
    if (words.len == 0)
        return true;
    if (!download_answer(&text, page, words, s, a, e))
        return false;
    struct answer *answer = read_answers(&n, text, a);
    for (u32 row = 1; row < p->nlocation && n; row++) {
        const struct location *l = &p->location[row];
        struct answer key = {.address = l->address + offset};
        const struct answer *found =
            l->mapping == mapping ? bsearch(&key, answer, n, sizeof(key), by_address) : NULL;
        if (found)
            name[row] = found->name;
    }
    return true;
}

// Where the mapping came from; NULL: from no server.
static const struct remote_source *find_source(const struct remote *r, const struct profile *p,
                                               const struct mapping *m)
{
    for (u32 i = 0; i < r->n; i++) {
        struct str key = r->source[i].key;
        if (key.len && (str_equal(key, profile_string(p, m->filename)) ||
                        str_equal(key, profile_string(p, m->build_id))))
            return &r->source[i];
    }
    return NULL;
}

bool remote_symbolize(struct profile *out, const struct profile *p, const struct remote *r,
                      bool force, const struct sourcing *s, struct arena *a, struct err *e)
{
    struct str *name = arena_new(a, struct str, p->nlocation);
    for (u32 row = 1; row < p->nmapping; row++) {
        const struct mapping *m = &p->mapping[row];
        const struct remote_source *from = find_source(r, p, m);
        struct str page = from ? symbol_page(from->url, a) : STR("");
        if ((m->has_functions && !force) || page.len == 0)
            continue;
        if (!ask(name, p, row, from, page, s, a, e))
            return false;
    }
    *out = profile_name_locations(p, name, a);
    return true;
}
