// Random distances between samples.  libm is not ours to use, so logarithm and exponential are
// here: exact to some 1e-15.
#include "runtime/runtime.h"

// ln x for x in (0, 1].  x = m * 2^e with m in [sqrt 1/2, sqrt 2); ln m = 2 atanh((m - 1) / (m +
// 1)), a quick series.
static double logarithm(double x)
{
    u64 bits;
    __builtin_memcpy(&bits, &x, sizeof(bits));
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | (u64)1023 << 52;
    double m;
    __builtin_memcpy(&m, &bits, sizeof(m));
    if (m > 1.4142135623730951) {
        m /= 2;
        exponent++;
    }
    double s = (m - 1) / (m + 1), power = s, sum = 0;
    for (int k = 1; k <= 19; k += 2, power *= s * s)
        sum += power / k;
    return 2 * sum + exponent * 0.6931471805599453;
}

static u64 next_random(u64 *state)
{
    u64 x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x * 0x2545f4914f6cdd1d;
}

u64 draw_distance(u64 *random, u64 mean_bytes)
{
    double u = (double)((next_random(random) >> 11) + 1) * 0x1p-53; // in (0, 1]
    return (u64)(-logarithm(u) * (double)mean_bytes);
}

// f(x) = 1 - e^-x by its series for small x; larger ones are halved first, since f(2x) = f(x) (2 -
// f(x)).
double draw_chance(size_t size, u64 mean_bytes)
{
    double x = (double)size / (double)mean_bytes;
    if (x > 40)
        return 1;
    int halvings = 0;
    for (; x > 0.25; halvings++)
        x /= 2;
    double term = x, sum = x;
    for (int k = 2; k <= 12; k++) {
        term *= -x / k;
        sum += term;
    }
    for (; halvings > 0; halvings--)
        sum *= 2 - sum;
    return sum;
}
