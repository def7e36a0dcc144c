#include "profile/folded.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { MOST_DECIMALS = 6 };

// What all lines have in common.
struct shape {
    u32 nvalue;   // numbers at the end of each
    u32 decimals; // the most that any of them has
    bool any_frames;
};

struct folded {
    struct build b;
    struct arena *arena;
    struct table locations; // text of a frame, with those that are inlined into it -> row
    struct table functions; // struct function_key -> row
    u32 mapping[4];         // row of each kind below; 0: not made yet
    struct shape shape;
    double scale; // 10 to the power of shape.decimals
};

struct function_key {
    u32 name, filename;
};

// Where a frame's code is, by the mark behind its name.
enum { PROGRAM, KERNEL, JIT, INTERPRETER };
static const struct {
    char mark;
    u8 kind;
} marks[] = {{'k', KERNEL}, {'j', JIT}, {'1', JIT}, {'0', INTERPRETER}};
static const char *const mapping_names[] = {"", "[kernel]", "[jit]", "[interpreter]"};

// One frame of a line.
struct frame {
    struct str name, filename;
    i64 line;
    u8 kind;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// How many decimals a number needs.
static u32 count_decimals(double value)
{
    u32 n = 0;
    for (; n < MOST_DECIMALS; n++, value *= 10) {
        if (fabs(value - round(value)) <= 1e-9 * fabs(value))
            break;
    }
    return n;
}

// Cuts a number off the line's end: digits, perhaps with a sign, a fraction or an exponent.
static bool cut_number(struct str *line, double *value)
{
    size_t n = line->len;
    while (n && !is_blank(line->ptr[n - 1]))
        n--;
    struct str number = str_skip(*line, n), digits = str_skip(number, str_starts(number, STR("-")));
    if (digits.len == 0 || digits.ptr[0] < '0' || digits.ptr[0] > '9' ||
        str_find(digits, STR("x")) >= 0 || !str_double(value, number))
        return false;
    while (n && is_blank(line->ptr[n - 1]))
        n--;
    line->len = n;
    return true;
}

static bool is_comment(struct str line)
{
    return line.len == 0 || line.ptr[0] == '#';
}

// The next line that is not a comment, without blanks at its end.
static bool next_line(struct lines *lines, u32 *number)
{
    while (lines_next(lines)) {
        ++*number;
        struct str *line = &lines->line;
        while (line->len && is_blank(line->ptr[line->len - 1]))
            line->len--;
        if (!is_comment(*line))
            return true;
    }
    return false;
}

// Takes a line's numbers into account; false: it has none.
static bool look_at_line(struct shape *s, struct str line)
{
    double value;
    for (u32 i = 0; i < s->nvalue; i++) {
        if (!cut_number(&line, &value) || (i && line.len == 0)) {
            s->nvalue = i;
            return i > 0;
        }
        u32 decimals = count_decimals(value);
        s->decimals = decimals > s->decimals ? decimals : s->decimals;
    }
    return true;
}

// Whether it is folded stacks is decided by the first line, and by the first with a ';': both must
// end in a number.  After that, a line that does not is a mistake.
static enum format look(struct shape *s, struct str bytes, struct err *e)
{
    struct lines lines = {.rest = bytes};
    u32 number = 0, first = 0;
    *s = (struct shape){.nvalue = 2};
    while (next_line(&lines, &number)) {
        bool has_frames = str_find(lines.line, STR(";")) >= 0, good = look_at_line(s, lines.line);
        if (!good && (first == 0 || (has_frames && !s->any_frames)))
            return FORMAT_OTHER;
        first = first ? first : number;
        s->any_frames |= has_frames;
        if (good)
            continue;
        err_write(e, EBADMSG, "line %u: \"%.*s\" is no stack with a number behind it", number,
                  (int)(lines.line.len < 80 ? lines.line.len : 80), lines.line.ptr);
        return s->any_frames ? FORMAT_BAD : FORMAT_OTHER;
    }
    s->decimals = s->decimals > MOST_DECIMALS ? MOST_DECIMALS : s->decimals;
    return s->any_frames ? FORMAT_DECODED : FORMAT_OTHER;
}

// Whether text ends in "_[mark]".
static bool is_marked(struct str text, char mark)
{
    const char end[] = {'_', '[', mark, ']'};
    return str_ends(text, (struct str){end, sizeof(end)});
}

// Splits "name (file:12)".
static void split_place(struct frame *f)
{
    struct str text = f->name;
    if (!str_ends(text, STR(")")))
        return;
    size_t n = text.len - 1, end = n;
    while (n && text.ptr[n - 1] >= '0' && text.ptr[n - 1] <= '9')
        n--;
    if (n == end || n < 2 || text.ptr[n - 1] != ':')
        return;
    const char *open = memrchr(text.ptr, '(', n - 2);
    size_t at = open ? (size_t)(open - text.ptr) : 0;
    if (at < 2 || text.ptr[at - 1] != ' ' ||
        !str_i64(&f->line, (struct str){text.ptr + n, end - n}))
        return;
    f->name.len = at - 1;
    f->filename = (struct str){open + 1, n - 1 - (at + 1)};
}

static struct frame parse_frame(struct str text)
{
    enum { MARK_BYTES = 4 };
    struct frame f = {.name = text};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (is_marked(text, marks[i].mark))
            f.kind = marks[i].kind;
    }
    if ((f.kind || is_marked(text, 'i')) && text.len > MARK_BYTES)
        f.name.len -= MARK_BYTES;
    split_place(&f);
    return f;
}

static u32 function_row(struct folded *f, const struct frame *frame)
{
    struct build *b = &f->b;
    struct function_key key = {build_string(b, frame->name), build_string(b, frame->filename)};
    u32 row = table_add(&f->functions, (struct str){(char *)&key, sizeof(key)});
    if (row == b->p.nfunction) {
        struct function *to = build_function(b);
        to->name = to->system_name = key.name;
        to->filename = key.filename;
    }
    return row;
}

static u32 mapping_row(struct folded *f, const struct frame *frame)
{
    u32 *row = &f->mapping[frame->kind];
    if (*row == 0) {
        u32 file = build_string(&f->b, str_of(mapping_names[frame->kind]));
        struct mapping *m = build_mapping(&f->b);
        m->filename = file;
        m->has_functions = true;
        *row = f->b.p.nmapping - 1;
    }
    struct mapping *m = &f->b.p.mapping[*row];
    m->has_filenames |= frame->filename.len != 0;
    m->has_line_numbers |= frame->line != 0;
    return *row;
}

// The row of a frame and what is inlined into it: "outer;inner_[i]".  Lines are innermost first.
static u32 location_row(struct folded *f, struct str text)
{
    struct build *b = &f->b;
    u32 row = table_add_shared(&f->locations, text), mapping = 0;
    if (row < b->p.nlocation)
        return row;
    struct location *to = build_location(b);
    while (text.len) {
        const char *separator = memrchr(text.ptr, ';', text.len);
        size_t at = separator ? (size_t)(separator - text.ptr) + 1 : 0;
        struct frame frame = parse_frame(str_skip(text, at));
        text.len = at ? at - 1 : 0;
        if (frame.name.len == 0)
            continue;
        u32 function = function_row(f, &frame);
        *build_line(b) = (struct line){.function = function, .line = frame.line};
        mapping = mapping_row(f, &frame);
    }
    to->mapping = mapping; // of the outermost
    if (to->nline > 1)
        b->p.mapping[mapping].has_inline_frames = true;
    return row;
}

// Cuts the leaf off, with what it is inlined into.
static struct str cut_frame(struct str *stack)
{
    size_t end = stack->len;
    for (;;) {
        const char *separator = end ? memrchr(stack->ptr, ';', end) : NULL;
        size_t start = separator ? (size_t)(separator - stack->ptr) + 1 : 0;
        if (start == 0 || !is_marked((struct str){stack->ptr + start, end - start}, 'i')) {
            struct str frame = str_skip(*stack, start);
            stack->len = start ? start - 1 : 0;
            return frame;
        }
        end = start - 1;
    }
}

static void add_sample(struct folded *f, struct str stack, double value, bool is_base)
{
    struct build *b = &f->b;
    if (value == 0)
        return;
    build_sample(b);
    value = round(value * f->scale);
    bool fits = fabs(value) < 0x1p63;
    build_value(b, fits ? (i64)value : value < 0 ? INT64_MIN : INT64_MAX);
    while (stack.len) {
        struct str frame = cut_frame(&stack);
        if (frame.len)
            build_frame(b, location_row(f, frame));
    }
    if (!is_base)
        return;
    u32 key = build_string(b, STR(PROFILE_BASE_LABEL)), text = build_string(b, STR("true"));
    *build_label(b) = (struct label){.key = key, .text = text};
}

static void add_line(struct folded *f, struct str line)
{
    double value = 0, before = 0;
    cut_number(&line, &value);
    if (f->shape.nvalue == 2)
        cut_number(&line, &before);
    add_sample(f, line, value, false);
    add_sample(f, line, -before, true);
}

static void set_type(struct folded *f)
{
    struct build *b = &f->b;
    struct str name = STR("samples");
    f->scale = 1;
    for (u32 i = 0; i < f->shape.decimals; i++)
        f->scale *= 10;
    if (f->shape.decimals)
        name = arena_printf(f->arena, "samples*%.0f", f->scale);
    build_type(b, name, STR("count"));
    b->p.period_type = b->p.type[0];
    b->p.period = 1;
}

enum format folded_decode(struct profile *out, struct str bytes, struct arena *a, struct err *e)
{
    struct folded f = {.arena = a};
    struct lines lines = {.rest = bytes};
    u32 number = 0;
    enum format format =
        bytes.len && memchr(bytes.ptr, 0, bytes.len) ? FORMAT_OTHER : look(&f.shape, bytes, e);
    if (format != FORMAT_DECODED)
        return format;
    build_init(&f.b, a);
    table_init(&f.locations, a);
    table_init(&f.functions, a);
    set_type(&f);
    mapping_row(&f, &(struct frame){.kind = PROGRAM}); // the first is the program's
    while (next_line(&lines, &number))
        add_line(&f, lines.line);
    *out = f.b.p;
    return FORMAT_DECODED;
}
