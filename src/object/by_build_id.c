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

// The file itself is better than its debug information alone, which has lost the file's offsets.
static bool find_with(struct str *path, void *library, const char *id, struct arena *a)
{
    begin_function *begin = (begin_function *)dlsym(library, "debuginfod_begin");
    end_function *end = (end_function *)dlsym(library, "debuginfod_end");
    find_function *const find[] = {
        (find_function *)dlsym(library, "debuginfod_find_executable"),
        (find_function *)dlsym(library, "debuginfod_find_debuginfo"),
    };
    struct client *client = begin && end && find[0] && find[1] ? begin() : NULL;
    char *found = NULL;
    for (size_t i = 0; client && !found && i < ARRAY_LEN(find); i++) {
        int fd = find[i](client, (const unsigned char *)id, 0, &found); // 0: id is a text
        if (fd >= 0)
            close(fd);
        else
            found = NULL;
    }
    if (found)
        *path = arena_str(a, str_of(found));
    free(found);
    if (client)
        end(client);
    return path->len != 0;
}

static bool find_remote(struct str *path, struct str id, struct arena *a)
{
    const char *urls = getenv("DEBUGINFOD_URLS");
    void *library = urls && *urls ? dlopen("libdebuginfod.so.1", RTLD_NOW) : NULL;
    *path = STR("");
    // It stays loaded: libcurl, which comes with it, leaves threads' data behind.
    return library && find_with(path, library, arena_str(a, id).ptr, a);
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
