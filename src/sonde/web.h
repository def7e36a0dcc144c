// The browser's pages: a profile, as it was at one moment or several, shown to any number of
// browsers.
#ifndef SONDE_WEB_H
#define SONDE_WEB_H

#include "http/server.h"
#include "sonde/cache.h"
#include "sonde/moment.h"

struct web {
    struct moments moments;
    struct config config; // of the command line; addresses change it
    struct cache cache;
    pthread_mutex_t lock; // of the next two
    pthread_cond_t freed;
    u32 busy; // views that are being made
};

// What is loaded is loaded by the first who asks for it.
void web_init(struct web *w, const struct sourcing *s, const struct config *c);
void web_free(struct web *w);

// An http_handler; context is a struct web.
http_handler web_handle;

// show.c: serves the pages at the address until a signal ends it; loads the profile first, and
// opens a browser where that is wanted.
bool web_serve(struct str address, bool no_browser, const struct sourcing *s,
               const struct config *c, struct err *e);

// The parts, each of which answers some paths.

// web_view.c: /api/VIEW: a view of report_views.
void web_view(struct web *w, const struct http_request *q, struct http_response *r);

// The config that a request's parameters ask for.  Fails with EINVAL.
bool web_config(struct config *out, const struct web *w, const struct http_request *q,
                struct err *e);

// The load that a request's parameters ask for, to be given back.
bool web_moment(struct moment **out, struct web *w, const struct http_request *q, struct err *e);

// web_about.c: what the pages need to know of the profile before any view, and its loads.
http_handler web_about;

// web_record.c: memory over time, and how a program died, from a record.
http_handler web_time_line, web_death;

// web_asset.c: the pages' files; false: there is none of this name.
bool web_asset(const struct http_request *q, struct http_response *r);

// Makes an error of it.
void web_fail(struct http_response *r, const struct err *e);

#endif
