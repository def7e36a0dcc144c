// The same for texts and what else came before profile.proto, whose inputs and words are others.
#include "properties.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
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
    }
    arena_free(&a);
    return 0;
}
