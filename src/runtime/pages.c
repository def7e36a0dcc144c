// The record's pages.  At the limit no fresh page is to be had, so all of them are brought in
// early, and locked where the program's own limit allows.  But that takes some milliseconds, and no
// allocation is to wait for so long.  So the first sample only reserves what it and the next ones
// can touch, which takes a fraction: the sections that are hash tables, and the beginning of those
// that are appended to.  Each further one brings in some more, until all are there; what is
// appended cannot overtake that.
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
    PIECE_BYTES = 64 << 10,
    BEGINNING_BYTES = 64 << 10, // of a section that is appended to
    STACKS_BYTES = 256 << 10,   // of the one that grows fastest
    SLICE_NS = 300000,
    PAUSE_NS = 100000
};

static u64 done_bytes; // of all pages, from the stacks on and around
static u32 lock;
static bool locks_pages;

void pages_reset(void)
{
    done_bytes = 0;
    lock = 0;
}

static u64 section_bytes(u32 section)
{
    const struct record_section *s = &record.header->section[section];
    return (u64)s->row_bytes * s->nrow;
}

// How much of a section is needed from the beginning.
static u64 needed_bytes(u32 section)
{
    u64 all = section_bytes(section), beginning = BEGINNING_BYTES;
    if (section == RECORD_LIVE_KEY || section == RECORD_LIVE_BLOCK ||
        section == RECORD_STACK_SLOT || section == RECORD_LABEL_SLOT)
        return all;
    if (section == RECORD_STACK_WORD)
        beginning = STACKS_BYTES;
    return all < beginning ? all : beginning;
}

static bool reserve(int fd)
{
    for (u32 i = 0; i < RECORD_NSECTION; i++) {
        if (fallocate(fd, 0, (off_t)record.header->section[i].offset, (off_t)needed_bytes(i)) != 0)
            return false;
    }
    return true;
}

bool pages_reserve(const char *path)
{
    struct rlimit limit;
    // Only where the program's own use of locked memory is not hindered.
    locks_pages = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur / 4 >= record_bytes();
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool is_reserved = fd >= 0 && reserve(fd);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (is_reserved)
        return true;
    // Where files cannot be reserved, or this one has no name any more: all at once.
    return error != ENOSPC &&
           (madvise(record.header, record_bytes(), MADV_POPULATE_WRITE) == 0 || errno == EINVAL);
}

// Brings in the next piece.
static bool bring_piece(void)
{
    u64 all = record_bytes(), first = record.header->section[RECORD_STACK_WORD].offset;
    u64 at = (first + done_bytes) % all, n = all - done_bytes;
    n = n < PIECE_BYTES ? n : PIECE_BYTES;
    n = n < all - at ? n : all - at;
    void *piece = (u8 *)record.header + at;
    // EINVAL: a kernel before 5.14, for which all pages were there from the beginning.
    if (madvise(piece, n, MADV_POPULATE_WRITE) != 0 && errno != EINVAL)
        return false;
    if (locks_pages)
        mlock(piece, n);
    done_bytes += n;
    return true;
}

enum pages pages_more(void)
{
    enum pages result = PAGES_TO_COME;
    u64 end_ns = lock_clock_ns() + SLICE_NS;
    if (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {
        // Another thread does it.  To be held up meanwhile is to leave it the time that it needs.
        const struct timespec pause = {.tv_nsec = PAUSE_NS};
        syscall(SYS_nanosleep, &pause, NULL);
        return PAGES_TO_COME;
    }
    while (result == PAGES_TO_COME && lock_clock_ns() < end_ns) {
        if (done_bytes == record_bytes())
            result = PAGES_ALL;
        else if (!bring_piece())
            result = PAGES_REFUSED;
    }
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    return result;
}
