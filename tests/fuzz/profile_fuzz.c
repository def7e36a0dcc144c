// profile_read on any bytes: no crash, no hang, no more memory than it says; what it accepts is
// valid, can be written and read again, and can be shown.
#include "profile/filter.h"
#include "properties.h"
#include "report/report.h"

static void show(const struct profile *p, const char *type, struct arena *a)
{
    struct buf out, warnings;
    struct config c;
    struct err e;
    config_init(&c);
    buf_init(&out, (size_t)MIB(PROPERTY_LIMIT_MIB));
    buf_init(&warnings, 4096);
    report_write(&out, p, report_find(str_of(type)), STR(""), &c, &warnings, a, &e);
    buf_free(&out);
    buf_free(&warnings);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    static const char *const type[] = {"top", "tree", "dot", "raw", "traces", "tags", "callgrind"};
    struct arena a;
    struct err e;
    struct profile p;
    if (n % 4 == 1)
        must_read_with_little((struct str){(const char *)data, n});
    arena_init(&a, (size_t)MIB(1024));
    if (profile_read(&p, (struct str){(const char *)data, n}, (size_t)MIB(PROPERTY_LIMIT_MIB), &a,
                     &e)) {
        must_be_valid(&p);
        must_come_again(&p, &a);
        show(&p, type[n % ARRAY_LEN(type)], &a);
        if (filter_drop_frames(&p, &p, &a, &e))
            must_be_valid(&p);
    }
    arena_free(&a);
    return 0;
}
