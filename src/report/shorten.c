#include "report/shorten.h"

#include <pthread.h>
#include <stdlib.h>

#include "profile/regex.h"

// Patterns of pprof's internal/graph, whose group 1 is what stays.
#define GO_NAME  "^(?:[\\w\\-\\.]+\\/)+([^.]+\\..+)"
#define CPP_NAME "^(?:[_a-zA-Z]\\w*::)+(_*[A-Z]\\w*::~?[_a-zA-Z]\\w*(?:<.*>)?)"
#define JAVA_NAME                                                                                  \
    "^(?:[a-z]\\w*\\.)*([A-Z][\\w\\$]*\\.(?:<init>|[a-z][\\w\\$]*(?:\\$\\d+)?))(?:(?:\\()|$)"

static const char *const pattern[] = {GO_NAME, JAVA_NAME, CPP_NAME};
static const char version_pattern[] = "^(.*?)/v(?:[2-9]|[1-9][0-9]+)([./].*)$";

static struct regex *compiled[ARRAY_LEN(pattern)], *version;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // an expression holds its own last match

static void compile(void)
{
    struct err e;
    bool done = regex_compile(&version, str_of(version_pattern), &e);
    for (size_t i = 0; i < ARRAY_LEN(pattern); i++)
        done = regex_compile(&compiled[i], str_of(pattern[i]), &e) && done;
    if (!done)
        abort();
}

static struct str part(struct str s, i64 start, i64 end)
{
    return start < 0 ? STR("") : (struct str){s.ptr + start, (size_t)(end - start)};
}

static struct str shorten(struct str name, struct arena *a)
{
    const struct str anonymous = STR("(anonymous namespace)::");
    i64 start[3], end[3];
    if (str_starts(name, anonymous))
        name = str_skip(name, anonymous.len);
    if (regex_groups(version, name, start, end, 3))
        name = arena_printf(a, "%.*s%.*s", STR_ARG(part(name, start[1], end[1])),
                            STR_ARG(part(name, start[2], end[2])));
    for (size_t i = 0; i < ARRAY_LEN(compiled); i++) {
        if (regex_groups(compiled[i], name, start, end, 2))
            return part(name, start[1], end[1]);
    }
    return name;
}

struct str shorten_function(struct str name, struct arena *a)
{
    pthread_once(&once, compile);
    pthread_mutex_lock(&lock);
    struct str shown = shorten(name, a);
    pthread_mutex_unlock(&lock);
    return shown;
}
