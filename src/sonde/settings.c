#include "sonde/settings.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { MOST_BYTES = 1 << 20, MOST_NAME = 100, INDENT = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // the file is read, changed and written

// Go's os.UserConfigDir.
static bool find_folder(struct str *out, struct arena *a, struct err *e)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && *config)
        *out = arena_printf(a, "%s/pprof", config);
    else if (home && *home)
        *out = arena_printf(a, "%s/.config/pprof", home);
    else
        return err_set(e, ENOENT,
                       "settings need a folder: neither XDG_CONFIG_HOME nor HOME is set");
    return true;
}

// {"configs": [...]}; an empty one where there is no file.  The caller gives it back.
static bool read_file(json_t **out, struct str *path, struct arena *a, struct err *e)
{
    struct str folder, bytes = STR("{}");
    json_error_t why;
    if (!find_folder(&folder, a, e))
        return false;
    *path = arena_printf(a, "%.*s/settings.json", STR_ARG(folder));
    if (access(path->ptr, F_OK) == 0 && !file_read(&bytes, path->ptr, MOST_BYTES, a, e))
        return false;
    *out = json_loadb(bytes.ptr, bytes.len, 0, &why);
    if (!*out)
        return err_set(e, EINVAL, "could not read settings from %s: %s", path->ptr, why.text);
    json_t *configs = json_object_get(*out, "configs");
    if (json_is_object(*out) && !json_is_array(configs))
        json_object_set_new(*out, "configs", json_array());
    if (json_is_object(*out))
        return true;
    json_decref(*out);
    return err_set(e, EINVAL, "could not read settings from %s: it is no object", path->ptr);
}

static bool write_file(json_t *root, struct str path, struct arena *a, struct err *e)
{
    char *text = json_dumps(root, JSON_INDENT(INDENT) | JSON_REAL_PRECISION(6));
    struct str folder = str_folder(path);
    const char *inner = arena_str(a, (struct str){folder.ptr, folder.len - 1}).ptr;
    struct str above = str_folder(str_of(inner));
    if (!text)
        return err_set(e, ENOMEM, "the settings could not be written");
    mkdir(arena_str(a, above).ptr, 0700);
    bool done = mkdir(inner, 0700) == 0 || errno == EEXIST
                    ? file_write(path.ptr, str_of(text), e)
                    : err_errno(e, errno, "failed to create settings directory %s", inner);
    free(text);
    return done;
}

static const char *name_of(const json_t *config)
{
    const char *name = json_string_value(json_object_get(config, "name"));
    return name ? name : "";
}

// A field as text, as pprof reads it: what the file leaves out is nothing.
static struct str field_text(const json_t *config, const struct config_variable *v, struct arena *a)
{
    const json_t *field = json_object_get(config, v->name);
    struct buf b;
    switch (v->type) {
    case CONFIG_BOOL:
        return json_is_true(field) ? STR("true") : STR("false");
    case CONFIG_INT:
        return arena_printf(a, "%lld", (long long)json_integer_value(field));
    case CONFIG_FLOAT:
        buf_init(&b, 64);
        buf_double(&b, json_number_value(field));
        struct str text = arena_str(a, buf_str(&b));
        buf_free(&b);
        return text;
    case CONFIG_TEXT:
    case CONFIG_CHOICE:
        break;
    }
    return str_of(json_string_value(field));
}

static void add_encoded(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        u8 c = (u8)text.ptr[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || strchr("-_.~", c);
        if (c && is_plain)
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

// What differs from the standard, as parameters of an address.
static struct str query_of(const json_t *config, struct arena *a)
{
    struct buf query;
    buf_init(&query, KIB(64));
    for (const struct config_variable *v = config_variables; v->name; v++) {
        struct str text = field_text(config, v, a);
        if (!v->url || !v->is_saved || text.len == 0 || str_equal(text, str_of(v->standard)))
            continue;
        buf_printf(&query, "%s%s=", query.len ? "&" : "", v->url);
        add_encoded(&query, text);
    }
    struct str out = arena_str(a, buf_str(&query));
    buf_free(&query);
    return out;
}

static void list(struct json *j, const json_t *root, struct arena *a)
{
    const json_t *configs = json_object_get(root, "configs");
    json_begin_array(j);
    for (size_t i = 0; i < json_array_size(configs); i++) {
        const json_t *config = json_array_get(configs, i);
        json_begin_object(j);
        json_str_field(j, "name", str_of(name_of(config)));
        json_str_field(j, "query", query_of(config, a));
        json_end(j);
    }
    json_end(j);
}

bool settings_list(struct json *j, struct arena *a, struct err *e)
{
    json_t *root;
    struct str path;
    if (!read_file(&root, &path, a, e))
        return false;
    list(j, root, a);
    json_decref(root);
    return true;
}

// pprof leaves out what is nothing, and so reads it.
static json_t *field_value(const struct config *c, const struct config_variable *v)
{
    const void *field = (const char *)c + v->offset;
    const struct str *text = field;
    switch (v->type) {
    case CONFIG_BOOL:
        return *(const bool *)field ? json_true() : NULL;
    case CONFIG_INT:
        return *(const i64 *)field ? json_integer(*(const i64 *)field) : NULL;
    case CONFIG_FLOAT:
        return *(const double *)field != 0 ? json_real(*(const double *)field) : NULL;
    case CONFIG_TEXT:
    case CONFIG_CHOICE:
        break;
    }
    return text->len ? json_stringn(text->ptr, text->len) : NULL;
}

static json_t *new_config(struct str name, const struct config *c)
{
    json_t *config = json_object();
    json_object_set_new(config, "name", json_stringn(name.ptr, name.len));
    for (const struct config_variable *v = config_variables; v->name; v++) {
        json_t *value = v->is_saved ? field_value(c, v) : NULL;
        if (value)
            json_object_set_new(config, v->name, value);
    }
    return config;
}

// Its place among the settings, or their number.
static size_t find(const json_t *configs, struct str name)
{
    size_t i = 0;
    while (i < json_array_size(configs) &&
           !str_equal(str_of(name_of(json_array_get(configs, i))), name))
        i++;
    return i;
}

// Whether JSON can hold it: it is UTF-8.
static bool is_text(struct str s)
{
    json_t *value = json_stringn(s.ptr, s.len);
    bool is_it = value != NULL;
    json_decref(value);
    return is_it;
}

bool settings_save(struct str name, const struct config *c, struct arena *a, struct err *e)
{
    json_t *root;
    struct str path;
    if (name.len == 0 || name.len > MOST_NAME || !is_text(name))
        return err_set(e, EINVAL, "invalid config name");
    pthread_mutex_lock(&lock);
    bool done = read_file(&root, &path, a, e);
    if (done) {
        json_t *configs = json_object_get(root, "configs");
        size_t at = find(configs, name);
        if (at < json_array_size(configs))
            json_array_set_new(configs, at, new_config(name, c));
        else
            json_array_append_new(configs, new_config(name, c));
        done = write_file(root, path, a, e);
        json_decref(root);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

bool settings_delete(struct str name, struct arena *a, struct err *e)
{
    json_t *root;
    struct str path;
    pthread_mutex_lock(&lock);
    bool done = read_file(&root, &path, a, e);
    if (done) {
        json_t *configs = json_object_get(root, "configs");
        size_t at = find(configs, name);
        done = json_array_remove(configs, at) == 0
                   ? write_file(root, path, a, e)
                   : err_set(e, ENOENT, "config %.*s not found", STR_ARG(name));
        json_decref(root);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
