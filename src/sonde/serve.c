// sonde serve: serves the profiles of all programs of this user that run with the library, and
// keeps the records of those that die.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/debug.h"
#include "record/folder.h"
#include "sonde/command.h"

enum { SWEEP_S = 1 };

static bool parse(struct str *http, char **argument, struct arena *a, struct err *e)
{
    u32 at = 0;
    struct str value;
    *http = STR("localhost:6060");
    for (struct option o; argument[at] && option_next(&o, argument, &at);) {
        bool is_http = str_equal(o.name, STR("http"));
        if (!is_http && !str_equal(o.name, STR("dir")))
            return err_set(e, EINVAL,
                           "serve: flag provided but not defined: -%.*s; \"sonde help\" lists all",
                           STR_ARG(o.name));
        if (!option_value(&value, &o, argument, &at, e))
            return false;
        if (is_http)
            *http = value;
        else
            setenv("SONDE_DIR", arena_str(a, value).ptr, 1);
    }
    if (argument[at])
        return err_set(e, EINVAL, "serve: it takes no arguments, but there is \"%s\"",
                       argument[at]);
    return true;
}

// Until a signal says to end.
static void sweep_until(const sigset_t *end)
{
    const struct timespec pause = {.tv_sec = SWEEP_S};
    while (sigtimedwait(end, NULL, &pause) < 0) {
        struct arena a;
        arena_init(&a, (size_t)MIB(2048));
        u32 kept = folder_sweep(&a);
        if (kept)
            warn("%u program%s died; \"sonde oom\" tells what the last one held", kept,
                 kept > 1 ? "s" : "");
        arena_free(&a);
    }
}

int command_serve(char **argument)
{
    struct arena a;
    struct err e;
    struct str http;
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
    if (!http_start(&server, http, debug_handle, &debug, &e))
        return fail(&e);
    fprintf(stderr, "sonde: profiles at http://%s/debug/pprof/\n", http_address(server));
    sweep_until(&end);
    http_stop(server);
    debug_free(&debug);
    arena_free(&a);
    return STATUS_OK;
}
