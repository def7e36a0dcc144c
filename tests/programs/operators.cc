// C++'s operators new and delete, each by a function of its own name that holds 1 MB and gives as
// much free again; then the process dies.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <unistd.h>
#include <vector>

#define NOINLINE __attribute__((noinline))
#define BARRIER  __asm__ volatile("" ::: "memory")

enum { BLOCKS = 1000, BYTES = 1000 };

struct alignas(64) Line {
    char byte[BYTES / 64 * 64];
};

static void *volatile sink;
static int broken;

// Holds every second of so many blocks; the others are given free by f.
template <typename Make, typename Free> static void run(Make make, Free drop, size_t alignment = 16)
{
    std::vector<void *> blocks;
    for (int i = 0; i < 2 * BLOCKS; i++) {
        blocks.push_back(make());
        broken += reinterpret_cast<size_t>(blocks.back()) % alignment != 0;
        memset(blocks.back(), i, BYTES);
    }
    for (int i = 0; i < 2 * BLOCKS; i += 2) {
        broken += static_cast<unsigned char *>(blocks[i])[BYTES - 1] != (i & 255);
        drop(blocks[i]);
    }
    for (int i = 1; i < 2 * BLOCKS; i += 2)
        sink = blocks[i];
}

#define MAKER(name, expression)                                                                    \
    NOINLINE static void *name()                                                                   \
    {                                                                                              \
        void *block = expression;                                                                  \
        BARRIER;                                                                                   \
        return block;                                                                              \
    }

static const std::align_val_t ALIGNED{64};
MAKER(by_new, ::operator new(BYTES))
MAKER(by_new_array, ::operator new[](BYTES))
MAKER(by_new_nothrow, ::operator new(BYTES, std::nothrow))
MAKER(by_new_array_nothrow, ::operator new[](BYTES, std::nothrow))
MAKER(by_new_aligned, ::operator new(BYTES, ALIGNED))
MAKER(by_new_array_aligned, ::operator new[](BYTES, ALIGNED))
MAKER(by_new_aligned_nothrow, ::operator new(BYTES, ALIGNED, std::nothrow))
MAKER(by_new_array_aligned_nothrow, ::operator new[](BYTES, ALIGNED, std::nothrow))

static int handled;

static void on_no_memory()
{
    handled++;
    std::set_new_handler(nullptr);
}

static void failures()
{
    volatile size_t huge = size_t(1) << 62;
    int caught = 0;
    std::set_new_handler(on_no_memory);
    try {
        sink = ::operator new(huge);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        sink = ::operator new[](huge);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        sink = ::operator new(huge, ALIGNED);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    sink = ::operator new(huge, std::nothrow);
    broken += sink != nullptr || caught != 3 || handled != 1;
    ::operator delete(nullptr);
    ::operator delete[](nullptr, size_t(8));
}

int main(int argc, char **)
{
    run(by_new, [](void *p) { ::operator delete(p); });
    run(by_new, [](void *p) { ::operator delete(p, size_t(BYTES)); });
    run(by_new_array, [](void *p) { ::operator delete[](p); });
    run(by_new_array, [](void *p) { ::operator delete[](p, size_t(BYTES)); });
    run(by_new_nothrow, [](void *p) { ::operator delete(p, std::nothrow); });
    run(by_new_array_nothrow, [](void *p) { ::operator delete[](p, std::nothrow); });
    run(
        by_new_aligned, [](void *p) { ::operator delete(p, ALIGNED); }, 64);
    run(
        by_new_aligned, [](void *p) { ::operator delete(p, size_t(BYTES), ALIGNED); }, 64);
    run(
        by_new_array_aligned, [](void *p) { ::operator delete[](p, ALIGNED); }, 64);
    run(
        by_new_array_aligned, [](void *p) { ::operator delete[](p, size_t(BYTES), ALIGNED); }, 64);
    run(
        by_new_aligned_nothrow, [](void *p) { ::operator delete(p, ALIGNED, std::nothrow); }, 64);
    run(
        by_new_array_aligned_nothrow,
        [](void *p) { ::operator delete[](p, ALIGNED, std::nothrow); }, 64);
    failures();
    printf("%d broken\n", broken);
    fflush(stdout);
    if (argc == 1)
        return broken != 0;
    kill(getpid(), SIGKILL);
}
