#include "object/debug_hint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define LISTS "/var/lib/dpkg/info" // Debian: one PACKAGE.list with the paths of each package

enum { MOST_LIST_MIB = 16 };

// Whether the list has the path as one of its lines.
static bool lists(struct str list, struct str path)
{
    for (i64 at; (at = str_find(list, path)) >= 0; list = str_skip(list, (size_t)at + 1)) {
        const char *start = list.ptr + at, *end = start + path.len;
        if ((at == 0 || start[-1] == '\n') && (end == list.ptr + list.len || *end == '\n'))
            return true;
    }
    return false;
}

static bool is_owner(const char *file, struct str path)
{
    struct arena a;
    struct str list;
    struct err e;
    arena_init(&a, SIZE_MAX);
    const char *name = arena_printf(&a, LISTS "/%s", file).ptr;
    bool is_it = file_read(&list, name, (size_t)MIB(MOST_LIST_MIB), &a, &e) && lists(list, path);
    arena_free(&a);
    return is_it;
}

// Debian's package that has the file, into name; false when none has it.
static bool find_package(char *name, size_t size, struct str path)
{
    const struct str suffix = STR(".list");
    DIR *folder = opendir(LISTS);
    bool found = false;
    for (struct dirent *d; folder && !found && (d = readdir(folder));) {
        struct str file = str_of(d->d_name);
        if (!str_ends(file, suffix) || !is_owner(d->d_name, path))
            continue;
        found = true;
        file.len -= suffix.len;
        struct str package = str_cut(&file, ':'); // before the architecture
        snprintf(name, size, "%.*s", STR_ARG(package));
    }
    if (folder)
        closedir(folder);
    return found;
}

// Packages whose debug information is not in PACKAGE-dbgsym, but among all others.
static bool has_dbg_package(struct str package)
{
    return str_equal(package, STR("libc6")) || str_starts(package, STR("python3."));
}

void debug_hint(struct err *e, struct str path, bool has_names)
{
    char package[256];
    char real[4096];
    const char *what = has_names ? "has no debug information, so no lines and no inlined functions"
                                 : "has neither symbols nor debug information";
    char *resolved = realpath(path.ptr, NULL);
    snprintf(real, sizeof(real), "%s", resolved ? resolved : path.ptr);
    free(resolved);
    // The lists may know it by its name before /lib became /usr/lib.
    struct str usr = STR("/usr"), name = str_of(real);
    bool is_packaged =
        str_starts(name, usr) && (find_package(package, sizeof(package), name) ||
                                  find_package(package, sizeof(package), str_skip(name, usr.len)));
    if (!is_packaged) {
        err_write(e, ENODATA, "%.*s %s: build it with -g", STR_ARG(path), what);
        return;
    }
    bool dbg = has_dbg_package(str_of(package));
    err_write(e, ENODATA,
              "%.*s %s: install %s-%s%s, or set DEBUGINFOD_URLS=https://debuginfod.debian.net",
              STR_ARG(path), what, package, dbg ? "dbg" : "dbgsym",
              dbg ? "" : " (of the archive debian-debug)");
}
