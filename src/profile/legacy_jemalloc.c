// jemalloc's heap dumps, as jeprof reads them (https://github.com/jemalloc/jemalloc,
// src/prof_data.c writes them):
//
//     heap_v2/524288              sampled once in so many bytes
//       t*: 690: 6944644 [0: 0]   blocks and bytes in use [and ever allocated, with prof_accum]
//       t1: 245: 6798511 [0: 0] a thread's name
//     @ 0x7f29b6ea2630 0x7f29b6ea2d21
//       t*: 18: 8705 [0: 0]       of this stack
//       t1: 18: 8705 [0: 0]       what of it this thread allocated
//
//     MAPPED_LIBRARIES:           and /proc/PID/maps
#include <errno.h>
#include <math.h>

#include "profile/legacy.h"
#include "profile/regex.h"

#define HEADER "^heap_v2/(\\d+) *$"
#define COUNTS "^t(\\*|\\d+): (\\d+): (\\d+) \\[(\\d+): (\\d+)\\](?: (.*))?$"

// Functions of jemalloc that are no library's public ones, and Rust's and C++'s ways to them.
#define INSIDE                                                                                     \
    "(_rjem_)?(je_)?(malloc|calloc|realloc|memalign|posix_memalign|aligned_alloc|valloc|pvalloc|"  \
    "mallocx|rallocx|xallocx|malloc_default|prof_backtrace(_impl)?|prof_tctx_create|"              \
    "prof_alloc_prep|imalloc(_body)?|do_rallocx|[ix]rallocx_prof|ixallocx_prof)|"                  \
    "(void\\* )?(newImpl|fallbackNewImpl|fallback_impl)(<.*>)?|"                                   \
    "__r(ust|g|dl)_(alloc|alloc_zeroed|realloc)"

// In the order of the lines.
enum { USED_BLOCKS, USED_BYTES, ALL_BLOCKS, ALL_BYTES, NCOUNT };

struct counts {
    i64 n[NCOUNT];
};

struct thread {
    struct str uid; // digits
    struct counts counts;
};

struct jemalloc {
    struct legacy *l;
    struct regex *header, *counts;
    bool in_stacks, has_alloc;
    struct str addresses; // of the stack at hand; empty before the first
    struct counts whole;  // all threads'
    struct thread *thread;
    u32 nthread, thread_cap;
    struct table uids; // threads that have a name
    struct str *name;  // by row of uids
    u32 nname, name_cap;
};

static struct counts unsampled(const struct jemalloc *j, const struct counts *c)
{
    struct counts out = *c;
    legacy_unsample(&out.n[USED_BLOCKS], &out.n[USED_BYTES], j->l->b.p.period);
    legacy_unsample(&out.n[ALL_BLOCKS], &out.n[ALL_BYTES], j->l->b.p.period);
    return out;
}

static bool is_zero(const struct counts *c)
{
    return (c->n[0] | c->n[1] | c->n[2] | c->n[3]) == 0;
}

// "t1", or "t1 name".
static struct str thread_text(const struct jemalloc *j, struct str uid)
{
    struct str name = j->name[table_find(&j->uids, uid)];
    return arena_printf(j->l->arena, "t%.*s%s%.*s", STR_ARG(uid), name.len ? " " : "",
                        STR_ARG(name));
}

static bool add_sample(struct jemalloc *j, const struct counts *c, i64 block_size, struct str uid,
                       struct err *e)
{
    struct build *b = &j->l->b;
    build_sample(b);
    for (u32 i = 0; i < NCOUNT; i++) {
        if (j->has_alloc || i < ALL_BLOCKS) // allocations first, as in the other heap profiles
            build_value(b, c->n[j->has_alloc ? (i + ALL_BLOCKS) % NCOUNT : i]);
    }
    if (!legacy_frames(j->l, j->addresses, e))
        return false;
    if (uid.len) {
        u32 key = build_string(b, STR("thread")), text = build_string(b, thread_text(j, uid));
        *build_label(b) = (struct label){.key = key, .text = text};
    }
    legacy_block_size(j->l, block_size);
    return true;
}

// The part of a stack's true counts that so much of the sampled ones stand for.
static struct counts share(const struct counts *all, const struct counts *whole, const double *sum)
{
    struct counts part;
    for (u32 i = 0; i < NCOUNT; i++)
        part.n[i] =
            whole->n[i] ? i64_of((double)all->n[i] * fmin(sum[i] / (double)whole->n[i], 1)) : 0;
    return part;
}

// Adds what each thread has of the stack at hand, so that together it is what the stack has: a
// stack is unsampled as a whole, as jeprof does it.
static bool finish_stack(struct jemalloc *j, struct err *e)
{
    struct counts all = unsampled(j, &j->whole), given = {0};
    const i64 *n = j->whole.n;
    double sum[NCOUNT] = {0};
    u32 size_of = n[USED_BLOCKS] ? USED_BLOCKS : ALL_BLOCKS;
    i64 block_size = n[size_of] ? n[size_of + 1] / n[size_of] : 0;
    for (u32 t = 0; t <= j->nthread; t++) {
        bool is_rest = t == j->nthread;
        for (u32 i = 0; i < NCOUNT && !is_rest; i++)
            sum[i] += (double)j->thread[t].counts.n[i];
        struct counts upto = is_rest ? all : share(&all, &j->whole, sum), part;
        for (u32 i = 0; i < NCOUNT; i++)
            part.n[i] = upto.n[i] - given.n[i];
        given = upto;
        if (!is_zero(&part) &&
            !add_sample(j, &part, block_size, is_rest ? STR("") : j->thread[t].uid, e))
            return false;
    }
    j->nthread = 0;
    j->whole = (struct counts){0};
    return true;
}

static void set_types(struct jemalloc *j)
{
    struct build *b = &j->l->b;
    j->has_alloc = j->whole.n[ALL_BLOCKS] || j->whole.n[ALL_BYTES];
    if (j->has_alloc) {
        build_type(b, STR("alloc_objects"), STR("count"));
        build_type(b, STR("alloc_space"), STR("bytes"));
    }
    build_type(b, STR("inuse_objects"), STR("count"));
    build_type(b, STR("inuse_space"), STR("bytes"));
    j->whole = (struct counts){0};
}

// "@ 0x1 0x2"
static bool begin_stack(struct jemalloc *j, struct str line, struct err *e)
{
    if (!j->in_stacks)
        set_types(j);
    else if (!finish_stack(j, e))
        return false;
    j->in_stacks = true;
    j->addresses = str_skip(line, 1);
    return true;
}

static struct str part(struct str line, i64 start, i64 end)
{
    return start < 0 ? STR("") : (struct str){line.ptr + start, (size_t)(end - start)};
}

static void name_thread(struct jemalloc *j, struct str uid, struct str name)
{
    if (name.len && table_add(&j->uids, uid) == j->nname)
        *arena_push(j->l->arena, j->name, j->nname, j->name_cap) = name;
}

// "t*: 1: 2 [3: 4]"
static bool read_counts(struct jemalloc *j, struct str line, struct err *e)
{
    i64 start[7], end[7];
    struct counts c;
    if (!regex_groups(j->counts, line, start, end, 7))
        return err_set(e, EBADMSG, "malformed sample: %.*s", STR_ARG(line));
    for (u32 i = 0; i < NCOUNT; i++) {
        if (!str_i64(&c.n[i], part(line, start[i + 2], end[i + 2])))
            return err_set(e, EBADMSG, "malformed sample: %.*s: value out of range", STR_ARG(line));
    }
    struct str uid = part(line, start[1], end[1]);
    if (str_equal(uid, STR("*")))
        j->whole = c;
    else if (j->in_stacks)
        *arena_push(j->l->arena, j->thread, j->nthread, j->thread_cap) = (struct thread){uid, c};
    else
        name_thread(j, uid, part(line, start[6], end[6]));
    return true;
}

static bool read_lines(struct jemalloc *j, struct lines *lines, struct err *e)
{
    while (lines_next(lines)) {
        struct str line = str_trim(lines->line);
        if (line_is_comment(line))
            continue;
        if (line_is_map_start(line))
            break;
        bool is_stack = line.ptr[0] == '@';
        if (is_stack ? !begin_stack(j, line, e) : !read_counts(j, line, e))
            return false;
    }
    if (j->in_stacks)
        return finish_stack(j, e);
    set_types(j);
    return true;
}

// Leaves out the leaves that are jemalloc's own library: it is mostly without symbols, so that no
// name would tell.
static void drop_own_frames(struct profile *p)
{
    for (u32 i = 0; i < p->nsample; i++) {
        struct sample *s = &p->sample[i];
        for (; s->nframe > 1; s->frame++, s->nframe--) {
            u32 mapping = p->location[p->frame[s->frame]].mapping;
            struct str file = profile_string(p, p->mapping[mapping].filename);
            if (!str_starts(str_basename(file), STR("libjemalloc.")))
                break;
        }
    }
}

static enum format read_dump(struct jemalloc *j, struct str bytes, struct err *e)
{
    struct legacy *l = j->l;
    struct lines lines = {.rest = bytes};
    i64 start[2], end[2], rate;
    lines_next(&lines);
    if (!regex_groups(j->header, lines.line, start, end, 2) ||
        !str_i64(&rate, part(lines.line, start[1], end[1])))
        return FORMAT_OTHER;
    legacy_period(l, STR("space"), STR("bytes"), rate);
    l->drop = INSIDE;
    table_init(&j->uids, l->arena);
    arena_push(l->arena, j->name, j->nname, j->name_cap);
    if (!read_lines(j, &lines, e))
        return FORMAT_BAD;
    legacy_sections(l, &lines);
    drop_own_frames(&l->b.p);
    return FORMAT_DECODED;
}

enum format legacy_jemalloc(struct legacy *l, struct str bytes, struct err *e)
{
    struct jemalloc j = {.l = l};
    enum format f = FORMAT_BAD;
    if (regex_compile_bytes(&j.header, STR(HEADER), e) &&
        regex_compile_bytes(&j.counts, STR(COUNTS), e))
        f = read_dump(&j, bytes, e);
    regex_free(j.header);
    regex_free(j.counts);
    return f;
}
