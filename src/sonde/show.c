// sonde [-FORMAT] [OPTIONS] [BINARY] SOURCE...
#include <errno.h>

#include "sonde/command.h"
#include "sonde/fetch.h"
#include "sonde/output.h"
#include "sonde/shell.h"

enum { MEMORY_LIMIT_GIB = 64 };

static bool show(char **argument, struct arena *a, struct err *e)
{
    struct request q;
    struct profile p;
    if (!request_parse(&q, argument, a, e))
        return false;
    if (q.http.len)
        return err_set(e, ENOTSUP,
                       "-http: this version has no pages to serve; -web, -flame and -weblist show "
                       "a profile in a browser");
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
