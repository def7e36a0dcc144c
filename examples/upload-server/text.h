// Text that arrives in pieces, up to a limit.
#ifndef UPLOAD_TEXT_H
#define UPLOAD_TEXT_H

#include "str.h"

struct text {
    char *data;
    size_t len, cap, limit; // bytes
};

void text_init(struct text *t, size_t limit);
void text_free(struct text *t);

// False: the limit is reached, or there is no memory; the text stays as it is.
bool text_add(struct text *t, const void *bytes, size_t n);

struct str text_str(const struct text *t);

#endif
