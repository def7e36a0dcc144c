// The parser of multipart bodies: what it tells does not depend on how the input is cut, and parts
// begin and end in turn.
#include <stdlib.h>
#include <string.h>

#include "../../examples/upload-server/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct trace {
    uint64_t hash, nbyte;
    bool is_in_part;
};

static void add(struct trace *t, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        t->hash = (t->hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
}

static bool begin(void *context, const struct multipart_part *p)
{
    struct trace *t = context;
    if (t->is_in_part)
        abort();
    t->is_in_part = true;
    add(t, "<", 1);
    add(t, p->name.ptr, p->name.len);
    add(t, p->filename.ptr, p->filename.len);
    add(t, p->content_type.ptr, p->content_type.len);
    return true;
}

static bool data(void *context, const uint8_t *bytes, size_t n)
{
    struct trace *t = context;
    if (!t->is_in_part || n == 0)
        abort();
    add(t, bytes, n);
    t->nbyte += n;
    return true;
}

static bool end(void *context)
{
    struct trace *t = context;
    if (!t->is_in_part)
        abort();
    t->is_in_part = false;
    add(t, ">", 1);
    return true;
}

static struct trace trace_of(const uint8_t *bytes, size_t n, size_t piece, struct str boundary,
                             bool *is_good)
{
    static const struct multipart_events events = {begin, data, end};
    struct multipart m;
    struct trace t = {0};
    multipart_init(&m, boundary, &events, &t);
    *is_good = true;
    for (size_t at = 0; at < n && *is_good; at += piece)
        *is_good = multipart_feed(&m, bytes + at, n - at < piece ? n - at : piece);
    if (multipart_is_whole(&m) && t.is_in_part)
        abort();
    *is_good &= multipart_is_whole(&m);
    return t;
}

// The first two bytes choose the pieces and the boundary; every other input is a Content-Type
// first.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 2)
        return 0;
    char *type = strndup((const char *)bytes + 2, n - 2);
    struct str boundary = STR("B"), found;
    if (bytes[1] & 1 && multipart_boundary(&found, type))
        boundary = found;
    bool is_good[2];
    struct trace whole = trace_of(bytes + 2, n - 2, n, boundary, &is_good[0]);
    struct trace pieces = trace_of(bytes + 2, n - 2, 1 + bytes[0] % 16, boundary, &is_good[1]);
    if (whole.hash != pieces.hash || whole.nbyte != pieces.nbyte || is_good[0] != is_good[1] ||
        whole.nbyte > n)
        abort();
    free(type);
    return 0;
}
