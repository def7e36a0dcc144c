#include "base/decimal.h"

#include <math.h>
#include <stdio.h>

// value * scale to the nearest integer, for a scale that is a whole number; false where the digits
// of value have to be known to their end: that is too large, or lies between two.
static bool round_scaled(u64 *out, double value, double scale)
{
    double product = value * scale;
    if (!(product >= 0 && product < 0x1p50))
        return false;
    double rest = fma(value, scale, -product); // what product was rounded by
    double whole = floor(product), fraction = product - whole + rest;
    if (fabs(fraction - 0.5) < 1e-9 || fraction < 0)
        return false;
    *out = (u64)whole + (fraction > 0.5);
    return true;
}

// n digits of value, with zeros in front.
static char *put_digits(char *at, u64 value, u32 n)
{
    for (u32 i = n; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + n;
}

static u32 digits_of(u64 value)
{
    u32 n = 1;
    for (; value >= 10; value /= 10)
        n++;
    return n;
}

u32 decimal_fixed(char *out, double value)
{
    u64 hundredths;
    if (signbit(value) || !round_scaled(&hundredths, value, 100))
        return (u32)snprintf(out, DECIMAL_BYTES, "%.2f", value);
    char *at = put_digits(out, hundredths / 100, digits_of(hundredths / 100));
    *at++ = '.';
    at = put_digits(at, hundredths % 100, 2);
    *at = 0;
    return (u32)(at - out);
}

u32 decimal_short(char *out, double value)
{
    u64 two = 0; // digits
    u32 places = 1;
    double scale = 10;
    for (; places < 5 && value * scale < 10; places++)
        scale *= 10;
    // Rounding may make it 100, which is another number of places; and from there on they differ.
    if (!(value >= 1e-4 && value < 1) || !round_scaled(&two, value, scale) || two < 10 || two > 99)
        return (u32)snprintf(out, DECIMAL_BYTES, "%.2g", value);
    if (two % 10 == 0) {
        two /= 10;
        places--;
    }
    char *at = out;
    *at++ = '0';
    *at++ = '.';
    at = put_digits(at, two, places);
    *at = 0;
    return (u32)(at - out);
}
