#include "sonde/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sonde/fetch.h"

enum { MEMORY_LIMIT_GIB = 64 };

void loads_init(struct loads *l, const struct sourcing *s)
{
    *l = (struct loads){.sourcing = *s, .next_id = 1};
    pthread_mutex_init(&l->fetching, NULL);
    pthread_mutex_init(&l->lock, NULL);
}

static void free_load(struct load *load)
{
    if (load->of) {
        load->of->users--;
        load->base->users--;
    }
    arena_free(&load->arena);
    free(load);
}

void loads_free(struct loads *l)
{
    for (u32 i = l->n; i > 0; i--)
        free_load(l->load[i - 1]);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->fetching);
}

static i64 now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (i64)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct load *new_load(const char *kind)
{
    struct load *load = calloc(1, sizeof(*load));
    if (!load)
        abort();
    load->kind = kind;
    load->time_ns = now_ns();
    arena_init(&load->arena, (size_t)MEMORY_LIMIT_GIB << 30);
    return load;
}

// Makes room by forgetting the oldest that nobody uses, but not the first.
static bool make_room(struct loads *l, struct err *e)
{
    if (l->n < LOAD_MOST)
        return true;
    for (u32 i = 1; i < l->n; i++) {
        if (l->load[i]->users)
            continue;
        free_load(l->load[i]);
        memmove(l->load + i, l->load + i + 1, (l->n - i - 1) * sizeof(*l->load));
        l->n--;
        return true;
    }
    return err_set(e, EAGAIN, "all %d loads of the profile are looked at: try again", LOAD_MOST);
}

static bool add(u32 *id, struct loads *l, struct load *load, struct err *e)
{
    pthread_mutex_lock(&l->lock);
    bool done = make_room(l, e);
    if (done) {
        *id = load->id = l->next_id++;
        l->load[l->n++] = load;
    } else {
        free_load(load);
    }
    pthread_mutex_unlock(&l->lock);
    return done;
}

static bool fetch(u32 *id, struct loads *l, const struct sourcing *s, const char *kind,
                  struct err *e)
{
    struct load *load = new_load(kind);
    if (!fetch_profile(&load->p, s, &load->arena, e)) {
        free_load(load);
        return false;
    }
    return add(id, l, load, e);
}

bool loads_fetch(u32 *id, struct loads *l, const struct sourcing *s, const char *kind,
                 struct err *e)
{
    pthread_mutex_lock(&l->fetching);
    bool done = fetch(id, l, s, kind, e);
    pthread_mutex_unlock(&l->fetching);
    return done;
}

// One that is there, now used once more; NULL: there is none.
static struct load *find(struct loads *l, u32 id)
{
    struct load *found = NULL;
    pthread_mutex_lock(&l->lock);
    for (u32 i = l->n; i > 0 && !found; i--) {
        struct load *load = l->load[i - 1];
        if (id ? load->id == id : strcmp(load->kind, "profile") == 0)
            found = load;
    }
    if (found)
        found->users++;
    pthread_mutex_unlock(&l->lock);
    return found;
}

static struct load *find_difference(struct loads *l, const struct load *of, const struct load *base)
{
    struct load *found = NULL;
    pthread_mutex_lock(&l->lock);
    for (u32 i = 0; i < l->n; i++) {
        if (l->load[i]->of == of && l->load[i]->base == base)
            found = l->load[i];
    }
    if (found)
        found->users++;
    pthread_mutex_unlock(&l->lock);
    return found;
}

// The two that it is of are used by it, as long as it is there.
static bool make_difference(struct load **out, struct loads *l, struct load *of, struct load *base,
                            struct err *e)
{
    const struct sourcing s = {.is_diff = true};
    struct load *load = new_load("difference");
    if (!fetch_subtract(&load->p, &of->p, &base->p, &s, &load->arena, e)) {
        free_load(load);
        return false;
    }
    pthread_mutex_lock(&l->lock);
    of->users++;
    base->users++;
    load->of = of;
    load->base = base;
    load->users = 1;
    pthread_mutex_unlock(&l->lock);
    u32 id;
    *out = load;
    return add(&id, l, load, e);
}

static bool take_difference(struct load **out, struct loads *l, struct load *of, struct load *base,
                            struct err *e)
{
    pthread_mutex_lock(&l->fetching);
    *out = find_difference(l, of, base);
    bool done = *out || make_difference(out, l, of, base, e);
    pthread_mutex_unlock(&l->fetching);
    return done;
}

// The newest; where there is none yet, whoever comes first loads it.
static bool take_newest(struct load **out, struct loads *l, struct err *e)
{
    u32 id;
    pthread_mutex_lock(&l->fetching);
    bool done = (*out = find(l, 0)) || fetch(&id, l, &l->sourcing, "profile", e);
    if (done && !*out)
        *out = find(l, id);
    pthread_mutex_unlock(&l->fetching);
    return done;
}

static bool take_one(struct load **out, struct loads *l, u32 id, struct err *e)
{
    *out = find(l, id);
    if (!*out && id)
        return err_set(e, ENOENT, "there is no load number %u of this profile any more", id);
    return *out || take_newest(out, l, e);
}

bool loads_take(struct load **out, struct loads *l, u32 id, u32 base, struct err *e)
{
    struct load *of, *minus;
    if (!take_one(&of, l, id, e))
        return false;
    *out = of;
    if (base == 0)
        return true;
    if (!take_one(&minus, l, base, e)) {
        loads_give(l, of);
        return false;
    }
    bool done = take_difference(out, l, of, minus, e);
    loads_give(l, of);
    loads_give(l, minus);
    return done;
}

void loads_give(struct loads *l, struct load *load)
{
    pthread_mutex_lock(&l->lock);
    load->users--;
    pthread_mutex_unlock(&l->lock);
}
