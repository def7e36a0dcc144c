#include "text.h"

#include <stdlib.h>
#include <string.h>

void text_init(struct text *t, size_t limit)
{
    *t = (struct text){.limit = limit};
}

void text_free(struct text *t)
{
    free(t->data);
    text_init(t, t->limit);
}

bool text_add(struct text *t, const void *bytes, size_t n)
{
    if (n > t->limit - t->len)
        return false;
    if (n > t->cap - t->len) {
        size_t cap = t->len + n > t->limit / 2 ? t->limit : 2 * (t->len + n);
        char *data = realloc(t->data, cap);
        if (!data)
            return false;
        t->data = data;
        t->cap = cap;
    }
    if (n)
        memcpy(t->data + t->len, bytes, n);
    t->len += n;
    return true;
}

struct str text_str(const struct text *t)
{
    return (struct str){t->data, t->len};
}
