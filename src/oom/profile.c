// The account as a profile: the root is the group, above it the lines of the account, and above the
// live heap and the mappings their stacks.  So any tool's flame graph is as wide as the charge.
#include <string.h>

#include "oom/text.h"
#include "profile/build.h"

// Rows that the account adds to the tables.
enum { MORE = ACCOUNT_LINES + 4 };

// A copy of a table of n rows with room for more.
static void *extended(struct arena *a, const void *table, u32 n, size_t bytes)
{
    void *copy = arena_alloc(a, (size_t)n + MORE, bytes);
    if (n)
        memcpy(copy, table, n * bytes);
    return copy;
}

static u32 add_string(struct profile *p, struct str s)
{
    p->string[p->nstring] = s;
    return p->nstring++;
}

static u32 add_location(struct profile *p, struct str name)
{
    u32 string = add_string(p, name);
    p->function[p->nfunction] =
        (struct function){.id = p->nfunction, .name = string, .system_name = string};
    p->line[p->nline] = (struct line){.function = p->nfunction++};
    p->location[p->nlocation] =
        (struct location){.id = p->nlocation, .line = p->nline++, .nline = 1};
    return p->nlocation++;
}

// Ids are made anew, so that those of the account cannot be the others'.
static void number(struct profile *p)
{
    for (u32 i = 1; i < p->nlocation; i++)
        p->location[i].id = i;
    for (u32 i = 1; i < p->nfunction; i++)
        p->function[i].id = i;
}

static struct profile extend(const struct profile *heap, struct arena *a)
{
    struct profile p = *heap;
    p.string = extended(a, heap->string, heap->nstring, sizeof(struct str));
    p.function = extended(a, heap->function, heap->nfunction, sizeof(struct function));
    p.line = extended(a, heap->line, heap->nline, sizeof(struct line));
    p.location = extended(a, heap->location, heap->nlocation, sizeof(struct location));
    number(&p);
    return p;
}

// A sample with a stack and labels (NULL: none), and a line of the account and the root below it.
static void add_sample(struct profile *p, const struct sample *stack, u32 line, u32 root, i64 bytes)
{
    u32 nframe = stack ? stack->nframe : 0;
    struct sample *s = &p->sample[p->nsample];
    *s = (struct sample){.frame = p->nframe, .nframe = nframe + 2};
    if (stack) {
        memcpy(p->frame + p->nframe, p->frame + stack->frame, nframe * sizeof(*p->frame));
        s->label = stack->label;
        s->nlabel = stack->nlabel;
    }
    p->frame[p->nframe + nframe] = line;
    p->frame[p->nframe + nframe + 1] = root;
    p->nframe += nframe + 2;
    p->value[p->nsample++] = bytes;
}

// The samples of a part, in proportion where they are more, so that they add up to its line.
static void add_part(struct profile *p, const struct oom *o, enum record_part part, u32 line,
                     u32 root, i64 rest)
{
    struct profile stacks = oom_part(o, part);
    i64 sum = oom_part_bytes(o, part);
    bool is_less = part != RECORD_PART_HEAP && sum < rest;
    double scale = sum > 0 && !is_less ? (double)rest / (double)sum : 1;
    for (u32 i = 0; i < stacks.nsample; i++) {
        i64 bytes = i64_of((double)profile_values(&stacks, i)[OOM_COLUMN] * scale);
        bytes = bytes > rest ? rest : bytes;
        if (bytes <= 0)
            continue;
        add_sample(p, &stacks.sample[i], line, root, bytes);
        rest -= bytes;
    }
    if (rest)
        add_sample(p, NULL, line, root, rest); // rounding, or what nobody knows the stack of
}

// What a line consists of; RECORD_PARTS where that is not known by stack.
static enum record_part part_of(enum account_line line)
{
    enum record_part part = 0;
    while (part < RECORD_PARTS && oom_line_of[part] != line)
        part++;
    return part;
}

static struct str root_name(const struct oom *o, struct arena *a)
{
    return o->limit_group.len ? arena_printf(a, "[memory of %.*s]", STR_ARG(o->limit_group))
                              : STR("[memory]");
}

// A copy of all's tables with room for the samples of the account.
static struct profile begin(const struct oom *o, struct arena *a)
{
    struct profile p = extend(&o->all, a);
    u32 most = o->all.nsample + 2 * ACCOUNT_LINES;
    p.frame = arena_new(a, u32, 2 * (size_t)o->all.nframe + 2 * (size_t)most);
    if (o->all.nframe)
        memcpy(p.frame, o->all.frame, o->all.nframe * sizeof(*p.frame));
    p.sample = arena_new(a, struct sample, most);
    p.value = arena_new(a, i64, most);
    p.type = arena_new(a, struct value_type, 1);
    p.nsample = 0;
    p.ntype = 1;
    p.default_type = p.drop_frames = p.keep_frames = 0;
    p.type[0].type = add_string(&p, STR("charge"));
    p.type[0].unit = add_string(&p, STR("bytes"));
    return p;
}

struct profile oom_profile(const struct oom *o, struct arena *a)
{
    struct profile p = begin(o, a);
    u32 root = add_location(&p, root_name(o, a));
    for (enum account_line line = 0; line < ACCOUNT_LINES; line++) {
        if (o->account.bytes[line] == 0)
            continue;
        u32 frame = add_location(&p, arena_printf(a, "[%s]", account_name(line)));
        enum record_part part = part_of(line);
        if (part != RECORD_PARTS)
            add_part(&p, o, part, frame, root, o->account.bytes[line]);
        else
            add_sample(&p, NULL, frame, root, o->account.bytes[line]);
    }
    p.time_ns = (i64)(o->v.header.start_time_ns + o->end_ns);
    return p;
}
