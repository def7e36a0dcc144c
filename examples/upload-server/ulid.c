#include "ulid.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

static const char digit[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's base 32

enum { TIME_CHARS = 10, RANDOM_BYTES = 10 };

static void put_digits(char *out, size_t n, uint64_t value)
{
    for (size_t i = n; i > 0; i--, value >>= 5)
        out[i - 1] = digit[value & 31];
}

bool ulid_make(char out[ULID_TEXT])
{
    struct timespec now;
    uint8_t random[RANDOM_BYTES];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    put_digits(out, TIME_CHARS, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
    for (size_t half = 0; half < 2; half++) { // 5 bytes make 8 digits
        uint64_t bits = 0;
        for (size_t i = 0; i < 5; i++)
            bits = bits << 8 | random[half * 5 + i];
        put_digits(out + TIME_CHARS + half * 8, 8, bits);
    }
    out[ULID_CHARS] = 0;
    return true;
}

bool ulid_is(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!s.ptr[i] || !strchr(digit, s.ptr[i]))
            return false;
    return s.len == ULID_CHARS;
}
