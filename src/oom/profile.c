// The account as a profile: the root is the group, above it the lines of the account, and above the
// live heap its stacks.  So any tool's flame graph is as wide as the charge.
#include <string.h>

#include "oom/text.h"
#include "profile/build.h"

// Rows that the account adds to the heap's tables.
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

// Ids are made anew, so that those of the account cannot be the heap's.
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

static void add_sample(struct profile *p, const u32 *frame, u32 nframe, u32 line, u32 root,
                       i64 bytes)
{
    struct sample *s = &p->sample[p->nsample];
    *s = (struct sample){.frame = p->nframe, .nframe = nframe + 2};
    if (nframe)
        memcpy(p->frame + p->nframe, frame, nframe * sizeof(*frame));
    p->frame[p->nframe + nframe] = line;
    p->frame[p->nframe + nframe + 1] = root;
    p->nframe += nframe + 2;
    p->value[p->nsample++] = bytes;
}

// The samples of the live heap, in proportion, so that they add up to what is in memory of it.
static void add_heap(struct profile *p, const struct oom *o, u32 line, u32 root)
{
    const struct profile *heap = &o->heap;
    i64 rest = o->account.bytes[ACCOUNT_HEAP];
    double scale = o->live_bytes > 0 ? (double)rest / (double)o->live_bytes : 0;
    for (u32 i = 0; i < heap->nsample; i++) {
        i64 bytes = i64_of((double)profile_values(heap, i)[OOM_COLUMN] * scale);
        bytes = bytes > rest ? rest : bytes;
        if (bytes <= 0)
            continue;
        add_sample(p, heap->frame + heap->sample[i].frame, heap->sample[i].nframe, line, root,
                   bytes);
        rest -= bytes;
    }
    if (rest)
        add_sample(p, NULL, 0, line, root, rest); // rounding, or a heap without any sample
}

static struct str root_name(const struct oom *o, struct arena *a)
{
    return o->limit_group.len ? arena_printf(a, "[memory of %.*s]", STR_ARG(o->limit_group))
                              : STR("[memory]");
}

struct profile oom_profile(const struct oom *o, struct arena *a)
{
    const struct profile *heap = &o->heap;
    struct profile p = extend(heap, a);
    u32 most = heap->nsample + ACCOUNT_LINES + 1;
    p.sample = arena_new(a, struct sample, most);
    p.value = arena_new(a, i64, most);
    p.frame = arena_new(a, u32, heap->nframe + 2 * (size_t)most);
    p.type = arena_new(a, struct value_type, 1);
    p.nsample = p.nframe = p.nlabel = 0;
    p.ntype = 1;
    p.default_type = p.drop_frames = p.keep_frames = 0;
    p.type[0].type = add_string(&p, STR("charge"));
    p.type[0].unit = add_string(&p, STR("bytes"));
    u32 root = add_location(&p, root_name(o, a));
    for (enum account_line line = 0; line < ACCOUNT_LINES; line++) {
        if (o->account.bytes[line] == 0)
            continue;
        u32 frame = add_location(&p, arena_printf(a, "[%s]", account_name(line)));
        if (line == ACCOUNT_HEAP)
            add_heap(&p, o, frame, root);
        else
            add_sample(&p, NULL, 0, frame, root, o->account.bytes[line]);
    }
    p.time_ns = (i64)(o->v.header.start_time_ns + o->end_ns);
    return p;
}
