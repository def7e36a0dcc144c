#include "graphql_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

json_t *graphql_error(json_t *errors, const char *format, ...)
{
    if (json_array_size(errors) >= GRAPHQL_MOST_ERRORS)
        return NULL;
    char *raw = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&raw, format, args);
    va_end(args);
    char *message = n >= 0 ? str_utf8(str_of(raw)) : NULL;
    json_t *error = json_pack("{s:s}", "message", message ? message : "out of memory");
    json_array_append_new(errors, error);
    free(message);
    if (n >= 0)
        free(raw);
    return error;
}

// Outermost first.
static void add_path(json_t *array, const struct graphql_path *path)
{
    if (!path)
        return;
    add_path(array, path->outer);
    json_array_append_new(array, path->name.len ? json_stringn(path->name.ptr, path->name.len)
                                                : json_integer(path->index));
}

void graphql_error_path(json_t *error, const struct graphql_path *path)
{
    json_t *array = error && path ? json_array() : NULL;
    if (!array)
        return;
    add_path(array, path);
    json_object_set_new(error, "path", array);
}

// Lines and columns count from 1, columns in characters.
void graphql_error_location(json_t *error, struct str source, uint32_t offset)
{
    int line = 1, column = 1;
    for (uint32_t i = 0; i < offset && i < source.len; i++) {
        char c = source.ptr[i];
        bool is_crlf = c == '\r' && i + 1 < source.len && source.ptr[i + 1] == '\n';
        if (c == '\n' || (c == '\r' && !is_crlf)) {
            line++;
            column = 1;
        } else if ((c & 0xc0) != 0x80) {
            column++;
        }
    }
    if (error)
        json_object_set_new(error, "locations",
                            json_pack("[{s:i,s:i}]", "line", line, "column", column));
}

void graphql_error_code(json_t *error, const char *code)
{
    if (error)
        json_object_set_new(error, "extensions", json_pack("{s:s}", "code", code));
}
