// Java's heap, contention and CPU profiles: frames are numbers, and a list of their functions
// follows.
#include <errno.h>

#include "profile/legacy.h"
#include "profile/regex.h"

#define ATTRIBUTE "(?<![\\w ])([\\w ]++)=([\\w ]++)"
#define SAMPLE    "(?<!\\d)(\\d++) ++(\\d++) ++@ ++([ x0-9a-f]*)"
#define LOCATION  "^0x([[:xdigit:]]+)[\\t\\f\\r ]+(.*)$"

enum { HEAP_RATE = 524288 };

struct java {
    struct legacy *l;
    bool is_heap;
    struct str rest; // lines not read yet; each ends with a line feed
    struct regex *attribute, *sample, *location;
    struct table names; // of functions in use
    struct str *file;   // by row of names: the first that is told
    u32 nfile, file_cap;
};

static bool open_java(struct java *j, struct err *e)
{
    return regex_compile_bytes(&j->attribute, STR(ATTRIBUTE), e) &&
           regex_compile_bytes(&j->sample, STR(SAMPLE), e) &&
           regex_compile_bytes(&j->location, STR(LOCATION), e);
}

static void close_java(struct java *j)
{
    regex_free(j->attribute);
    regex_free(j->sample);
    regex_free(j->location);
}

static struct str part(struct str line, i64 start, i64 end)
{
    return start < 0 ? STR("") : (struct str){line.ptr + start, (size_t)(end - start)};
}

// The next whole line that is not blank, without reading it; false when there is none.
static bool peek_line(struct java *j, struct str *line, struct str *behind)
{
    while (str_find(j->rest, STR("\n")) >= 0) {
        *behind = j->rest;
        *line = str_trim(str_cut(behind, '\n'));
        if (line->len)
            return true;
        j->rest = *behind;
    }
    return false;
}

static enum format bad_line(struct str line, const char *why, struct err *e)
{
    err_write(e, EBADMSG, "parsing sample %.*s: %s", STR_ARG(line), why);
    return FORMAT_BAD;
}

static enum format read_attribute(struct java *j, struct str line, struct str name,
                                  struct str value, struct err *e)
{
    struct build *b = &j->l->b;
    i64 ms = 0;
    if (str_equal(name, STR("format")))
        return str_equal(value, STR("java")) ? FORMAT_DECODED : FORMAT_OTHER;
    if (str_equal(name, STR("resolution"))) {
        b->p.ntype = 0;
        build_type(b, j->is_heap ? STR("inuse_objects") : STR("contentions"), STR("count"));
        build_type(b, j->is_heap ? STR("inuse_space") : STR("delay"), value);
        return FORMAT_DECODED;
    }
    if (j->is_heap)
        return FORMAT_OTHER;
    if (str_equal(name, STR("sampling period"))) {
        legacy_period(j->l, STR("contentions"), STR("count"), 0);
        if (legacy_number(&b->p.period, value))
            return FORMAT_DECODED;
    } else if (!str_equal(name, STR("ms since reset"))) {
        return FORMAT_OTHER;
    } else if (legacy_number(&ms, value)) {
        b->p.duration_ns = ms * 1000000;
        return FORMAT_DECODED;
    }
    err_write(e, EBADMSG, "failed to parse attribute %.*s", STR_ARG(line));
    return FORMAT_BAD;
}

static enum format read_attributes(struct java *j, struct err *e)
{
    struct str line, behind;
    while (peek_line(j, &line, &behind)) {
        i64 start[3], end[3];
        if (!regex_groups(j->attribute, line, start, end, 3))
            break;
        enum format f = read_attribute(j, line, str_trim(part(line, start[1], end[1])),
                                       str_trim(part(line, start[2], end[2])), e);
        if (f != FORMAT_DECODED)
            return f;
        j->rest = behind;
    }
    return FORMAT_DECODED;
}

// Frames are as they are written: they are numbers, not addresses of calls.
static bool add_frames(struct java *j, struct str text, struct err *e)
{
    u32 first = j->l->naddress;
    if (!legacy_frames(j->l, text, e))
        return false;
    for (u32 i = first; i < j->l->naddress; i++)
        j->l->address[i]++;
    return true;
}

static enum format read_sample(struct java *j, struct str line, const i64 *start, const i64 *end,
                               struct err *e)
{
    struct build *b = &j->l->b;
    i64 bytes, count;
    build_sample(b);
    if (!add_frames(j, part(line, start[3], end[3]), e)) {
        err_write_prefix(e, "malformed sample: %.*s: ", STR_ARG(line));
        return FORMAT_BAD;
    }
    if (!legacy_number(&count, part(line, start[2], end[2])) ||
        !legacy_number(&bytes, part(line, start[1], end[1])))
        return bad_line(line, "value out of range", e);
    if (j->is_heap) {
        if (count == 0)
            return bad_line(line, "second value must be non-zero", e);
        legacy_block_size(j->l, bytes / count);
        legacy_unsample(&count, &bytes, HEAP_RATE);
    } else if (b->p.period) {
        count *= b->p.period;
        bytes *= b->p.period;
    }
    build_value(b, count);
    build_value(b, bytes);
    return FORMAT_DECODED;
}

static enum format read_samples(struct java *j, struct err *e)
{
    struct str line, behind;
    while (peek_line(j, &line, &behind)) {
        i64 start[4], end[4];
        if (!regex_groups(j->sample, line, start, end, 4))
            break;
        enum format f = read_sample(j, line, start, end, e);
        if (f != FORMAT_DECODED)
            return f;
        j->rest = behind;
    }
    return FORMAT_DECODED;
}

// What a line tells of a frame: "0x12 name (file:line)", "... (library)", or a state of the
// machine.
struct symbol {
    struct str function, file;
    i64 line;
};

// The last " (" in text, that at least nbehind bytes follow; 0: there is none.
static size_t find_parenthesis(struct str text, size_t nbehind)
{
    for (size_t i = text.len; i > 1; i--) {
        char before = text.ptr[i - 2];
        if (text.ptr[i - 1] == '(' && text.len - i >= nbehind &&
            (before == ' ' || (before >= '\t' && before <= '\r' && before != '\v')))
            return i - 2;
    }
    return 0;
}

// "NAME (FILE:-12", split.
static bool parse_line(struct symbol *s, struct str text)
{
    size_t n = text.len;
    while (n && text.ptr[n - 1] >= '0' && text.ptr[n - 1] <= '9')
        n--;
    size_t number = n - (n && text.ptr[n - 1] == '-');
    if (n == text.len || number == 0 || text.ptr[number - 1] != ':')
        return false;
    struct str before = {text.ptr, number - 1};
    size_t at = find_parenthesis(before, 1);
    if (at == 0)
        return false;
    s->function.len = at;
    s->file = str_skip(before, at + 2);
    if (!str_i64(&s->line, str_skip(text, number)) || s->line < 0)
        s->line = 0;
    return true;
}

static struct symbol parse_symbol(struct str text)
{
    struct symbol s = {.function = text};
    struct str open = {text.ptr, text.len - str_ends(text, STR(")"))};
    if (open.len < text.len && parse_line(&s, open))
        return s;
    size_t at = open.len < text.len ? find_parenthesis(open, 0) : 0;
    if (at) {
        s.function.len = at;
        s.file = str_basename(str_skip(open, at + 2));
    } else if (str_find(text, STR("generated stub/JIT")) >= 0) {
        s.function = STR("STUB");
    }
    return s;
}

// One function a name.
static u32 function_row(struct java *j, struct table *functions, struct str name)
{
    struct build *b = &j->l->b;
    u32 row = table_add(functions, name);
    if (row == b->p.nfunction) {
        u32 string = build_string(b, name);
        u32 filename = build_string(b, j->file[table_find(&j->names, name)]);
        struct function *f = build_function(b);
        f->name = f->system_name = string;
        f->filename = filename;
    }
    return row;
}

static enum format read_symbols(struct java *j, struct symbol *symbol, const struct table *rows,
                                struct err *e)
{
    for (struct lines lines = {.rest = j->rest}; lines_next(&lines);) {
        struct str line = str_trim(lines.line);
        i64 start[3], end[3];
        if (!regex_groups(j->location, line, start, end, 3))
            continue;
        u64 address = 0;
        struct str digits = part(line, start[1], end[1]);
        for (size_t i = 0; i < digits.len; i++) {
            u32 c = (u8)digits.ptr[i];
            if (address >> 60)
                return bad_line(line, "value out of range", e);
            address = address << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        }
        u32 row = table_find(rows, (struct str){(char *)&address, sizeof(address)});
        if (row == 0)
            continue;
        symbol[row] = parse_symbol(part(line, start[2], end[2]));
        if (table_add(&j->names, symbol[row].function) == j->nfile)
            *arena_push(j->l->arena, j->file, j->nfile, j->file_cap) = symbol[row].file;
    }
    return FORMAT_DECODED;
}

// Makes locations of the frames that the samples have; those that are not in the list stay without
// a name, in a mapping that is nobody's.
static enum format finish(struct java *j, struct err *e)
{
    struct legacy *l = j->l;
    struct profile *p = &l->b.p;
    struct table rows, functions;
    table_init(&rows, l->arena);
    table_init(&functions, l->arena);
    table_init(&j->names, l->arena);
    arena_push(l->arena, j->file, j->nfile, j->file_cap);
    legacy_locate(l);
    for (u32 i = 1; i < p->nlocation; i++)
        table_add(&rows, (struct str){(char *)&p->location[i].address, sizeof(u64)});
    struct symbol *symbol = arena_new(l->arena, struct symbol, p->nlocation);
    enum format f = read_symbols(j, symbol, &rows, e);
    if (f != FORMAT_DECODED)
        return f;
    u32 fake = 0;
    for (u32 i = 1; i < p->nlocation; i++) {
        struct location *at = &p->location[i];
        if (symbol[i].function.ptr) {
            u32 function = function_row(j, &functions, symbol[i].function);
            at->line = p->nline;
            at->nline = 1;
            *arena_push(l->arena, p->line, p->nline, l->b.line_cap) =
                (struct line){.function = function, .line = symbol[i].line};
        } else if (at->address) {
            fake = fake ? fake : legacy_fake_mapping(l);
            at->mapping = fake;
        }
        at->address = 0;
    }
    return FORMAT_DECODED;
}

static enum format read_java(struct java *j, struct str header, struct err *e)
{
    j->is_heap = str_equal(header, STR("--- heapz 1 ---"));
    if (!j->is_heap && !str_equal(header, STR("--- contentionz 1 ---")))
        return FORMAT_OTHER;
    enum format f = read_attributes(j, e);
    if (f == FORMAT_DECODED)
        f = read_samples(j, e);
    return f == FORMAT_DECODED ? finish(j, e) : f;
}

enum format legacy_java(struct legacy *l, struct str bytes, struct err *e)
{
    struct java j = {.l = l, .rest = bytes};
    if (str_find(bytes, STR("\n")) < 0)
        return FORMAT_OTHER;
    struct str header = str_trim(str_cut(&j.rest, '\n'));
    enum format f = open_java(&j, e) ? read_java(&j, header, e) : FORMAT_BAD;
    close_java(&j);
    return f;
}

enum format legacy_java_cpu(struct legacy *l, struct str text, struct err *e)
{
    struct java j = {.l = l, .rest = text};
    enum format f = open_java(&j, e) ? finish(&j, e) : FORMAT_BAD;
    close_java(&j);
    return f;
}
