#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tap.h"
#include "base/file.h"
#include "object/kernel.h"

static struct arena arena;

static bool finds(const struct name_list *l, u64 offset, const char *name)
{
    return str_equal(name_list_find(l, offset), str_of(name));
}

static void test_jit(void)
{
    struct name_list l;
    name_list_init(&l, &arena);
    name_list_add_jit(&l, STR("7f0010 10 Interpreter\n"
                              "0x7F0040 0x20 void Foo::bar(int)\r\n"
                              "no number\n"
                              "7f0100 10\n"
                              "ffffffffffffffff 10 beyond\n"
                              "7f0010 20 Compiled again"));
    name_list_sort(&l, 0);
    ok(l.n == 3, "lines that are none are left out");
    ok(finds(&l, 0x7f0040, "void Foo::bar(int)") && finds(&l, 0x7f005f, "void Foo::bar(int)"),
       "a range has its first and its last byte; names have blanks");
    ok(finds(&l, 0x7f0060, "") && finds(&l, 0x7f0000, ""), "what is outside has no name");
    ok(finds(&l, 0x7f0025, "Compiled again"), "of one start the last line counts");
}

static const char kallsyms[] = "0000000000000000 A fixed_percpu_data\n"
                               "ffffffff81000000 T _stext\n"
                               "ffffffff81000000 T _text\n"
                               "ffffffff81000100 t local_name\n"
                               "ffffffff81000100 T __global_name\n"
                               "ffffffff81000100 W weak_and_longer_name\n"
                               "ffffffff81000200 T next\n"
                               "ffffffff81000300 D data\n"
                               "ffffffffc0000000 t init\t[ext4]\n"
                               "ffffffffc0000040 t other\t[xfs]\n";

static void test_kallsyms(void)
{
    struct name_list l;
    u64 base = 0;
    name_list_init(&l, &arena);
    ok(name_list_add_kallsyms(&l, str_of(kallsyms), STR("")), "there are addresses");
    ok(name_list_address(&base, str_of(kallsyms), STR("_text")) && base == 0xffffffff81000000,
       "a symbol's address is found by its name");
    name_list_sort(&l, base);
    ok(finds(&l, 0x1ff, "__global_name"), "of several names a global one is best, as in perf");
    ok(finds(&l, 0x200, "next") && finds(&l, 0x80, "_stext"),
       "a symbol ends where the next begins");
    ok(finds(&l, UINT64_MAX, ""), "nothing is before the first");
    name_list_init(&l, &arena);
    name_list_add_kallsyms(&l, str_of(kallsyms), STR("ext4"));
    name_list_sort(&l, 0xffffffffc0000000);
    ok(l.n == 1 && finds(&l, 0, "init"), "a module has its own symbols only");
    name_list_init(&l, &arena);
    ok(!name_list_add_kallsyms(&l, STR("0000000000000000 T _text\n0000000000000000 T next\n"),
                               STR("")),
       "hidden addresses are seen to be hidden");
}

static void test_is(void)
{
    ok(kernel_is(STR("[kernel.kallsyms]_text")) && kernel_is(STR("[ext4]")) &&
           kernel_is(STR("/lib/modules/6.1/kernel/fs/ext4.ko.xz")),
       "the kernel and its modules are the kernel");
    ok(!kernel_is(STR("[vdso]")) && !kernel_is(STR("[anon:heap]")) && !kernel_is(STR("/bin/ls")) &&
           !kernel_is(STR("[guest.kernel]")) && !kernel_is(STR("")),
       "nothing else is");
    ok(name_list_is_jit(STR("/tmp/perf-12.map")) && !name_list_is_jit(STR("/tmp/perf-x.map")) &&
           !name_list_is_jit(STR("/tmp/perf-12.map.so")),
       "a perf map has a process's number");
}

// The copy that perf keeps of the kernel's names, from another boot or another machine.
static void test_kept(void)
{
    char home[] = "/tmp/sonde-home.XXXXXX";
    static const char *const folder[] = {"", "/.debug", "/.debug/[kernel.kallsyms]",
                                         "/.debug/[kernel.kallsyms]/abcd"};
    struct str path[ARRAY_LEN(folder)];
    struct name_list l;
    struct err e = {0};
    if (!ok(mkdtemp(home) != NULL, "there is a folder"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(folder); i++) {
        path[i] = arena_printf(&arena, "%s%s", home, folder[i]);
        mkdir(path[i].ptr, 0700);
    }
    struct str copy = arena_printf(&arena, "%s/kallsyms", path[3].ptr);
    ok(file_write(copy.ptr, str_of(kallsyms), &e), "perf keeps a copy");
    setenv("HOME", home, 1);
    ok(kernel_open(&l, STR("[kernel.kallsyms]_text"), STR("abcd"), &arena, &e) &&
           finds(&l, 0x200, "next"),
       "names come from the copy when another kernel runs here");
    ok(!kernel_open(&l, STR("[kernel.kallsyms]_text"), STR("abce"), &arena, &e) &&
           e.code == ENOENT && strstr(e.text, "another kernel"),
       "names of another kernel without a copy are refused");
    ok(!kernel_open(&l, STR("[kernel.kallsyms]_text"), STR(""), &arena, &e) && e.code == ENODATA,
       "names of a kernel that is not known are refused");
    unlink(copy.ptr);
    for (size_t i = ARRAY_LEN(folder); i > 0; i--)
        rmdir(path[i - 1].ptr);
}

static void test_missing(void)
{
    struct name_list l;
    struct err e = {0};
    ok(!name_list_open_jit(&l, "/tmp/perf-4194305.map", &arena, &e) && e.code == ENOENT,
       "a perf map that is missing is told of");
    ok(!name_list_open_jit(&l, "/dev/zero", &arena, &e), "only a file is read");
}

int main(void)
{
    arena_init(&arena, (size_t)MIB(512));
    test_jit();
    test_kallsyms();
    test_is();
    test_kept();
    test_missing();
    arena_free(&arena);
    return done();
}
