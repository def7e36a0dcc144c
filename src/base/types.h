// The integer types of src/, and helpers that every room uses.  Header only: the profiled process
// includes it too.
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define KIB(n)       ((u64)(n) << 10)
#define MIB(n)       ((u64)(n) << 20)

// The whole part of value.  What does not fit, and what is no number, is the least one: so it is on
// x86, and in Go there.
static inline i64 i64_of(double value)
{
    return value >= -0x1p63 && value < 0x1p63 ? (i64)value : INT64_MIN;
}

// Likelihood hints for the few branches on hot paths.
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
