// Every function of the malloc family, each by the promises of its manual page.  Prints what a
// plain run prints as well.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int holds, const char *what)
{
    if (!holds) {
        printf("broken: %s\n", what);
        failures++;
    }
}

static int is_filled(const unsigned char *p, size_t n, unsigned char with)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != with)
            return 0;
    }
    return 1;
}

static void sizes(size_t n)
{
    unsigned char *p = malloc(n);
    check(p != NULL && (uintptr_t)p % 16 == 0, "malloc aligns to 16");
    check(malloc_usable_size(p) >= n, "malloc gives what was asked for");
    memset(p, 0xaa, n);
    p = realloc(p, 2 * n + 1);
    check(p && is_filled(p, n, 0xaa), "realloc keeps the content when it grows");
    p = realloc(p, n / 2 + 1);
    check(p && is_filled(p, n / 2, 0xaa), "realloc keeps the content when it shrinks");
    free(p);
    p = calloc(n, 3);
    check(p && is_filled(p, 3 * n, 0), "calloc zeroes");
    memset(p, 0xff, 3 * n);
    free(p);
    p = calloc(3, n);
    check(p && is_filled(p, 3 * n, 0), "calloc zeroes what was used before");
    p = reallocarray(p, n, 4);
    check(p && is_filled(p, 3 * n, 0), "reallocarray keeps the content");
    free(p);
}

static void alignments(size_t alignment, size_t n)
{
    void *p = NULL;
    check(posix_memalign(&p, alignment, n) == 0 && (uintptr_t)p % alignment == 0,
          "posix_memalign aligns");
    memset(p, 1, n);
    p = realloc(p, n + 100);
    check(p && is_filled(p, n, 1), "an aligned block can be reallocated");
    free(p);
    p = aligned_alloc(alignment, n);
    check(p && (uintptr_t)p % alignment == 0, "aligned_alloc aligns");
    memset(p, 2, n);
    free(p);
    p = memalign(alignment, n);
    check(p && (uintptr_t)p % alignment == 0, "memalign aligns");
    memset(p, 3, n);
    free(p);
}

static void edges(void)
{
    void *untouched = &failures, *p = untouched;
    volatile size_t huge = SIZE_MAX;
    check(posix_memalign(&p, 3, 10) == EINVAL && p == untouched, "posix_memalign refuses 3");
    check(posix_memalign(&p, 0, 10) == EINVAL && p == untouched, "posix_memalign refuses 0");
    errno = 0;
    check(malloc(huge) == NULL && errno == ENOMEM, "malloc of everything fails");
    errno = 0;
    check(malloc(huge / 2) == NULL && errno == ENOMEM, "malloc of half of everything fails");
    errno = 0;
    check(calloc(huge / 2, 3) == NULL && errno == ENOMEM, "calloc sees the overflow");
    errno = 0;
    check(reallocarray(NULL, huge / 2, 3) == NULL && errno == ENOMEM,
          "reallocarray sees the overflow");
    unsigned char *block = malloc(100000);
    memset(block, 7, 100000);
    unsigned char *volatile same =
        block; // so that the compiler does not know what realloc does to it
    errno = 0;
    check(realloc(same, huge / 2) == NULL && errno == ENOMEM && is_filled(block, 100000, 7),
          "a failed realloc leaves the block");
    check(realloc(same, 0) == NULL, "realloc to 0 frees");
    free(NULL);
    p = realloc(NULL, 10);
    check(p != NULL, "realloc of NULL allocates");
    free(p);
    p = malloc(0);
    check(p != NULL, "malloc of 0 gives a block");
    free(p);
    p = valloc(100);
    check((uintptr_t)p % 4096 == 0, "valloc aligns to the page");
    free(p);
    p = pvalloc(100);
    check((uintptr_t)p % 4096 == 0 && malloc_usable_size(p) >= 4096, "pvalloc gives whole pages");
    free(p);
}

// C23's sized frees, which the C library may not have yet.
static void sized(void)
{
    void (*free_sized)(void *, size_t) = NULL;
    void (*free_aligned_sized)(void *, size_t, size_t) = NULL;
    void *address = dlsym(RTLD_DEFAULT, "free_sized");
    memcpy(&free_sized, &address, sizeof(address));
    address = dlsym(RTLD_DEFAULT, "free_aligned_sized");
    memcpy(&free_aligned_sized, &address, sizeof(address));
    for (int i = 0; i < 1000 && free_sized && free_aligned_sized; i++) {
        free_sized(malloc(5000), 5000);
        free_aligned_sized(aligned_alloc(64, 6400), 64, 6400);
    }
}

static void error_number(void)
{
    for (int i = 0; i < 1000; i++) {
        void *p = malloc(1000);
        errno = 77;
        free(p);
        if (errno != 77) {
            check(0, "free keeps errno");
            return;
        }
        errno = 78;
        p = malloc(1000);
        if (errno != 78) {
            check(0, "a malloc that succeeds keeps errno");
            return;
        }
        free(p);
    }
}

int main(void)
{
    for (size_t n = 1; n < 3000000; n = n * 5 / 3 + 1)
        sizes(n);
    for (size_t alignment = 8; alignment <= 1 << 16; alignment *= 2)
        alignments(alignment, 1000);
    edges();
    sized();
    error_number();
    printf("%d broken\n", failures);
    return failures != 0;
}
