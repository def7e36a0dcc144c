// What people look at next is there before they ask: the other views as they are at first, the
// other sample types, the callers.
#include <stdlib.h>
#include <time.h>

#include "report/view.h"
#include "sonde/web.h"

enum { MOST_ANSWER_MIB = 64, MOST_TYPES = 8, MOST_NAME = 64, PAUSE_MS = 500 };

struct errand {
    struct web *w;
    struct moment *moment;
};

// Makes one view; the query is what pages write.
static void make(const struct errand *x, const char *view, struct str query, struct str type,
                 struct str parameter, struct arena *a)
{
    struct buf out;
    struct err ignored;
    struct str path = arena_printf(a, "/api/%s", view);
    struct web_question q = {.type = report_view_find(str_of(view)),
                             .config = x->w->config,
                             .parameter = parameter,
                             .key = web_key(x->moment, path, query, a)};
    if (__atomic_load_n(&x->w->is_ending, __ATOMIC_RELAXED))
        return;
    q.config.confine_sources = true;
    if (type.len)
        q.config.sample_index = type;
    buf_init(&out, (size_t)MIB(MOST_ANSWER_MIB));
    web_answer(&out, x->w, x->moment, &q, &ignored);
    buf_free(&out);
}

// Whether a query has it as it is.
static bool is_plain(struct str name)
{
    if (name.len > MOST_NAME)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

// The browser that draws the first view has the processors for itself.
static void pause_for_browser(void)
{
    const struct timespec t = {.tv_nsec = PAUSE_MS * 1000000};
    nanosleep(&t, NULL);
}

static void *run(void *errand)
{
    struct errand *x = errand;
    struct arena a;
    const struct profile *p = &x->moment->p;
    arena_init(&a, (size_t)MIB(1));
    make(x, "flamegraph", STR(""), STR(""), STR(""), &a);
    make(x, "functions", STR(""), STR(""), STR(""), &a);
    pause_for_browser();
    make(x, "top", STR(""), STR(""), STR(""), &a);
    make(x, "graph", STR(""), STR(""), STR(""), &a);
    make(x, "flamegraph", STR("tree=callers"), STR(""), STR("callers"), &a);
    for (u32 i = 0; i < p->ntype && i < MOST_TYPES; i++) {
        struct str name = profile_string(p, p->type[i].type);
        if (is_plain(name))
            make(x, "flamegraph", arena_printf(&a, "si=%.*s", STR_ARG(name)), name, STR(""), &a);
    }
    arena_free(&a);
    moments_give(&x->w->moments, x->moment);
    free(x);
    return NULL;
}

void web_foresee(struct web *w, struct moment *moment)
{
    struct errand *x = malloc(sizeof(*x));
    if (x) {
        *x = (struct errand){w, moment};
        w->foresees = pthread_create(&w->foreseer, NULL, run, x) == 0;
    }
    if (w->foresees)
        return;
    moments_give(&w->moments, moment);
    free(x);
}

void web_foresee_end(struct web *w)
{
    __atomic_store_n(&w->is_ending, true, __ATOMIC_RELAXED);
    if (w->foresees)
        pthread_join(w->foreseer, NULL);
}
