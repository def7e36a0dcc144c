#include "report/path.h"

#include <string.h>

struct str path_clean(struct str path, struct arena *a)
{
    if (path.len == 0)
        return path;
    char *out = arena_alloc(a, path.len + 2, 1);
    bool rooted = path.ptr[0] == '/';
    size_t n = 0, floor = 0; // floor: what ".." may not take away
    if (rooted) {
        out[n++] = '/';
        floor = 1;
    }
    while (path.len) {
        struct str part = str_cut(&path, '/');
        bool is_up = str_equal(part, STR(".."));
        if (part.len == 0 || str_equal(part, STR(".")) || (is_up && rooted && n == floor))
            continue;
        if (is_up && n > floor) {
            while (n > floor && out[--n] != '/')
                ;
            continue;
        }
        if (n > (size_t)rooted)
            out[n++] = '/';
        memcpy(out + n, part.ptr, part.len);
        n += part.len;
        if (is_up)
            floor = n;
    }
    return n ? (struct str){out, n} : STR(".");
}

struct str path_base(struct str path)
{
    if (path.len == 0)
        return STR(".");
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    struct str name = str_basename(path);
    return name.len ? name : STR("/");
}

// Where the part after the first "/name/" in path begins, name being that of the folder dir; -1:
// nowhere.
static i64 find_folder(struct str path, struct str dir)
{
    struct str name = path_base(dir);
    for (size_t i = 0; i + name.len + 2 <= path.len; i++) {
        if (path.ptr[i] == '/' && path.ptr[i + 1 + name.len] == '/' &&
            memcmp(path.ptr + i + 1, name.ptr, name.len) == 0)
            return (i64)(i + 1 + name.len + 1);
    }
    return -1;
}

// Length of the prefix with a slash at its end that path has; 0: it has not.
static size_t prefix_length(struct str path, struct str prefix)
{
    if (!str_starts(path, prefix))
        return 0;
    if (str_ends(prefix, STR("/")))
        return prefix.len;
    return path.len > prefix.len && path.ptr[prefix.len] == '/' ? prefix.len + 1 : 0;
}

struct str path_trim(struct str path, struct str trim_path, struct str source_path)
{
    // Bazel and others name the folder that they were run in like this.
    static const char *const always[] = {"/proc/self/cwd/./", "/proc/self/cwd/"};
    bool is_guess = trim_path.len == 0;
    while (is_guess && source_path.len) {
        i64 end = find_folder(path, str_cut(&source_path, ':'));
        if (end >= 0)
            return str_skip(path, (size_t)end);
    }
    while (trim_path.len) {
        size_t n = prefix_length(path, str_cut(&trim_path, ':'));
        if (n)
            return str_skip(path, n);
    }
    for (size_t i = 0; i < ARRAY_LEN(always); i++) {
        size_t n = prefix_length(path, str_of(always[i]));
        if (n)
            return str_skip(path, n);
    }
    return path;
}
