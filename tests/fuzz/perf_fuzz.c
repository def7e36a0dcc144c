// perf_decode on any bytes: no crash, no hang; what it accepts can be written and read again.
#include <stdlib.h>

#include "profile/encode.h"
#include "profile/perf.h"
#include "profile/read.h"

enum { LIMIT_MIB = 16 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    struct arena a;
    struct err e;
    struct profile p, again;
    struct buf once;
    arena_init(&a, (size_t)MIB(1024));
    buf_init(&once, (size_t)MIB(1024));
    if (perf_decode(&p, (struct str){(const char *)data, n}, (size_t)MIB(LIMIT_MIB), &a, &e)) {
        profile_encode(&once, &p);
        if (!profile_read(&again, buf_str(&once), (size_t)MIB(1024), &a, &e) ||
            again.nsample != p.nsample || again.nlocation != p.nlocation)
            abort();
    }
    buf_free(&once);
    arena_free(&a);
    return 0;
}
