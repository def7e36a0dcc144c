#include "store_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

struct store_folder {
    struct store store;
    int dir;
};

struct store_put {
    struct store_folder *folder;
    struct store_file file;
    int fd; // -1: finished
};

enum { NAME_TEXT = ULID_CHARS + 16, FILE_MODE = 0640, FOLDER_MODE = 0750 };

static void name_file(char out[NAME_TEXT], const char *id, const char *suffix)
{
    snprintf(out, NAME_TEXT, "%s%s", id, suffix);
}

static int create(const struct store_folder *f, const char *id, const char *suffix)
{
    char name[NAME_TEXT];
    name_file(name, id, suffix);
    return openat(f->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
}

static void discard(const struct store_folder *f, const char *id, const char *suffix)
{
    char name[NAME_TEXT];
    name_file(name, id, suffix);
    unlinkat(f->dir, name, 0);
}

static bool rename_file(const struct store_folder *f, const char *id, const char *from,
                        const char *to)
{
    char old[NAME_TEXT], new[NAME_TEXT];
    name_file(old, id, from);
    name_file(new, id, to);
    return renameat(f->dir, old, f->dir, new) == 0;
}

// close() that keeps the errno of what came before.
static void close_quietly(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

static void folder_abort(struct store_put *p)
{
    if (p->fd >= 0)
        close(p->fd);
    discard(p->folder, p->file.id, ".part");
    free(p);
}

static bool folder_begin(struct store *s, struct store_put **out, const char *name,
                         const char *content_type, struct err *e)
{
    struct store_put *p = malloc(sizeof(*p));
    if (!p)
        return err_errno(e, ENOMEM, "cannot store %s", name);
    *p = (struct store_put){.folder = (struct store_folder *)s, .fd = -1};
    p->file.name = name;
    p->file.content_type = content_type;
    if (ulid_make(p->file.id))
        p->fd = create(p->folder, p->file.id, ".part");
    if (p->fd < 0) {
        err_errno(e, errno, "cannot store %s", name);
        free(p);
        return false;
    }
    *out = p;
    return true;
}

static bool folder_write(struct store_put *p, const void *bytes, size_t n, struct err *e)
{
    if (!io_write(p->fd, bytes, n))
        return err_errno(e, errno, "cannot store %s", p->file.name);
    p->file.size += n;
    return true;
}

static bool folder_finish(struct store_put *p, struct err *e)
{
    bool is_safe = fsync(p->fd) == 0;
    int error = errno;
    if (close(p->fd) != 0 && is_safe) {
        is_safe = false;
        error = errno;
    }
    p->fd = -1;
    return is_safe || err_errno(e, error, "cannot store %s", p->file.name);
}

// The text of ID.json, for free().
static char *describe(const struct store_file *f)
{
    json_t *json = json_pack("{s:s,s:s,s:s,s:I}", "id", f->id, "name", f->name, "contentType",
                             f->content_type, "size", (json_int_t)f->size);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

static bool write_description(const struct store_folder *f, const struct store_file *file)
{
    char *text = describe(file);
    int fd = text ? create(f, file->id, ".json.part") : -1;
    bool is_safe = fd >= 0 && io_write(fd, text, strlen(text)) && fsync(fd) == 0;
    if (fd >= 0)
        close_quietly(fd);
    free(text);
    return is_safe;
}

// ID.json comes last, since it is what makes the file visible.
static bool folder_publish(struct store_put *p, struct store_file *out, struct err *e)
{
    const struct store_folder *f = p->folder;
    const char *id = p->file.id;
    bool is_visible = write_description(f, &p->file) && rename_file(f, id, ".part", "") &&
                      rename_file(f, id, ".json.part", ".json") && fsync(f->dir) == 0;
    if (!is_visible) {
        err_errno(e, errno, "cannot store %s", p->file.name);
        discard(f, id, ".json");
        discard(f, id, ".json.part");
        discard(f, id, "");
        folder_abort(p);
        return false;
    }
    *out = p->file;
    free(p);
    return true;
}

struct ids {
    char (*id)[ULID_TEXT];
    size_t n, cap;
};

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, ULID_CHARS);
}

static bool add_id(struct ids *ids, const char *id)
{
    if (ids->n == ids->cap) {
        size_t cap = ids->cap ? 2 * ids->cap : 64;
        char(*more)[ULID_TEXT] = reallocarray(ids->id, cap, sizeof(*more));
        if (!more)
            return false;
        ids->id = more;
        ids->cap = cap;
    }
    memcpy(ids->id[ids->n], id, ULID_CHARS);
    ids->id[ids->n++][ULID_CHARS] = 0;
    return true;
}

// The sorted ids of what in the folder has the name ID and suffix.  The caller frees them, even
// after false; errno says why.
static bool find_files(struct ids *ids, const struct store_folder *f, struct str suffix)
{
    int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    bool fits = true;
    *ids = (struct ids){0};
    if (!dir) {
        if (fd >= 0)
            close_quietly(fd);
        return false;
    }
    for (const struct dirent *entry; fits && (entry = readdir(dir));) {
        struct str name = str_of(entry->d_name), end = str_skip(name, ULID_CHARS);
        if (ulid_is((struct str){name.ptr, name.len - end.len}) && str_equal(end, suffix))
            fits = add_id(ids, name.ptr);
    }
    closedir(dir);
    if (ids->n)
        qsort(ids->id, ids->n, sizeof(*ids->id), compare_ids);
    return fits;
}

// A file that is gone or unreadable by now is passed over.
static bool tell_of(const struct store_folder *f, const char *id,
                    bool (*each)(void *context, const struct store_file *f), void *context)
{
    char name[NAME_TEXT];
    name_file(name, id, ".json");
    int fd = openat(f->dir, name, O_RDONLY | O_CLOEXEC);
    json_t *json = fd >= 0 ? json_loadfd(fd, JSON_ALLOW_NUL, NULL) : NULL;
    struct store_file file = {0};
    json_int_t size = 0;
    bool goes_on = true;
    if (fd >= 0)
        close(fd);
    memcpy(file.id, id, ULID_TEXT);
    if (json_unpack(json, "{s:s,s:s,s:I}", "name", &file.name, "contentType", &file.content_type,
                    "size", &size) == 0) {
        file.size = (uint64_t)size;
        goes_on = each(context, &file);
    }
    json_decref(json);
    return goes_on;
}

static bool folder_list(struct store *s, bool (*each)(void *context, const struct store_file *f),
                        void *context, struct err *e)
{
    const struct store_folder *f = (struct store_folder *)s;
    struct ids ids;
    bool is_found = find_files(&ids, f, STR(".json"));
    if (!is_found)
        err_errno(e, errno, "cannot list the files");
    for (size_t i = 0; is_found && i < ids.n; i++)
        if (!tell_of(f, ids.id[i], each, context))
            break;
    free(ids.id);
    return is_found;
}

// Nothing of a folder takes long.
static void folder_stop(struct store *s)
{
    (void)s;
}

static void folder_close(struct store *s)
{
    struct store_folder *f = (struct store_folder *)s;
    close(f->dir);
    free(f);
}

static void remove_unfinished(const struct store_folder *f, const char *suffix)
{
    struct ids ids;
    find_files(&ids, f, str_of(suffix));
    for (size_t i = 0; i < ids.n; i++)
        discard(f, ids.id[i], suffix);
    free(ids.id);
}

static int open_folder(const char *path)
{
    if (mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
        return -1;
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) != 0) {
        close_quietly(dir);
        return -1;
    }
    return dir;
}

bool store_folder_open(struct store **out, const char *path, struct err *e)
{
    static const struct store_class class = {.begin = folder_begin,
                                             .write = folder_write,
                                             .finish = folder_finish,
                                             .publish = folder_publish,
                                             .abort = folder_abort,
                                             .list = folder_list,
                                             .stop = folder_stop,
                                             .close = folder_close};
    int dir = open_folder(path);
    if (dir < 0 && errno == EWOULDBLOCK)
        return err_set(e, "cannot store into %s: another server does", path);
    struct store_folder *f = dir >= 0 ? malloc(sizeof(*f)) : NULL;
    if (!f) {
        err_errno(e, errno, "cannot store into %s", path);
        if (dir >= 0)
            close(dir);
        return false;
    }
    *f = (struct store_folder){.store.call = &class, .dir = dir};
    remove_unfinished(f, ".part");
    remove_unfinished(f, ".json.part");
    *out = &f->store;
    return true;
}
