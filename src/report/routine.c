#include "report/routine.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "object/demangle.h"

bool routine_address(u64 *address, const struct report *r)
{
    char *end;
    const char *text = arena_str(r->arena, r->parameter).ptr;
    errno = 0;
    *address = strtoull(text, &end, 0);
    return isdigit((unsigned char)text[0]) && *end == 0 && errno == 0;
}

bool routine_matches(struct str *name, const struct regex *wanted, struct str function,
                     struct arena *a)
{
    *name = function;
    if (!wanted || regex_match(wanted, function))
        return true;
    struct str whole = demangle(function, DEMANGLE_FULL, a);
    if (str_equal(whole, function)) // not mangled
        return false;
    *name = whole;
    if (regex_match(wanted, *name))
        return true;
    *name = demangle(function, DEMANGLE_TEMPLATES, a);
    if (regex_match(wanted, *name))
        return true;
    *name = demangle(function, DEMANGLE_DEFAULT, a);
    return regex_match(wanted, *name);
}

// What the search works on.
struct search {
    const struct report *r;
    const struct graph *g;
    struct binaries *binaries;
    u64 address; // asked for, where has_address
    bool has_address;
    bool is_linked;   // the address is no mapping's, so it is one of those that the report shows
    bool *is_inlined; // by location: a function that is asked for was inlined there
    bool *is_wanted;  // by mapping
    struct spot *spot;
    u32 nspot, spot_cap;
    struct routine *routine;
    u32 nroutine, routine_cap;
    struct err trouble; // with the first binary that was wanted and could not be opened
};

static u32 outermost_place(const struct search *s, u32 location)
{
    const struct places *p = &s->g->places;
    return p->of_line[p->first[location + 1] - 1];
}

// Whether one of the functions that were inlined at the location is asked for.
static bool has_inlined(const struct search *s, const struct location *l)
{
    const struct profile *p = &s->r->p;
    for (u32 i = 0; i + 1 < l->nline; i++) {
        const struct function *f = &p->function[p->line[l->line + i].function];
        if (s->r->wanted && (regex_match(s->r->wanted, profile_string(p, f->name)) ||
                             regex_match(s->r->wanted, profile_string(p, f->system_name))))
            return true;
    }
    return false;
}

// Whether a place's name is asked for, alone or as it is printed, with address and line.
static bool is_named(const struct search *s, u32 place)
{
    const struct regex *wanted = s->r->wanted;
    return !wanted || regex_match(wanted, s->g->places.place[place].name) ||
           regex_match(wanted, s->g->places.name[place]);
}

// Which mappings' files are worth opening.
static void choose_mappings(struct search *s, const bool *is_shown)
{
    const struct profile *p = &s->r->p;
    for (u32 row = 1; row < p->nlocation; row++) {
        u32 place = outermost_place(s, row);
        const struct location *l = &p->location[row];
        if (!is_shown[place])
            continue;
        s->is_inlined[row] = has_inlined(s, l);
        s->is_wanted[l->mapping] |= s->is_inlined[row] || is_named(s, place);
    }
    s->is_linked = s->has_address;
    for (u32 row = 1; row < p->nmapping && s->has_address; row++) {
        if (s->address < p->mapping[row].start || s->address > p->mapping[row].limit)
            continue;
        s->is_wanted[row] = true;
        s->is_linked = false;
    }
    for (u32 row = 1; row < p->nlocation && s->is_linked; row++)
        s->is_wanted[p->location[row].mapping] |= is_shown[outermost_place(s, row)];
}

static bool *shown_places(const struct search *s)
{
    bool *shown = arena_new(s->r->arena, bool, s->g->places.nplace);
    for (u32 i = 0; i < s->g->nshown; i++)
        shown[s->g->node[s->g->shown[i]].place] = true;
    return shown;
}

// Addresses of wanted mappings that have samples, each once.
static void add_spots(struct search *s, bool *is_left)
{
    const struct profile *p = &s->r->p;
    for (u32 row = 1; row < p->nlocation; row++) {
        u32 place = outermost_place(s, row), mapping = p->location[row].mapping;
        if (!is_left[place] || !s->is_wanted[mapping])
            continue;
        struct binary *b = binaries_find(s->binaries, mapping);
        struct spot spot = {b, 0, row, place};              // a node is its place's row
        bool is_file = b && !str_starts(b->path, STR("[")); // and not "[vdso]"
        if (is_file && !b->symbols && s->trouble.code == 0)
            s->trouble = b->error;
        if (!b || !binary_linked(b, &p->mapping[mapping], p->location[row].address, &spot.linked))
            continue;
        *arena_push(s->r->arena, s->spot, s->nspot, s->spot_cap) = spot;
        is_left[place] = false;
    }
}

static int by_binary(const void *a, const void *b)
{
    const struct spot *l = a, *r = b;
    if (l->binary != r->binary) {
        int order = str_compare(l->binary->path, r->binary->path);
        return order ? order : (l->binary > r->binary) - (l->binary < r->binary);
    }
    return (l->linked > r->linked) - (l->linked < r->linked);
}

// All names of the routine that begins at the symbol table's row, in the order of nm.
static void add_all_names(struct routine *to, const struct symtab *t, u32 row, struct arena *a)
{
    u32 next = symtab_next(t, row);
    to->name = arena_new(a, struct str, next - row);
    for (u32 i = row; i < next; i++)
        to->name[to->nname++] = t->at[i].text;
    qsort(to->name, to->nname, sizeof(*to->name), str_order);
}

// Where the address that is asked for is in a mapping's binary.
static bool find_address(const struct search *s, u32 mapping, u64 *linked)
{
    const struct binary *b =
        s->has_address && s->is_wanted[mapping] ? binaries_find(s->binaries, mapping) : NULL;
    if (!b || !b->symbols)
        return false;
    *linked = s->address;
    return s->is_linked || binary_linked(b, &s->r->p.mapping[mapping], s->address, linked);
}

// Whether it is asked for by its address, then all names are kept, or by one of its names.
static bool choose_names(const struct search *s, struct routine *to, u32 row)
{
    add_all_names(to, &to->binary->code.symtab, row, s->r->arena);
    u64 address;
    for (u32 m = 1; m < s->r->p.nmapping; m++) {
        if (find_address(s, m, &address) && binaries_find(s->binaries, m) == to->binary &&
            address >= to->first && address < to->end)
            return true;
    }
    for (u32 i = 0; i < to->nname; i++) {
        struct str name;
        if (!routine_matches(&name, s->r->wanted, to->name[i], s->r->arena))
            continue;
        to->name[0] = name;
        to->nname = 1;
        return true;
    }
    return false;
}

// "mix, twice": the functions asked for that were inlined at the routine's addresses.
static struct str inlined_names(const struct search *s, const struct routine *to)
{
    const struct profile *p = &s->r->p;
    struct table seen;
    struct str names = {0};
    table_init(&seen, s->r->arena);
    for (u32 i = 0; i < to->nspot; i++) {
        const struct location *l = &p->location[to->spot[i].location];
        for (u32 k = 0; k + 1 < l->nline; k++) {
            struct str name = profile_string(p, p->function[p->line[l->line + k].function].name);
            if (table_find(&seen, name) || !regex_match(s->r->wanted, name))
                continue;
            table_add(&seen, name);
            names = arena_printf(s->r->arena, "%.*s%s%.*s", STR_ARG(names), names.len ? ", " : "",
                                 STR_ARG(name));
        }
    }
    return names;
}

// The routine that the spot is in, and those of the following spots that are in it too.
static struct routine routine_at(const struct search *s, u32 spot, u32 row)
{
    struct binary *b = s->spot[spot].binary;
    const struct symtab *t = &b->code.symtab;
    u32 next = symtab_next(t, row), n = spot;
    struct routine to = {.binary = b, .first = t->at[row].address, .spot = &s->spot[spot]};
    to.end = next < t->n ? t->at[next].address : UINT64_MAX;
    while (n < s->nspot && s->spot[n].binary == b && s->spot[n].linked < to.end)
        n++;
    to.nspot = n - spot;
    return to;
}

static void add_routines(struct search *s)
{
    for (u32 i = 0, step; i < s->nspot; i += step) {
        const struct symtab *t = &s->spot[i].binary->code.symtab;
        u32 row = symtab_find(t, s->spot[i].linked);
        step = 1;
        if (row == t->n)
            continue;
        struct routine to = routine_at(s, i, row);
        step = to.nspot;
        bool is_inlined = false;
        for (u32 k = 0; k < to.nspot; k++)
            is_inlined |= s->is_inlined[to.spot[k].location];
        if (!choose_names(s, &to, row)) {
            if (!is_inlined)
                continue;
            to.inlined = inlined_names(s, &to);
            to.name[0] = demangle(t->at[row].text, DEMANGLE_DEFAULT, s->r->arena);
            to.nname = 1;
        }
        *arena_push(s->r->arena, s->routine, s->nroutine, s->routine_cap) = to;
    }
}

static int by_name(const void *a, const void *b)
{
    const struct routine *l = a, *r = b;
    int order = str_compare(l->name[0], r->name[0]);
    if (order)
        return order;
    return l->first != r->first ? (l->first < r->first ? -1 : 1)
                                : str_compare(l->binary->path, r->binary->path);
}

// Whether some binary has code at the address that is asked for.
static bool has_code(const struct search *s)
{
    for (u32 m = 1; m < s->r->p.nmapping; m++) {
        u64 linked;
        if (!find_address(s, m, &linked))
            continue;
        const struct symtab *t = &binaries_find(s->binaries, m)->code.symtab;
        if (symtab_find(t, linked) < t->n)
            return true;
    }
    return false;
}

static bool complain(const struct search *s, struct err *e)
{
    const char *because = s->trouble.code ? ": " : "", *why = s->trouble.text;
    if (!s->has_address)
        return err_set(e, ENOENT, "no matches found for regexp %.*s%s%s", STR_ARG(s->r->parameter),
                       because, why);
    if (!has_code(s))
        return err_set(e, ENOENT, "no matches found for address 0x%llx%s%s",
                       (unsigned long long)s->address, because, why);
    return err_set(e, ENOENT,
                   "address 0x%llx found in binary, but the corresponding symbols do not have "
                   "samples in the profile",
                   (unsigned long long)s->address);
}

bool routines_find(struct routines *out, struct binaries *b, const struct graph *g,
                   const struct report *r, struct err *e)
{
    struct search s = {.r = r, .g = g, .binaries = b};
    s.has_address = routine_address(&s.address, r);
    s.is_inlined = arena_new(r->arena, bool, r->p.nlocation);
    s.is_wanted = arena_new(r->arena, bool, r->p.nmapping);
    bool *shown = shown_places(&s);
    choose_mappings(&s, shown);
    add_spots(&s, shown);
    if (s.nspot)
        qsort(s.spot, s.nspot, sizeof(*s.spot), by_binary);
    add_routines(&s);
    if (s.nroutine == 0)
        return complain(&s, e);
    if (s.trouble.code)
        buf_printf(r->warnings, "%s\n", s.trouble.text);
    qsort(s.routine, s.nroutine, sizeof(*s.routine), by_name);
    *out = (struct routines){s.routine, s.nroutine};
    return true;
}
