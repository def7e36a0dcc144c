#include "sonde/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parallel.h"
#include "profile/encode.h"
#include "profile/filter.h"
#include "profile/label.h"
#include "profile/merge.h"
#include "report/path.h"
#include "sonde/command.h"

enum { CHUNK = 128, MOST_READERS = 8 }; // sources in memory at a time; local ones read at a time

struct fetched {
    struct profile p;
    struct arena arena; // of p
    struct err e;
    struct str url; // of the server that it came from
    bool done, is_remote;
};

// Sources that are fetched at the same time.
struct chunk {
    const struct sourcing *s;
    const struct str *name;
    struct fetched *got;
    u32 n;
    u32 next;    // of the local ones
    u32 nreader; // threads for local ones; the others have one each
    u32 *remote;
};

static void fetch_one(const struct chunk *c, u32 i)
{
    struct fetched *f = &c->got[i];
    f->done = source_read(&f->p, c->name[i], c->s, &f->url, &f->arena, &f->e);
    if (f->done)
        f->p = locate_binaries(&f->p, c->s, &f->arena);
    if (f->done && f->is_remote)
        remote_mark(&f->p, f->url, &f->arena);
}

static void fetch_part(void *context, u32 part)
{
    struct chunk *c = context;
    if (part >= c->nreader) {
        fetch_one(c, c->remote[part - c->nreader]);
        return;
    }
    for (u32 i; (i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->n;) {
        if (!c->got[i].is_remote)
            fetch_one(c, i);
    }
}

static void fetch_chunk(struct chunk *c, struct arena *a)
{
    u32 nremote = 0;
    c->remote = arena_new(a, u32, c->n);
    for (u32 i = 0; i < c->n; i++) {
        arena_init(&c->got[i].arena, SIZE_MAX);
        c->got[i].is_remote = source_is_remote(c->name[i], &c->got[i].arena);
        if (c->got[i].is_remote)
            c->remote[nremote++] = i;
    }
    c->nreader = c->n == nremote ? 0 : parallel_width();
    if (c->nreader > c->n - nremote)
        c->nreader = c->n - nremote;
    parallel_run(fetch_part, c, c->nreader + nremote);
}

// The sum of many sources, so many at a time.
struct total {
    struct profile p;
    struct arena arena; // of p
    u32 n;              // sources that it is of
    bool is_remote;     // any of them
    struct remote remote;
    struct arena remote_arena; // of remote
};

// Adds the profiles that were fetched to the total; frees what is not needed any more.
static bool add_chunk(struct total *t, struct fetched *got, u32 n, struct err *e)
{
    struct profile *p = arena_new(&t->arena, struct profile, (size_t)n + 1);
    u32 nprofile = 0;
    if (t->n)
        p[nprofile++] = t->p;
    for (u32 i = 0; i < n; i++) {
        if (!got[i].done)
            continue;
        p[nprofile++] = got[i].p;
        t->is_remote |= got[i].is_remote;
        t->n++;
        if (got[i].is_remote)
            remote_add(&t->remote, &got[i].p, got[i].url, &t->remote_arena);
    }
    if (nprofile == 0)
        return true;
    struct arena sum;
    arena_init(&sum, SIZE_MAX);
    for (u32 i = 0; i < n; i++)
        arena_take_released(&sum, &got[i].arena);
    if (!profile_merge(&t->p, p, nprofile, &sum, e)) {
        arena_free(&sum);
        return false;
    }
    if (nprofile == 1) { // it is what it was, and lives where it lived
        for (u32 i = 0; i < n; i++)
            arena_join(&sum, &got[i].arena);
        arena_join(&sum, &t->arena);
    }
    arena_free(&t->arena);
    t->arena = sum;
    return true;
}

// Fetches and adds up; one that fails is told of when there are others.
static bool fetch_all(struct total *t, const struct sourcing *s, const struct str *name, u32 n,
                      struct err *e)
{
    *t = (struct total){0};
    arena_init(&t->arena, SIZE_MAX);
    arena_init(&t->remote_arena, SIZE_MAX);
    bool done = true;
    for (u32 first = 0; first < n && done; first += CHUNK) {
        u32 count = n - first < CHUNK ? n - first : CHUNK;
        struct fetched got[CHUNK] = {0};
        struct chunk c = {.s = s, .name = name + first, .got = got, .n = count};
        fetch_chunk(&c, &t->arena);
        for (u32 i = 0; i < count; i++) {
            if (!got[i].done)
                *e = got[i].e;
            if (!got[i].done && n > 1)
                fprintf(stderr, "%s\n", got[i].e.text);
        }
        done = add_chunk(t, got, count, e);
        for (u32 i = 0; i < count; i++)
            arena_free(&got[i].arena);
    }
    return done;
}

struct side {
    const struct sourcing *s;
    struct total source, base;
    struct err source_error, base_error;
    bool source_done, base_done;
};

// Both at once, so that CPU profiles of the two are of the same time.
static void fetch_side(void *context, u32 part)
{
    struct side *b = context;
    if (part == 0)
        b->source_done = fetch_all(&b->source, b->s, b->s->source, b->s->nsource, &b->source_error);
    else
        b->base_done = fetch_all(&b->base, b->s, b->s->base, b->s->nbase, &b->base_error);
}

static bool check_side(bool done, const struct total *t, u32 n, const char *what,
                       const struct err *why, struct err *e)
{
    if (!done)
        return err_set(e, why->code, "problem fetching %s profiles: %s", what, why->text);
    if (t->n == 0 && n == 1) {
        *e = *why;
        return false;
    }
    if (t->n == 0 && n)
        return err_set(e, why->code, "failed to fetch any %s profiles", what);
    if (t->n != n)
        fprintf(stderr, "Fetched %u %s profiles out of %u\n", t->n, what, n);
    return true;
}

bool fetch_subtract(struct profile *out, const struct profile *p, const struct profile *base,
                    const struct sourcing *s, struct arena *a, struct err *e)
{
    struct profile pair[2] = {*p, *base};
    if (s->is_diff)
        pair[1] = label_set(&pair[1], STR(REPORT_BASE_LABEL), STR("true"), a);
    if (s->normalize && !profile_normalize(&pair[0], p, &pair[1], a, e))
        return false;
    pair[1] = profile_negative(&pair[1], a);
    return profile_merge(out, pair, 2, a, e);
}

// The folder where profiles from servers are kept.
static bool keep_folder(struct str *out, struct arena *a)
{
    const char *own = getenv("PPROF_TMPDIR"), *home = getenv("HOME"), *tmp = getenv("TMPDIR");
    struct str folder[] = {str_of(own), home && *home ? arena_printf(a, "%s/pprof", home) : STR(""),
                           tmp && *tmp ? str_of(tmp) : STR("/tmp")};
    for (size_t i = 0; i < ARRAY_LEN(folder); i++) {
        if (folder[i].len == 0)
            continue;
        *out = folder[i];
        if (mkdir(folder[i].ptr, 0755) == 0 || errno == EEXIST)
            return true;
        fprintf(stderr, "Could not use temp dir %s: %s\n", folder[i].ptr, strerror(errno));
    }
    return false;
}

// "pprof.PROGRAM.TYPE.TYPE"
static struct str keep_name(const struct profile *p, struct arena *a)
{
    struct str name = STR("pprof");
    if (p->nmapping > 1 && p->mapping[1].filename)
        name = arena_printf(a, "pprof.%.*s",
                            STR_ARG(path_base(profile_string(p, p->mapping[1].filename))));
    for (u32 t = 0; t < p->ntype; t++)
        name = arena_printf(a, "%.*s.%.*s", STR_ARG(name),
                            STR_ARG(profile_string(p, p->type[t].type)));
    return name;
}

// A copy of what came from a server, so that it can be looked at again.
static void keep_copy(const struct profile *p, struct arena *a)
{
    struct str folder, path;
    struct err e;
    struct buf bytes;
    if (!keep_folder(&folder, a))
        return;
    struct str prefix = arena_printf(a, "%.*s/%.*s.", STR_ARG(folder), STR_ARG(keep_name(p, a)));
    buf_init(&bytes, SIZE_MAX / 2);
    profile_encode_gzip(&bytes, p);
    if (file_new(&path, prefix, STR(".pb.gz"), a, &e) && file_write(path.ptr, buf_str(&bytes), &e))
        fprintf(stderr, "Saved profile in %s\n", path.ptr);
    else
        fprintf(stderr, "Could not save profile: %s\n", e.text);
    buf_free(&bytes);
}

static struct profile add_comment(const struct profile *p, struct str comment, struct arena *a)
{
    u32 string;
    struct profile out = profile_with_string(p, comment, &string, a);
    out.comment = arena_new(a, u32, (size_t)p->ncomment + 1);
    if (p->ncomment)
        memcpy(out.comment, p->comment, p->ncomment * sizeof(*p->comment));
    out.comment[out.ncomment++] = string;
    return out;
}

static bool finish(struct profile *out, struct profile *p, const struct remote *r,
                   const struct sourcing *s, bool is_remote, struct arena *a, struct err *e)
{
    struct profile named;
    if (s->all_frames)
        p->drop_frames = p->keep_frames = 0;
    if (!symbolize(&named, p, r, s, a, e))
        return false;
    if (is_remote)
        named = remote_unmark(&named, a);
    if (!filter_drop_frames(out, &named, a, e))
        return false;
    if (s->comment.len)
        *out = add_comment(out, s->comment, a);
    if (is_remote)
        keep_copy(out, a);
    return true;
}

bool fetch_profile(struct profile *out, const struct sourcing *s, struct arena *a, struct err *e)
{
    struct side b = {.s = s, .base_done = true};
    arena_init(&b.base.arena, SIZE_MAX);
    arena_init(&b.base.remote_arena, SIZE_MAX);
    parallel_run(fetch_side, &b, s->nbase ? 2 : 1);
    bool done = check_side(b.source_done, &b.source, s->nsource, "source", &b.source_error, e) &&
                check_side(b.base_done, &b.base, s->nbase, "base", &b.base_error, e);
    struct profile p = b.source.p;
    arena_take_released(a, &b.source.arena);
    arena_take_released(a, &b.base.arena);
    if (done && s->nbase)
        done = fetch_subtract(&p, &b.source.p, &b.base.p, s, a, e);
    for (u32 i = 0; i < b.base.remote.n; i++)
        *arena_push(&b.source.remote_arena, b.source.remote.source, b.source.remote.n,
                    b.source.remote.cap) = b.base.remote.source[i];
    arena_join(a, &b.source.arena);
    arena_join(a, &b.source.remote_arena);
    arena_join(a, &b.base.remote_arena);
    arena_free(&b.base.arena);
    return done &&
           finish(out, &p, &b.source.remote, s, b.source.is_remote || b.base.is_remote, a, e);
}
