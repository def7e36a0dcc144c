#include "object/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "object/build_id.h"

enum { MOST_BYTES = 256 << 20 };

#define KERNEL "[kernel.kallsyms]"

static bool is_module_file(struct str filename)
{
    static const char *const end[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
    for (size_t i = 0; i < ARRAY_LEN(end); i++) {
        if (str_ends(filename, str_of(end[i])))
            return true;
    }
    return false;
}

// What else stands in brackets is no module.
static bool is_module_name(struct str filename)
{
    static const char *const other[] = {"[vdso]",  "[vsyscall]", "[heap]",
                                        "[stack]", "[bpf]",      "[hypervisor]",
                                        "[guest]", "[kernel]",   "[unknown]"};
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        if (str_equal(filename, str_of(other[i])))
            return false;
    }
    return str_starts(filename, STR("[")) && str_ends(filename, STR("]")) &&
           str_find(filename, STR(".")) < 0 && str_find(filename, STR(":")) < 0;
}

bool kernel_is_core(struct str filename)
{
    return str_starts(filename, STR(KERNEL));
}

bool kernel_is(struct str filename)
{
    return kernel_is_core(filename) || is_module_file(filename) || is_module_name(filename);
}

// "ext4" of "[ext4]" or "/lib/modules/.../ext4.ko.xz"; modules have '_' where their files may have
// '-'.
static struct str module_name(struct str filename, struct arena *a)
{
    struct str name = str_basename(filename);
    if (str_starts(name, STR("[")))
        name = (struct str){name.ptr + 1, name.len - 2};
    else
        name = str_cut(&name, '.');
    char *copy = arena_alloc(a, name.len + 1, 1);
    for (size_t i = 0; i < name.len; i++)
        copy[i] = name.ptr[i] == '-' ? '_' : name.ptr[i];
    return (struct str){copy, name.len};
}

// The build id in a file of ELF notes.
static bool read_note(struct str *id, const char *path, struct arena *a)
{
    enum { NOTE_BUILD_ID = 3, MOST_NOTE_BYTES = 1 << 16 };
    struct str notes;
    struct err e;
    if (access(path, R_OK) != 0 || !file_read(&notes, path, MOST_NOTE_BYTES, a, &e))
        return false;
    u32 head[3]; // bytes of the name, bytes of the content, type
    while (notes.len >= sizeof(head)) {
        memcpy(head, notes.ptr, sizeof(head));
        size_t name = ((size_t)head[0] + 3) & ~(size_t)3;
        notes = str_skip(notes, sizeof(head));
        if (name > notes.len || head[1] > notes.len - name)
            return false;
        struct str content = {notes.ptr + name, head[1]};
        if (head[2] == NOTE_BUILD_ID && head[0] == 4 && memcmp(notes.ptr, "GNU", 4) == 0) {
            *id = build_id_hex(content.ptr, content.len, a);
            return true;
        }
        notes = str_skip(notes, name + (((size_t)head[1] + 3) & ~(size_t)3));
    }
    return false;
}

bool kernel_build_id(struct str *id, struct arena *a)
{
    return read_note(id, "/sys/kernel/notes", a);
}

// Where the symbol is that offsets are counted from; base 0 when there is none.
static bool find_base(u64 *base, struct str kallsyms, struct str symbol)
{
    *base = 0;
    return symbol.len == 0 || name_list_address(base, kallsyms, symbol);
}

// Names from a copy of kallsyms; false when it shows no addresses.
static bool read_kallsyms(struct name_list *l, const char *path, struct str symbol, struct arena *a)
{
    struct str text;
    struct err e;
    u64 base;
    name_list_init(l, a);
    if (access(path, R_OK) != 0 || !file_read(&text, path, MOST_BYTES, a, &e) ||
        !name_list_add_kallsyms(l, text, STR("")) || !find_base(&base, text, symbol))
        return false;
    name_list_sort(l, base);
    return true;
}

static bool open_kernel(struct name_list *l, struct str symbol, struct str build_id,
                        struct arena *a, struct err *e)
{
    const char *home = getenv("HOME");
    struct str here = STR("");
    if (build_id.len == 0)
        return err_set(e, ENODATA,
                       "functions of the kernel have no names: the profile does not say which "
                       "kernel it is of");
    bool is_here = kernel_build_id(&here, a) && str_equal(here, build_id);
    if (is_here && read_kallsyms(l, "/proc/kallsyms", symbol, a))
        return true;
    struct str kept =
        arena_printf(a, "%s/.debug/" KERNEL "/%.*s/kallsyms", home ? home : "", STR_ARG(build_id));
    if (read_kallsyms(l, kept.ptr, symbol, a))
        return true;
    return is_here ? err_set(e, EACCES,
                             "functions of the kernel have no names: /proc/kallsyms hides its "
                             "addresses; try as root, or after \"sysctl kernel.kptr_restrict=0\"")
                   : err_set(e, ENOENT,
                             "functions of the kernel have no names: they are of another kernel "
                             "than the one here, build id %.*s; look at the profile where it was "
                             "recorded, or bring ~/.debug/" KERNEL " from there",
                             STR_ARG(build_id));
}

// The start of a module, from lines "NAME SIZE USES USERS STATE START".
static bool module_start(u64 *start, struct str modules, struct str wanted)
{
    while (modules.len) {
        struct str line = str_cut(&modules, '\n'), name = str_cut(&line, ' ');
        i64 at = str_find(line, STR(" 0x"));
        if (!str_equal(name, wanted) || at < 0)
            continue;
        *start = strtoull(line.ptr + at, NULL, 16); // the line's end ends the number
        return *start != 0;
    }
    return false;
}

static bool open_module(struct name_list *l, struct str name, struct str build_id, struct arena *a,
                        struct err *e)
{
    struct str text, here, modules;
    struct err why;
    u64 start;
    struct str path = arena_printf(a, "/sys/module/%.*s/notes/.note.gnu.build-id", STR_ARG(name));
    name_list_init(l, a);
    if (build_id.len == 0 || !read_note(&here, path.ptr, a) || !str_equal(here, build_id))
        return err_set(
            e, ENOENT,
            "functions of the kernel's module %.*s have no names: it is not loaded here, "
            "or is another one",
            STR_ARG(name));
    if (!file_read(&modules, "/proc/modules", MOST_BYTES, a, &why) ||
        !module_start(&start, modules, name) ||
        !file_read(&text, "/proc/kallsyms", MOST_BYTES, a, &why) ||
        !name_list_add_kallsyms(l, text, name))
        return err_set(e, EACCES,
                       "functions of the kernel's module %.*s have no names: /proc/modules hides "
                       "its address; try as root, or after \"sysctl kernel.kptr_restrict=0\"",
                       STR_ARG(name));
    name_list_sort(l, start);
    return true;
}

bool kernel_open(struct name_list *l, struct str filename, struct str build_id, struct arena *a,
                 struct err *e)
{
    if (kernel_is_core(filename))
        return open_kernel(l, str_skip(filename, STR(KERNEL).len), build_id, a, e);
    return open_module(l, module_name(filename, a), build_id, a, e);
}
