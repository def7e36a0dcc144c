// Mappings in the texts that follow legacy profiles.
#include <string.h>

#include "base/buf.h"
#include "profile/legacy.h"
#include "profile/ranges.h"
#include "profile/regex.h"

// Blanks as Go's expressions have them.  The digits of a number are counted, since two numbers may
// follow each other without a blank and all ways to part them are tried.
#define BLANK     "[\\t\\n\\f\\r ]"
#define HEX       "(?:0x)?([[:xdigit:]]{1,64})"
#define HEX_RANGE BLANK "*" HEX "(?:-|" BLANK ")?" BLANK "*" HEX ":?"
#define MODE      "(?:" BLANK "+([-rwxp]+))?"
#define WORD      "(?:" BLANK "+([^\\t\\n\\f\\r ]+))?"
#define OFFSET    "(?:" BLANK "+([[:xdigit:]]+))?"

// Of /proc/PID/maps: start-end mode offset device inode file.
#define DEVICE    BLANK "+[[:xdigit:]]+:[[:xdigit:]]+" BLANK "+[[:digit:]]+"
#define PROC_LINE "^" HEX_RANGE MODE OFFSET DEVICE WORD
// Shorter: start-end mode file (@offset) buildid.
#define BRIEF_LINE                                                                                 \
    "^" HEX_RANGE MODE WORD "(?:" BLANK "+\\(@([[:xdigit:]]+)\\))?(?:" BLANK "+([[:xdigit:]]+))?"
// What a log puts before each of its lines.
#define LOG_PREFIX "^[^\\[\\]]+:[0-9]+]" BLANK
#define LIBRARY    "([.]so$|[.]so[._][0-9]+)"

struct reader {
    struct regex *proc, *brief, *log, *library;
    struct str name[16], value[16]; // "$name" stands for a value
    u32 nname;
    size_t expanded_bytes; // that values were put in for names, in all lines
    struct legacy *l;
};

static struct str group(struct str line, const i64 *start, const i64 *end, u32 i)
{
    return start[i] < 0 ? STR("") : (struct str){line.ptr + start[i], (size_t)(end[i] - start[i])};
}

// A hexadecimal number of any case; the empty text is 0.
static bool parse_hex(u64 *out, struct str text)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        u32 c = (u8)text.ptr[i];
        u64 digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
        if (*out >> 60)
            return false;
        *out = *out << 4 | digit;
    }
    return true;
}

// Adds the mapping that a line tells of, unless it cannot be executed; false: the line tells of
// none.
static bool add_mapping(struct reader *r, struct str line)
{
    i64 start[7], end[7];
    bool is_proc = regex_groups(r->proc, line, start, end, 6);
    if (!is_proc && !regex_groups(r->brief, line, start, end, 7))
        return false;
    struct str mode = group(line, start, end, 3);
    struct str offset = group(line, start, end, is_proc ? 4 : 5);
    struct str file = group(line, start, end, is_proc ? 5 : 4);
    struct str build_id = is_proc ? STR("") : group(line, start, end, 6);
    struct mapping m = {0};
    if (mode.len && str_find(mode, STR("x")) < 0)
        return true;
    if (!parse_hex(&m.start, group(line, start, end, 1)) ||
        !parse_hex(&m.limit, group(line, start, end, 2)) || !parse_hex(&m.offset, offset))
        return false;
    m.filename = build_string(&r->l->b, file);
    m.build_id = build_string(&r->l->b, build_id);
    *build_mapping(&r->l->b) = m;
    return true;
}

// The line with the values of the names in it.  Values may have names in them too and so grow
// without end; a file whose values are more than that is none that anybody wrote.
static struct str replaced(struct reader *r, struct str line)
{
    enum { MOST_EXPANDED_MIB = 16 };
    struct buf out;
    buf_init(&out, line.len + MIB(MOST_EXPANDED_MIB) - r->expanded_bytes);
    for (size_t i = 0; i < line.len;) {
        u32 k = 0;
        while (k < r->nname && !str_starts(str_skip(line, i), r->name[k]))
            k++;
        buf_add(&out, k < r->nname ? r->value[k] : (struct str){line.ptr + i, 1});
        i += k < r->nname ? r->name[k].len : 1;
    }
    if (out.len > line.len)
        r->expanded_bytes += out.len - line.len;
    struct str text = arena_str(r->l->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static void read_line(struct reader *r, struct str line)
{
    i64 start, end;
    if (regex_groups(r->log, line, &start, &end, 1))
        line = str_skip(line, (size_t)end);
    if (r->nname && str_find(line, STR("$")) >= 0)
        line = replaced(r, line);
    if (add_mapping(r, line))
        return;
    struct str value = line, name = str_cut(&value, '=');
    if (name.len == line.len || r->nname == ARRAY_LEN(r->name))
        return;
    r->name[r->nname] = arena_printf(r->l->arena, "$%.*s", STR_ARG(str_trim(name)));
    r->value[r->nname++] = arena_str(r->l->arena, str_trim(value));
}

// Whether the two are parts of one mapping.
static bool adjacent(const struct profile *p, const struct mapping *a, const struct mapping *b)
{
    struct str file = profile_string(p, a->filename), id = profile_string(p, a->build_id);
    if (file.len && b->filename && !str_equal(file, profile_string(p, b->filename)))
        return false;
    if (id.len && b->build_id && !str_equal(id, profile_string(p, b->build_id)))
        return false;
    if (a->limit != b->start)
        return false;
    return a->offset == 0 || b->offset == 0 || a->offset + (a->limit - a->start) == b->offset;
}

static void join_adjacent(struct profile *p)
{
    u32 last = 0; // 0: none yet
    for (u32 i = 1; i < p->nmapping; i++) {
        const struct mapping *m = &p->mapping[i];
        if (last == 0 || !adjacent(p, &p->mapping[last], m)) {
            p->mapping[++last] = *m;
            continue;
        }
        struct mapping *to = &p->mapping[last];
        to->limit = m->limit;
        to->filename = m->filename ? m->filename : to->filename;
        to->build_id = m->build_id ? m->build_id : to->build_id;
    }
    p->nmapping = last + 1;
}

static bool is_program(const struct reader *r, struct str file)
{
    const struct str deleted = STR("(deleted)");
    i64 at = str_find(file, deleted);
    if (at >= 0)
        file = at ? (struct str){file.ptr, (size_t)at} : str_skip(file, deleted.len);
    file = str_trim(file);
    return file.len && file.ptr[0] != '[' && !regex_match(r->library, file);
}

// Puts what seems to be the program's own file first.
static void program_first(const struct reader *r, struct profile *p)
{
    for (u32 i = 1; i < p->nmapping; i++) {
        if (!is_program(r, profile_string(p, p->mapping[i].filename)))
            continue;
        struct mapping first = p->mapping[1];
        p->mapping[1] = p->mapping[i];
        p->mapping[i] = first;
        return;
    }
}

// What some programs tell wrongly about their first mapping.
static void correct_first(struct profile *p)
{
    enum { USUAL_START = 0x400000 };
    struct mapping *first = &p->mapping[1];
    if (p->nmapping > 2 && str_starts(profile_string(p, first->filename), STR("/anon_hugepage")) &&
        first->limit == first[1].start) {
        memmove(first, first + 1, (p->nmapping - 2) * sizeof(*first));
        p->nmapping--;
    }
    if (p->nmapping > 1 && first->start - first->offset == USUAL_START) {
        first->start = USUAL_START;
        first->offset = 0;
    }
}

u32 legacy_fake_mapping(struct legacy *l)
{
    build_mapping(&l->b)->limit = UINT64_MAX;
    return l->b.p.nmapping - 1;
}

// The mappings, and what lies before them in their files: some tell only of the later one of two
// halves.
static void build_ranges(struct ranges *whole, struct ranges *before, const struct profile *p,
                         struct arena *a)
{
    struct range *range = arena_new(a, struct range, p->nmapping);
    u32 n = 0;
    for (u32 i = 1; i < p->nmapping; i++)
        range[n++] = (struct range){p->mapping[i].start, p->mapping[i].limit, i};
    *whole = ranges_build(range, n, a);
    n = 0;
    for (u32 i = 1; i < p->nmapping; i++) {
        const struct mapping *m = &p->mapping[i];
        if (m->offset)
            range[n++] = (struct range){m->start - m->offset, m->start, i};
    }
    *before = ranges_build(range, n, a);
}

static void find_mappings(struct legacy *l)
{
    struct profile *p = &l->b.p;
    struct ranges whole, before;
    u32 fake = 0;
    build_ranges(&whole, &before, p, l->arena);
    for (u32 row = 1; row < p->nlocation; row++) {
        u64 address = p->location[row].address;
        u32 found = address ? ranges_find(&whole, address) : 0;
        if (address && !found && !fake && (found = ranges_find(&before, address)) != 0) {
            struct mapping *m = &p->mapping[found];
            m->start -= m->offset;
            m->offset = 0;
        }
        if (address && !found)
            found = fake = fake ? fake : legacy_fake_mapping(l);
        p->location[row].mapping = found;
    }
    for (u32 i = 1; i < p->nmapping; i++)
        p->mapping[i].id = i;
}

static bool open_reader(struct reader *r)
{
    struct err ignored;
    return regex_compile_bytes(&r->proc, STR(PROC_LINE), &ignored) &&
           regex_compile_bytes(&r->brief, STR(BRIEF_LINE), &ignored) &&
           regex_compile_bytes(&r->log, STR(LOG_PREFIX), &ignored) &&
           regex_compile_bytes(&r->library, STR(LIBRARY), &ignored);
}

static void close_reader(struct reader *r)
{
    regex_free(r->proc);
    regex_free(r->brief);
    regex_free(r->log);
    regex_free(r->library);
}

void legacy_mappings(struct legacy *l, struct lines *lines)
{
    struct reader r = {.l = l};
    if (open_reader(&r)) {
        while (lines_next(lines))
            read_line(&r, lines->line);
        join_adjacent(&l->b.p);
        program_first(&r, &l->b.p);
        correct_first(&l->b.p);
        find_mappings(l);
    }
    close_reader(&r);
}
