#include "sonde/moment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "profile/merge.h"
#include "sonde/fetch.h"

enum { MEMORY_LIMIT_GIB = 64 };

void moments_init(struct moments *m, const struct sourcing *s)
{
    *m = (struct moments){.sourcing = *s, .next_id = 1};
    pthread_mutex_init(&m->fetching, NULL);
    pthread_mutex_init(&m->lock, NULL);
}

static void free_moment(struct moment *moment)
{
    if (moment->of) {
        moment->of->users--;
        moment->base->users--;
    }
    arena_free(&moment->arena);
    free(moment);
}

void moments_free(struct moments *m)
{
    for (u32 i = m->n; i > 0; i--)
        free_moment(m->moment[i - 1]);
    pthread_mutex_destroy(&m->lock);
    pthread_mutex_destroy(&m->fetching);
}

static struct moment *new_moment(const char *kind)
{
    struct moment *moment = calloc(1, sizeof(*moment));
    if (!moment)
        abort();
    moment->kind = kind;
    moment->time_ns = (i64)clock_ns(CLOCK_REALTIME);
    arena_init(&moment->arena, (size_t)MEMORY_LIMIT_GIB << 30);
    return moment;
}

// Makes room by forgetting the oldest that nobody uses, but not the first.
static bool make_room(struct moments *m, struct err *e)
{
    if (m->n < MOMENT_MOST)
        return true;
    for (u32 i = 1; i < m->n; i++) {
        if (m->moment[i]->users)
            continue;
        free_moment(m->moment[i]);
        memmove(m->moment + i, m->moment + i + 1, (m->n - i - 1) * sizeof(*m->moment));
        m->n--;
        return true;
    }
    return err_set(e, EAGAIN, "all %d loads of the profile are looked at: try again", MOMENT_MOST);
}

static bool add(u32 *id, struct moments *m, struct moment *moment, struct err *e)
{
    pthread_mutex_lock(&m->lock);
    bool done = make_room(m, e);
    if (done) {
        *id = moment->id = m->next_id++;
        m->moment[m->n++] = moment;
    } else {
        free_moment(moment);
    }
    pthread_mutex_unlock(&m->lock);
    return done;
}

static bool fetch(u32 *id, struct moments *m, const struct sourcing *s, const char *kind,
                  struct err *e)
{
    struct moment *moment = new_moment(kind);
    if (!fetch_profile(&moment->p, s, &moment->arena, e)) {
        free_moment(moment);
        return false;
    }
    return add(id, m, moment, e);
}

bool moments_fetch(u32 *id, struct moments *m, const struct sourcing *s, const char *kind,
                   struct err *e)
{
    pthread_mutex_lock(&m->fetching);
    bool done = fetch(id, m, s, kind, e);
    pthread_mutex_unlock(&m->fetching);
    return done;
}

// One that is there, now used once more; NULL: there is none.
static struct moment *find(struct moments *m, u32 id)
{
    struct moment *found = NULL;
    pthread_mutex_lock(&m->lock);
    for (u32 i = m->n; i > 0 && !found; i--) {
        struct moment *moment = m->moment[i - 1];
        if (id ? moment->id == id : strcmp(moment->kind, "profile") == 0)
            found = moment;
    }
    if (found)
        found->users++;
    pthread_mutex_unlock(&m->lock);
    return found;
}

static struct moment *find_difference(struct moments *m, const struct moment *of,
                                      const struct moment *base)
{
    struct moment *found = NULL;
    pthread_mutex_lock(&m->lock);
    for (u32 i = 0; i < m->n; i++) {
        if (m->moment[i]->of == of && m->moment[i]->base == base)
            found = m->moment[i];
    }
    if (found)
        found->users++;
    pthread_mutex_unlock(&m->lock);
    return found;
}

// The two that it is of are used by it, as long as it is there.
static bool make_difference(struct moment **out, struct moments *m, struct moment *of,
                            struct moment *base, struct err *e)
{
    const struct sourcing s = {.is_diff = true};
    struct moment *moment = new_moment("difference");
    struct profile p = profile_with_own_frames(&of->p, &moment->arena),
                   minus = profile_with_own_frames(&base->p, &moment->arena);
    if (!fetch_subtract(&moment->p, &p, &minus, &s, &moment->arena, e)) {
        free_moment(moment);
        return false;
    }
    pthread_mutex_lock(&m->lock);
    of->users++;
    base->users++;
    moment->of = of;
    moment->base = base;
    moment->users = 1;
    pthread_mutex_unlock(&m->lock);
    u32 id;
    *out = moment;
    return add(&id, m, moment, e);
}

static bool take_difference(struct moment **out, struct moments *m, struct moment *of,
                            struct moment *base, struct err *e)
{
    pthread_mutex_lock(&m->fetching);
    *out = find_difference(m, of, base);
    bool done = *out || make_difference(out, m, of, base, e);
    pthread_mutex_unlock(&m->fetching);
    return done;
}

// The newest; where there is none yet, whoever comes first loads it.
static bool take_newest(struct moment **out, struct moments *m, struct err *e)
{
    u32 id;
    pthread_mutex_lock(&m->fetching);
    bool done = (*out = find(m, 0)) || fetch(&id, m, &m->sourcing, "profile", e);
    if (done && !*out)
        *out = find(m, id);
    pthread_mutex_unlock(&m->fetching);
    return done;
}

static bool take_one(struct moment **out, struct moments *m, u32 id, struct err *e)
{
    *out = find(m, id);
    if (!*out && id)
        return err_set(e, ENOENT, "there is no load number %u of this profile any more", id);
    return *out || take_newest(out, m, e);
}

bool moments_take(struct moment **out, struct moments *m, u32 id, u32 base, struct err *e)
{
    struct moment *of, *minus;
    if (!take_one(&of, m, id, e))
        return false;
    *out = of;
    if (base == 0)
        return true;
    if (!take_one(&minus, m, base, e)) {
        moments_give(m, of);
        return false;
    }
    bool done = take_difference(out, m, of, minus, e);
    moments_give(m, of);
    moments_give(m, minus);
    return done;
}

void moments_give(struct moments *m, struct moment *moment)
{
    pthread_mutex_lock(&m->lock);
    moment->users--;
    pthread_mutex_unlock(&m->lock);
}
