#include "sonde/serving.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"

enum { MOST_TOKEN_BYTES = 4096 };

void serving_init(struct http_options *o)
{
    *o = (struct http_options){.address = STR("localhost:6060"), .is_guarded = true};
    o->token = str_of(getenv("SONDE_TOKEN"));
}

bool serving_has(struct str name)
{
    return str_equal(name, STR("http")) || str_equal(name, STR("token_file")) ||
           str_equal(name, STR("tls_cert")) || str_equal(name, STR("tls_key"));
}

static bool read_token(struct http_options *o, struct str path, struct arena *a, struct err *e)
{
    struct str text;
    if (!file_read(&text, arena_str(a, path).ptr, MOST_TOKEN_BYTES, a, e))
        return false;
    o->token = str_trim(text);
    return o->token.len || err_set(e, EINVAL, "-token_file: %.*s is empty", STR_ARG(path));
}

bool serving_set(struct http_options *o, struct str name, struct str value, struct arena *a,
                 struct err *e)
{
    if (str_equal(name, STR("token_file")))
        return read_token(o, value, a, e);
    if (str_equal(name, STR("http")))
        o->address = value;
    else if (str_equal(name, STR("tls_cert")))
        o->tls_cert = value;
    else
        o->tls_key = value;
    return true;
}
