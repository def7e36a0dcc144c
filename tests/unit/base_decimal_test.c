#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "base/decimal.h"

static u64 state = 1;

static u64 next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static u32 bad;

static void compare(double value)
{
    char got[DECIMAL_BYTES], want[DECIMAL_BYTES];
    snprintf(want, sizeof(want), "%.2f", value);
    bad += decimal_fixed(got, value) != strlen(want) || strcmp(got, want) != 0;
    snprintf(want, sizeof(want), "%.2g", value);
    bad += decimal_short(got, value) != strlen(want) || strcmp(got, want) != 0;
}

// And its neighbours, which round the other way where it lies between two.
static void compare_around(double value)
{
    u64 bits;
    memcpy(&bits, &value, sizeof(bits));
    for (u64 i = bits - 3; i != bits + 4; i++) {
        memcpy(&value, &i, sizeof(value));
        compare(value);
    }
}

int main(void)
{
    for (u32 i = 0; i < 300000; i++) {
        u64 bits = next();
        double any;
        memcpy(&any, &bits, sizeof(any));
        compare(any);
        compare((double)(next() >> 11) * 0x1p-53);
        compare((double)(next() % 1000000000) / 1e7);
    }
    ok(bad == 0, "doubles are written as printf writes them");
    bad = 0;
    for (u32 i = 0; i < 20000; i++) {
        compare_around(i / 200.0);
        compare_around(i / 2e6);
        compare_around(i / 8.0);
    }
    ok(bad == 0, "also those that lie between two texts, and beside");
    bad = 0;
    double few[] = {0,       -0.0,   0.1,     0.0999, 0.0996,          0.995,
                    0.00995, 0.0001, 0.00009, 1,      9.995,           99.995,
                    1e15,    1e16,   1e300,   -1.5,   __builtin_inf(), -__builtin_inf()};
    for (u32 i = 0; i < sizeof(few) / sizeof(*few); i++)
        compare(few[i]);
    ok(bad == 0, "and those at the limits");
    return done();
}
