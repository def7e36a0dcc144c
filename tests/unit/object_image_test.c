// Unwind rules of this program's own file.
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../tap.h"
#include "object/build_id.h"
#include "object/image.h"

static struct arena arena;

// Has a frame of its own: the rule behind its prologue is a known one.
__attribute__((noinline)) static int framed(int n)
{
    volatile char room[64];
    room[n & 63] = (char)n;
    return ok(room[n & 63] == (char)n, "a function has a frame");
}

int main(void)
{
    char self[4096];
    struct image i;
    struct err e;
    struct str id;
    arena_init(&arena, (size_t)MIB(512));
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[n < 0 ? 0 : n] = 0;
    framed(3);

    ok(image_open(&i, str_of(self), STR(""), &arena, &e), "a file has unwind rules");
    Dl_info where = {0};
    dladdr(&arena, &where); // of the file's data, and so its start
    u64 offset = (u64)(uintptr_t)framed - (u64)(uintptr_t)where.dli_fbase;
    struct unwind_rule rule = image_rule(&i, offset);
    ok(rule.cfa == UNWIND_SP && rule.cfa_offset == 8,
       "at a function's start the return address is at the stack pointer");
    ok(image_rule(&i, UINT64_MAX).cfa == UNWIND_UNKNOWN && image_rule(&i, 0).cfa == UNWIND_UNKNOWN,
       "where no code is there are none");

    build_id_read(&id, self, &arena);
    ok(id.len && image_open(&i, str_of(self), id, &arena, &e), "a file with the wanted build id");
    ok(!image_open(&i, str_of(self), STR("0123456789abcdef"), &arena, &e) && e.code == ENOENT,
       "a file with another build id is not the one");
    ok(!image_open(&i, STR("/dev/zero"), STR(""), &arena, &e), "only a file is read");
    ok(!image_open(&i, STR("relative"), STR(""), &arena, &e), "only a whole path is looked up");
    arena_free(&arena);
    return done();
}
