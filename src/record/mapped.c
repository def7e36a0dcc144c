// What the program has mapped, by the stacks that did.
#include "record/parts.h"

static const char *const map_name[RECORD_NMAP] = {
    [RECORD_MAP_PRIVATE] = "anonymous", [RECORD_MAP_SHARED] = "shared", [RECORD_MAP_FILE] = "file",
    [RECORD_MAP_RESERVED] = "reserved", [RECORD_MAP_BREAK] = "break",
};

struct mapped {
    i64 regions, bytes;
};

// What part_mapped() is asked for.
struct own {
    u32 kinds;
    const struct mapped *mapped; // by word offset of the stack
};

u32 record_region_count(const struct record_view *v)
{
    u32 cap = v->header.section[RECORD_REGION].nrow;
    return v->header.nregion < cap ? v->header.nregion : cap;
}

struct mapped *part_regions(struct reading *r)
{
    const struct record_view *v = r->v;
    struct mapped *mapped =
        arena_new(r->b.arena, struct mapped, v->header.section[RECORD_STACK_WORD].nrow);
    struct record_region x;
    bool is_allocators;
    for (u32 i = 0; i < record_region_count(v); i++) {
        if (!record_region_row(v, i, &x, &is_allocators))
            continue;
        mapped[x.stack].regions++;
        mapped[x.stack].bytes += (i64)x.length;
    }
    return mapped;
}

static void add_values(struct reading *r, i64 count, i64 bytes, struct mapped mapped)
{
    build_value(&r->b, count);
    build_value(&r->b, bytes);
    build_value(&r->b, mapped.regions);
    build_value(&r->b, mapped.bytes);
}

static void add_stack(struct reading *r, const struct record_stack *s, u32 word, void *context)
{
    const struct mapped *mapped = (const struct mapped *)context + word;
    struct reading_label label[2];
    u32 nlabel = 0;
    if (s->count == 0 && mapped->regions == 0)
        return;
    if (s->detail < RECORD_NMAP && map_name[s->detail])
        label[nlabel++] =
            (struct reading_label){.key = STR("mapping"), .text = str_of(map_name[s->detail])};
    if (s->flags & RECORD_ALLOCATOR)
        label[nlabel++] = (struct reading_label){.key = STR("by"), .text = STR("allocator")};
    reading_sample(r, s, label, nlabel);
    add_values(r, (i64)s->count, (i64)s->amount, *mapped);
}

static void add_own(struct reading *r, const struct record_stack *s, u32 word, void *context)
{
    const struct own *own = context;
    const struct mapped *mapped = &own->mapped[word];
    if (mapped->regions == 0 || s->flags & RECORD_ALLOCATOR || s->detail >= RECORD_NMAP ||
        !(own->kinds & 1U << s->detail))
        return;
    reading_sample(r, s, NULL, 0);
    add_values(r, (i64)s->count, (i64)s->amount, *mapped);
}

void part_mapped(struct reading *r, const struct mapped *mapped, u32 kinds)
{
    struct own own = {kinds, mapped};
    reading_stacks(r, RECORD_MAP, add_own, &own);
}

// The record itself is most of what the library takes.
static void add_library(struct reading *r)
{
    i64 bytes = (i64)(r->v->header.file_bytes & INT64_MAX);
    reading_named_sample(r, STR("[sonde]"));
    add_values(r, 1, bytes, (struct mapped){1, bytes});
}

struct profile record_mmap(const struct record_view *v, i64 time_ns, struct arena *a)
{
    struct reading r;
    const struct record_header *h = &v->header;
    reading_init(&r, v, a);
    reading_types(&r, part_types, PART_NTYPE);
    reading_stacks(&r, RECORD_MAP, add_stack, part_regions(&r));
    add_library(&r);
    if (h->lost_regions)
        build_comment(&r.b,
                      arena_printf(a,
                                   "%llu mappings, %llu MiB, found no room: inuse is too small by "
                                   "what of them is still there",
                                   (unsigned long long)h->lost_regions,
                                   (unsigned long long)h->lost_region_bytes >> 20));
    reading_period(&r, "space", "bytes", 1);
    r.b.p.time_ns = time_ns;
    return r.b.p;
}

bool record_region_row(const struct record_view *v, u32 row, struct record_region *out,
                       bool *is_allocators)
{
    *out = v->region[row];
    const struct record_stack *s = out->length ? reading_stack_at(v, out->stack) : NULL;
    *is_allocators = s && s->flags & RECORD_ALLOCATOR;
    return s && out->length <= INT64_MAX / RECORD_PAGE && out->start <= INT64_MAX;
}

u32 record_regions(struct record_region **out, const struct record_view *v, struct arena *a)
{
    bool is_allocators;
    u32 n = 0;
    *out = arena_new(a, struct record_region, record_region_count(v) + 1);
    for (u32 i = 0; i < record_region_count(v); i++)
        n += record_region_row(v, i, &(*out)[n], &is_allocators);
    return n;
}
