#include "object/by_build_id.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

// The part of https://sourceware.org/elfutils/Debuginfod.html that is needed.  It is loaded when it
// is: it brings many libraries along, and is not everywhere.
struct client;
typedef struct client *begin_function(void);
typedef void end_function(struct client *);
typedef int find_function(struct client *, const unsigned char *id, int bytes, char **path);

static bool find_local(struct str *path, struct str id, struct arena *a)
{
    *path = arena_printf(a, "/usr/lib/debug/.build-id/%.2s/%.*s.debug", id.ptr,
                         STR_ARG(str_skip(id, 2)));
    return access(path->ptr, R_OK) == 0;
}

typedef int find_source_function(struct client *, const unsigned char *id, int bytes,
                                 const char *source, char **path);

// It stays loaded: libcurl, which comes with it, leaves threads' data behind.
static void *load_library(void)
{
    const char *urls = getenv("DEBUGINFOD_URLS");
    return urls && *urls ? dlopen("libdebuginfod.so.1", RTLD_NOW) : NULL;
}

// Asks one thing of the servers: a file's source, or what the named function finds.
static bool ask(struct str *path, void *library, const char *name, const char *id,
                const char *source, struct arena *a)
{
    begin_function *begin = (begin_function *)dlsym(library, "debuginfod_begin");
    end_function *end = (end_function *)dlsym(library, "debuginfod_end");
    void *find = dlsym(library, name);
    struct client *client = begin && end && find ? begin() : NULL;
    const unsigned char *text = (const unsigned char *)id; // with 0 for its bytes: it is a text
    char *found = NULL;
    if (!client)
        return false;
    int fd = source ? ((find_source_function *)find)(client, text, 0, source, &found)
                    : ((find_function *)find)(client, text, 0, &found);
    if (fd >= 0) {
        close(fd);
        *path = arena_str(a, str_of(found));
        free(found);
    }
    end(client);
    return fd >= 0;
}

// The file itself is better than its debug information alone, which has lost the file's offsets.
static bool find_remote(struct str *path, struct str build_id, struct arena *a)
{
    void *library = load_library();
    const char *id = arena_str(a, build_id).ptr;
    *path = STR("");
    return library && (ask(path, library, "debuginfod_find_executable", id, NULL, a) ||
                       ask(path, library, "debuginfod_find_debuginfo", id, NULL, a));
}

static bool is_hex(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return id.len > 2 && id.len % 2 == 0; // so that it is no path either
}

bool by_build_id_find(struct str *path, struct str build_id, struct arena *a)
{
    return is_hex(build_id) && (find_local(path, build_id, a) || find_remote(path, build_id, a));
}

bool by_build_id_find_source(struct str *path, struct str build_id, struct str source,
                             struct arena *a)
{
    void *library = is_hex(build_id) && str_starts(source, STR("/")) ? load_library() : NULL;
    return library && ask(path, library, "debuginfod_find_source", arena_str(a, build_id).ptr,
                          arena_str(a, source).ptr, a);
}
