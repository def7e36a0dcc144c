// Doubles as a few decimal digits, exactly as printf() writes them and in a fraction of the time.
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/types.h"

enum { DECIMAL_BYTES = 344 }; // the longest text of any double, its NUL included

// As "%.2f".  Returns the length.
u32 decimal_fixed(char *out, double value);

// As "%.2g".
u32 decimal_short(char *out, double value);

#endif
