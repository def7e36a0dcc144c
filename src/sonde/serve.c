// sonde serve: serves the profiles of all programs of this user that run with the library, and
// keeps the records of those that die.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "http/debug.h"
#include "sonde/command.h"
#include "sonde/serving.h"
#include "sonde/watchers.h"

enum { SWEEP_MS = 1000 };

static bool parse(struct http_options *http, char **argument, struct arena *a, struct err *e)
{
    u32 at = 0;
    struct str value;
    serving_init(http);
    for (struct option o; argument[at] && option_next(&o, argument, &at);) {
        bool is_servers = serving_has(o.name);
        if (!is_servers && !str_equal(o.name, STR("dir")))
            return err_set(e, EINVAL,
                           "serve: flag provided but not defined: -%.*s; \"sonde help\" lists all",
                           STR_ARG(o.name));
        if (!option_value(&value, &o, argument, &at, e))
            return false;
        if (!is_servers)
            setenv("SONDE_DIR", arena_str(a, value).ptr, 1);
        else if (!serving_set(http, o.name, value, a, e))
            return false;
    }
    if (argument[at])
        return err_set(e, EINVAL, "serve: it takes no arguments, but there is \"%s\"",
                       argument[at]);
    return true;
}

static u64 now_ms(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

// Watches, and keeps what dies, until a signal says to end.
static void watch_until(const sigset_t *end)
{
    static struct watchers w;
    struct timespec pause = {0};
    u64 swept_ms = 0;
    while (sigtimedwait(end, NULL, &pause) < 0) {
        if (swept_ms == 0 || now_ms() - swept_ms >= SWEEP_MS) {
            u32 kept = watchers_refresh(&w);
            swept_ms = now_ms();
            if (kept)
                warn("%u program%s died; \"sonde oom\" tells what the last one held", kept,
                     kept > 1 ? "s" : "");
        }
        u32 wait_ms = watchers_step(&w);
        pause = (struct timespec){.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
    }
    watchers_end(&w);
}

int command_serve(char **argument)
{
    struct arena a;
    struct err e;
    struct http_options http;
    struct debug debug;
    struct http_server *server;
    sigset_t end;
    arena_init(&a, (size_t)MIB(64));
    sigemptyset(&end);
    sigaddset(&end, SIGINT);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGHUP);
    sigprocmask(SIG_BLOCK, &end, NULL);
    if (!parse(&http, argument, &a, &e))
        return fail(&e);
    debug_init(&debug, 0);
    if (!http_start(&server, &http, debug_handle, &debug, &e))
        return fail(&e);
    fprintf(stderr, "sonde: profiles at %s/debug/pprof/\n", http_url(server));
    watch_until(&end);
    http_stop(server);
    debug_free(&debug);
    arena_free(&a);
    return STATUS_OK;
}
