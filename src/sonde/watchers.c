#include "sonde/watchers.h"

#include "record/folder.h"
#include "sonde/death.h"

enum { MOST_WAIT_MS = 50, REST_MS = 1000 };

static struct observer *observer_of(struct watchers *w, const struct folder_record *r)
{
    for (u32 i = 0; i < w->n; i++) {
        if (w->observer[i].pid == r->pid)
            return &w->observer[i];
    }
    return NULL;
}

static void forget(struct watchers *w, struct observer *o)
{
    observer_end(o);
    *o = w->observer[--w->n];
}

static bool keep(struct watchers *w, const struct folder_record *r, struct arena *a)
{
    struct str kept;
    struct err ignored;
    struct record_death death;
    struct observer *o = observer_of(w, r);
    bool knows = o && o->watch;
    if (!knows && folder_is_watched(r))
        return false;
    if (knows) {
        observer_death(o);
        death = death_describe(o, -1);
    }
    bool done = folder_keep(&kept, r, knows ? &death : NULL, a, &ignored);
    if (o)
        forget(w, o);
    if (done)
        death_tell(-1, kept, a);
    return done;
}

static void forget_ended(struct watchers *w, const struct folder_record *list, u32 n)
{
    for (u32 i = w->n; i > 0; i--) {
        bool is_there = false;
        for (u32 k = 0; k < n; k++)
            is_there |= list[k].pid == w->observer[i - 1].pid;
        if (!is_there)
            forget(w, &w->observer[i - 1]);
    }
}

u32 watchers_refresh(struct watchers *w)
{
    struct arena a;
    struct folder_record *list;
    arena_init(&a, (size_t)MIB(2048));
    u32 n = folder_list(&list, folder_live(&a), &a), kept = 0;
    for (u32 i = 0; i < n; i++) {
        enum folder_life life = folder_life(&list[i]);
        if (life == FOLDER_DEAD)
            kept += keep(w, &list[i], &a);
        else if (life == FOLDER_ALIVE && !observer_of(w, &list[i]) && w->n < WATCHERS_MOST &&
                 !folder_is_watched(&list[i]))
            observer_init(&w->observer[w->n++], list[i].pid);
    }
    forget_ended(w, list, n);
    arena_free(&a);
    return kept;
}

u32 watchers_step(struct watchers *w)
{
    u32 wait_ms = REST_MS;
    for (u32 i = 0; i < w->n; i++) {
        u32 ms = observer_step(&w->observer[i]);
        // Nobody waits for the groups' events here.
        ms = ms > MOST_WAIT_MS && w->observer[i].state.limit_bytes ? MOST_WAIT_MS : ms;
        wait_ms = ms < wait_ms ? ms : wait_ms;
    }
    return wait_ms;
}

void watchers_end(struct watchers *w)
{
    while (w->n)
        forget(w, &w->observer[w->n - 1]);
}
