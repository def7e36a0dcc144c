// The browser's pages: a profile, as it was at one moment or several, shown to any number of
// browsers.
#ifndef SONDE_WEB_H
#define SONDE_WEB_H

#include "http/cache.h"
#include "http/server.h"
#include "sonde/moment.h"

enum { WEB_MOST_BUSY = 2 }; // views that are made at the same time: each takes memory

struct web {
    struct moments moments;
    struct config config; // of the command line; addresses change it
    struct str cpu_url; // where a server records a CPU profile of the same program; empty: nowhere
    struct cache cache;
    pthread_mutex_t lock; // of what follows
    pthread_cond_t freed;
    struct str busy[WEB_MOST_BUSY]; // keys of views that are being made; empty: none
    bool foresees;                  // somebody makes views before they are asked for
    pthread_t foreseer;             // who that is
    bool is_ending;                 // it is to make no more
};

// What is loaded is loaded by the first who asks for it.
void web_init(struct web *w, const struct sourcing *s, const struct config *c);
void web_free(struct web *w);

// An http_handler; context is a struct web.
http_handler web_handle;

// show.c: serves the pages at the address until a signal ends it; loads the profile first, and
// opens a browser where that is wanted.
bool web_serve(struct str address, bool no_browser, const struct sourcing *s,
               const struct config *c, struct arena *a, struct err *e);

// The parts, each of which answers some paths.

// web_view.c: /api/VIEW: a view of report_views.
void web_view(struct web *w, const struct http_request *q, struct http_response *r);

// What a view is asked for.
struct web_question {
    const struct report_type *type;
    struct config config;
    struct str parameter;
    struct str key; // of the answer, among those that are kept
};

// The key of what is asked for by a path and a query, as it came: all that decides it is in there.
struct str web_key(const struct moment *moment, struct str path, struct str query, struct arena *a);

// Appends the answer, packed, and keeps it.  Whoever waited for others that asked the same finds
// theirs.
bool web_answer(struct buf *out, struct web *w, const struct moment *moment,
                const struct web_question *q, struct err *e);

// web_foresee.c: has the first view made, and then those that people look at next, in a thread of
// its own.  Takes the moment over.
void web_foresee(struct web *w, struct moment *moment);

// Ends that.
void web_foresee_end(struct web *w);

// The config that a request's parameters ask for.  Fails with EINVAL.
bool web_config(struct config *out, const struct web *w, const struct http_request *q,
                struct err *e);

// The load that a request's parameters ask for, to be given back.
bool web_moment(struct moment **out, struct web *w, const struct http_request *q, struct err *e);

// Whether a CPU profile of the same program can be recorded: by its server, or of the process.
bool web_can_record(const struct web *w, struct arena *a);

// web_about.c: what the pages need to know of the profile before any view, and its loads.
http_handler web_about;

// web_record.c: memory over time, and how a program ended, from a record.
http_handler web_time_line, web_death;

// web_asset.c: the pages' files; false: there is none of this name.
bool web_asset(const struct http_request *q, struct http_response *r);

// Makes an error of it.
void web_fail(struct http_response *r, const struct err *e);

#endif
