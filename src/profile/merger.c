// The rules are pprof's profile/merge.go.
#include "profile/merger.h"

void merger_init(struct merger *m, struct arena *a)
{
    *m = (struct merger){0};
    build_init(&m->b, a);
    table_init(&m->mappings, a);
    table_init(&m->functions, a);
    table_init(&m->locations, a);
    table_init(&m->label_runs, a);
    arena_push(a, m->run, m->nrun, m->run_cap);
}

static u32 map_string(struct merger *m, u32 string)
{
    if (string && m->string[string] == 0)
        m->string[string] = 1 + build_string(&m->b, profile_string(m->from, string));
    return string ? m->string[string] - 1 : 0;
}

u32 merger_mapping(struct merger *m, u32 row)
{
    enum { ROUNDING = 0x1000 };
    if (row == 0 || m->mapping[row])
        return m->mapping[row];
    const struct mapping *from = &m->from->mapping[row];
    u64 size = from->limit - from->start + ROUNDING - 1;
    u32 id = map_string(m, from->build_id), file = map_string(m, from->filename);
    struct {
        u64 size, offset;
        u32 name, zero;
    } key = {size - size % ROUNDING, from->offset, id ? id : file, 0};
    u32 to = table_add(&m->mappings, (struct str){(char *)&key, sizeof(key)});
    if (to == m->b.p.nmapping) {
        struct mapping *copy = build_mapping(&m->b);
        u64 number = copy->id;
        *copy = *from;
        copy->id = number;
        copy->filename = file;
        copy->build_id = id;
    }
    m->moved[row] = (i64)(m->b.p.mapping[to].start - from->start);
    return m->mapping[row] = to;
}

struct function_key {
    i64 start_line;
    u32 name, system_name, filename, zero;
};

static u32 map_function(struct merger *m, u32 row)
{
    if (row == 0 || m->function[row])
        return m->function[row];
    const struct function *from = &m->from->function[row];
    struct function_key key = {from->start_line, map_string(m, from->name),
                               map_string(m, from->system_name), map_string(m, from->filename), 0};
    u32 to = table_add(&m->functions, (struct str){(char *)&key, sizeof(key)});
    if (to == m->b.p.nfunction) {
        struct function *copy = build_function(&m->b);
        copy->start_line = key.start_line;
        copy->name = key.name;
        copy->system_name = key.system_name;
        copy->filename = key.filename;
    }
    return m->function[row] = to;
}

// Where a location is in the merged mapping.
static u64 moved_address(const struct merger *m, const struct location *l)
{
    return l->address + (u64)(l->mapping ? m->moved[l->mapping] : 0);
}

// What makes two locations the same.  Of the columns only the last line's counts, as in pprof.
// Mapping and functions must have their rows.
static struct str location_key(struct merger *m, const struct location *l)
{
    size_t n = 4 + 2 * (size_t)l->nline;
    i64 *key = arena_new(m->scratch, i64, n);
    u32 mapping = m->mapping[l->mapping];
    key[0] = (i64)(moved_address(m, l) - m->b.p.mapping[mapping].start);
    key[1] = mapping;
    key[2] = l->is_folded;
    for (u32 i = 0; i < l->nline; i++) {
        const struct line *line = &m->from->line[l->line + i];
        key[4 + 2 * i] = m->function[line->function];
        key[5 + 2 * i] = line->line;
        key[3] = line->column;
    }
    return (struct str){(char *)key, n * sizeof(*key)};
}

u32 merger_location(struct merger *m, u32 row)
{
    if (m->location[row])
        return m->location[row];
    const struct location *from = &m->from->location[row];
    merger_mapping(m, from->mapping);
    for (u32 i = 0; i < from->nline; i++)
        map_function(m, m->from->line[from->line + i].function);
    u32 to = table_add(&m->locations, location_key(m, from));
    if (to == m->b.p.nlocation) {
        struct location *copy = build_location(&m->b);
        copy->mapping = m->mapping[from->mapping];
        copy->address = moved_address(m, from);
        copy->is_folded = from->is_folded;
        for (u32 i = 0; i < from->nline; i++) {
            const struct line *line = &m->from->line[from->line + i];
            *build_line(&m->b) =
                (struct line){m->function[line->function], line->line, line->column};
        }
    }
    return m->location[row] = to;
}

static void find_strings(struct merger *m)
{
    u32 n = m->from->nstring;
    table_find_many(&m->b.strings, m->from->string, n, m->string);
    for (u32 i = 1; i < n; i++)
        m->string[i] = m->string[i] ? 1 + m->b.string_of[m->string[i]] : 0;
}

static bool knows_string(const struct merger *m, u32 string)
{
    return string == 0 || m->string[string];
}

static void find_functions(struct merger *m)
{
    u32 n = m->from->nfunction;
    struct str *bytes = arena_new(m->scratch, struct str, n); // empty: not known
    struct function_key *key = arena_new(m->scratch, struct function_key, n);
    for (u32 i = 1; i < n; i++) {
        const struct function *f = &m->from->function[i];
        if (!knows_string(m, f->name) || !knows_string(m, f->system_name) ||
            !knows_string(m, f->filename))
            continue;
        key[i] =
            (struct function_key){f->start_line, map_string(m, f->name),
                                  map_string(m, f->system_name), map_string(m, f->filename), 0};
        bytes[i] = (struct str){(char *)&key[i], sizeof(key[i])};
    }
    table_find_many(&m->functions, bytes, n, m->function);
}

static bool knows_parts(const struct merger *m, const struct location *l)
{
    bool all = l->mapping == 0 || m->mapping[l->mapping];
    for (u32 i = 0; i < l->nline && all; i++) {
        u32 function = m->from->line[l->line + i].function;
        all = function == 0 || m->function[function];
    }
    return all;
}

static void find_locations(struct merger *m)
{
    u32 n = m->from->nlocation;
    struct str *bytes = arena_new(m->scratch, struct str, n); // empty: not known
    for (u32 i = 1; i < n; i++) {
        if (knows_parts(m, &m->from->location[i]))
            bytes[i] = location_key(m, &m->from->location[i]);
    }
    table_find_many(&m->locations, bytes, n, m->location);
}

void merger_start(struct merger *m, const struct profile *from, struct arena *scratch)
{
    m->scratch = scratch;
    m->from = from;
    m->string = arena_new(scratch, u32, from->nstring);
    m->mapping = arena_new(scratch, u32, from->nmapping);
    m->moved = arena_new(scratch, i64, from->nmapping);
    m->function = arena_new(scratch, u32, from->nfunction);
    m->location = arena_new(scratch, u32, from->nlocation);
    m->label_run = arena_new(scratch, u32, from->nlabel);
    if (m->b.p.nmapping == 1 && from->nmapping > 1)
        merger_mapping(m, 1); // the first mapping is the program
    if (m->b.p.nlocation == 1)
        return;
    // Profiles of one program have most of their rows in common.
    find_strings(m);
    find_functions(m);
    find_locations(m);
}

u32 merger_labels(struct merger *m, const struct sample *s)
{
    if (s->nlabel == 0)
        return 0;
    if (m->label_run[s->label])
        return m->label_run[s->label];
    struct label *key = arena_new(m->scratch, struct label, s->nlabel);
    for (u32 i = 0; i < s->nlabel; i++) {
        const struct label *l = &m->from->label[s->label + i];
        key[i].key = map_string(m, l->key);
        key[i].text = map_string(m, l->text);
        key[i].unit = map_string(m, l->unit);
        key[i].number = l->number;
    }
    u32 to = table_add(&m->label_runs, (struct str){(char *)key, s->nlabel * sizeof(*key)});
    if (to == m->nrun) {
        struct label_run *run = arena_push(m->b.arena, m->run, m->nrun, m->run_cap);
        *run = (struct label_run){m->b.p.nlabel, s->nlabel};
        for (u32 i = 0; i < s->nlabel; i++)
            *arena_push(m->b.arena, m->b.p.label, m->b.p.nlabel, m->b.label_cap) = key[i];
    }
    return m->label_run[s->label] = to;
}
