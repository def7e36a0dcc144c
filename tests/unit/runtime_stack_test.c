// Which memory may be read while a stack is unwound: wrong addresses are what it is for.
#include <sys/mman.h>

#include "../tap.h"
#include "runtime/runtime.h"

enum { PAGE = 4096 };

__thread struct thread thread;

static void test_own(void)
{
    u64 word = 1, sp = (u64)(uintptr_t)&word & ~(u64)7;
    struct window w = stack_window(sp);
    ok(w.low == sp && w.high > sp, "the thread's own stack is a window");
    ok(stack_readable(&w, sp) && w.low == sp, "words of it may be read");
    ok(stack_readable(&w, w.high - 8), "up to its end");
    ok(!stack_readable(&w, 8) && w.low == sp, "what is not mapped may not, and the window stays");
}

static void test_wrong(void)
{
    static const u64 wrong[] = {0, 4, 8, (u64)-8, (u64)-16, (u64)-1, (u64)1 << 47, (u64)1 << 63};
    struct window none = {0};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ok(!stack_readable(&none, wrong[i]), "not at 0x%llx", (unsigned long long)wrong[i]);
}

static void test_other(void)
{
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    u64 at = (u64)(uintptr_t)page;
    struct window w = {0};
    mprotect(page + PAGE, PAGE, PROT_NONE);
    ok(stack_readable(&w, at) && stack_readable(&w, at + PAGE - 8), "a page of another stack");
    ok(!stack_readable(&w, at + PAGE), "but not the guard behind it");
    w = (struct window){0};
    ok(!stack_readable(&w, at + 4), "nor a word that is not aligned");
    w = (struct window){.is_remote = true};
    page[8] = 7;
    ok(stack_readable(&w, at + 8) && *(const char *)(uintptr_t)(at + 8 + w.shift) == 7,
       "another thread's is copied");
    munmap(page, 2 * PAGE);
    w = (struct window){.is_remote = true};
    ok(!stack_readable(&w, at), "as long as it is there");
}

int main(void)
{
    test_own();
    test_wrong();
    test_other();
    return done();
}
