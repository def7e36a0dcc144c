// sonde [-FORMAT] [OPTIONS] [BINARY] SOURCE...
#include <signal.h>
#include <stdio.h>

#include "sonde/command.h"
#include "sonde/fetch.h"
#include "sonde/output.h"
#include "sonde/shell.h"
#include "sonde/web.h"

enum { MEMORY_LIMIT_GIB = 64 };

// Until a signal says to end.
static void wait_for_end(const sigset_t *end)
{
    int signal;
    while (sigwait(end, &signal) != 0)
        ;
}

// The address of what the command line asks for, as far as addresses can say it, is the standard
// one: the config is the server's own.
static void open_pages(const char *server, bool no_browser)
{
    struct arena a;
    arena_init(&a, (size_t)MIB(1));
    const char *url = arena_printf(&a, "%s/", server).ptr;
    fprintf(stderr, "Serving web UI on %s\n", url);
    if (!no_browser && !output_open(url, &a))
        fprintf(stderr, "No browser was found: open the address in one, or name one in BROWSER\n");
    arena_free(&a);
}

// The CPU profile of the server that the source is of: "profile" beside what was asked for.
static struct str cpu_url(const struct sourcing *s, struct arena *a)
{
    struct str url = s->nsource ? s->source[0] : STR("");
    i64 mark = str_find(url, STR("/debug/pprof/"));
    return mark < 0 || !source_is_remote(url, a)
               ? STR("")
               : arena_printf(a, "%.*s/debug/pprof/profile", (int)mark, url.ptr);
}

bool web_serve(struct str address, bool no_browser, const struct sourcing *s,
               const struct config *c, struct arena *a, struct err *e)
{
    struct web w;
    struct moment *moment;
    struct http_server *server;
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGINT);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGHUP);
    sigprocmask(SIG_BLOCK, &end, NULL);
    web_init(&w, s, c);
    w.cpu_url = cpu_url(s, a);
    bool done = moments_take(&moment, &w.moments, 0, 0, e);
    if (done) {
        web_foresee(&w, moment);
        done = http_start(&server, &(struct http_options){.address = address}, web_handle, &w, e);
    }
    if (done) {
        open_pages(http_url(server), no_browser);
        wait_for_end(&end);
        http_stop(server);
    }
    web_free(&w);
    return done;
}

static bool show(char **argument, struct arena *a, struct err *e)
{
    struct request q;
    struct profile p;
    if (!request_parse(&q, argument, a, e))
        return false;
    if (q.http.len)
        return web_serve(q.http, q.no_browser, &q.sourcing, &q.config, a, e);
    if (!fetch_profile(&p, &q.sourcing, a, e))
        return false;
    if (q.type)
        return output_report(&p, q.type, q.parameter, &q.config, false, e);
    return shell(&p, &q.config, e);
}

int command_show(char **argument)
{
    struct err e;
    struct arena a;
    arena_init(&a, (size_t)MEMORY_LIMIT_GIB << 30);
    bool done = show(argument, &a, &e);
    output_clean();
    arena_free(&a);
    return done ? STATUS_OK : fail(&e);
}
