#include "profile/profile.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

static bool no_such_type(const struct profile *p, struct str name, struct err *e)
{
    struct buf list;
    buf_init(&list, 512);
    for (u32 i = 0; i < p->ntype; i++) {
        buf_text(&list, i ? " " : "");
        buf_add(&list, profile_string(p, p->type[i].type));
    }
    err_write(e, ENOENT, "sample_index \"%.*s\" must be one of: [%.*s]", STR_ARG(name),
              STR_ARG(buf_str(&list)));
    buf_free(&list);
    return false;
}

static bool find_default(u32 *type, const struct profile *p)
{
    for (u32 i = 0; i < p->ntype; i++) {
        if (p->default_type &&
            str_equal(profile_string(p, p->type[i].type), profile_string(p, p->default_type))) {
            *type = i;
            return true;
        }
    }
    *type = p->ntype - 1;
    return true;
}

bool profile_type_find(u32 *type, const struct profile *p, struct str name, struct err *e)
{
    if (p->ntype == 0)
        return err_set(e, EINVAL, "malformed profile: missing sample type information");
    if (name.len == 0)
        return find_default(type, p);
    i64 index;
    if (str_i64(&index, name)) {
        if (index < 0 || index >= p->ntype)
            return err_set(e, ENOENT, "sample_index %.*s is outside the range [0..%u]",
                           STR_ARG(name), p->ntype - 1);
        *type = (u32)index;
        return true;
    }
    struct str inuse = STR("inuse_");
    struct str bare = str_starts(name, inuse) ? str_skip(name, inuse.len) : name;
    for (u32 i = 0; i < p->ntype; i++) {
        struct str t = profile_string(p, p->type[i].type);
        if (str_equal(t, name) || str_equal(t, bare)) {
            *type = i;
            return true;
        }
    }
    return no_such_type(p, name, e);
}

struct profile profile_with_string(const struct profile *p, struct str s, u32 *row, struct arena *a)
{
    struct profile out = *p;
    out.string = arena_new(a, struct str, (size_t)p->nstring + 1);
    memcpy(out.string, p->string, p->nstring * sizeof(*p->string));
    out.string[p->nstring] = s;
    *row = out.nstring++;
    return out;
}
