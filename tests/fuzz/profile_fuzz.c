// profile_decode on any bytes: no crash, no hang; what it accepts can be written, read again and
// shown.
#include <stdlib.h>

#include "profile/encode.h"
#include "profile/read.h"
#include "report/report.h"

enum { LIMIT_MIB = 64 };

static void show(const struct profile *p, const char *type, struct arena *a)
{
    struct buf out, warnings;
    struct config c;
    struct err e;
    config_init(&c);
    buf_init(&out, (size_t)MIB(LIMIT_MIB));
    buf_init(&warnings, 4096);
    report_write(&out, p, report_find(str_of(type)), STR(""), &c, &warnings, a, &e);
    buf_free(&out);
    buf_free(&warnings);
}

static void write_and_read(const struct profile *p, struct arena *a)
{
    struct buf once, twice;
    struct profile again;
    struct err e;
    buf_init(&once, (size_t)MIB(LIMIT_MIB));
    buf_init(&twice, (size_t)MIB(LIMIT_MIB));
    profile_encode(&once, p);
    if (!profile_read(&again, buf_str(&once), (size_t)MIB(LIMIT_MIB), a, &e))
        abort();
    profile_encode(&twice, &again);
    if (!str_equal(buf_str(&once), buf_str(&twice)))
        abort();
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    static const char *const type[] = {"top", "tree", "dot", "raw", "traces"};
    struct arena a;
    struct err e;
    struct profile p;
    arena_init(&a, (size_t)MIB(1024));
    if (profile_read(&p, (struct str){(const char *)data, n}, (size_t)MIB(LIMIT_MIB), &a, &e)) {
        write_and_read(&p, &a);
        show(&p, type[n % ARRAY_LEN(type)], &a);
    }
    arena_free(&a);
    return 0;
}
