#include "object/name_list.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

enum { MOST_BYTES = 256 << 20 };

void name_list_init(struct name_list *l, struct arena *a)
{
    *l = (struct name_list){.arena = a};
}

// The hexadecimal number before a blank, which is cut off *line too.  False when there is none.
static bool cut_hex(u64 *out, struct str *line)
{
    struct str digits = str_cut(line, ' ');
    *out = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
            return false;
        *out = *out << 4 | (u64)(is_digit ? c - '0' : (c | 32) - 'a' + 10);
    }
    return digits.len >= 1 && digits.len <= 16;
}

static struct name_range *add(struct name_list *l, u64 start, u64 limit, struct str name)
{
    struct name_range *r = arena_push(l->arena, l->range, l->n, l->cap);
    *r = (struct name_range){.start = start, .limit = limit, .order = l->n, .name = name};
    return r;
}

void name_list_add_jit(struct name_list *l, struct str text)
{
    while (text.len) {
        struct str line = str_cut(&text, '\n');
        u64 start, size;
        if (str_starts(line, STR("0x"))) // some compilers write it
            line = str_skip(line, 2);
        if (!cut_hex(&start, &line))
            continue;
        if (str_starts(line, STR("0x")))
            line = str_skip(line, 2);
        if (!cut_hex(&size, &line) || size > UINT64_MAX - start || line.len == 0)
            continue;
        add(l, start, start + size, str_trim(line));
    }
}

static u8 leading_underscores(struct str name)
{
    u8 n = 0;
    while (n < name.len && n < 8 && name.ptr[n] == '_')
        n++;
    return n;
}

// Which of several symbols at one address is the one to show, by perf's rule: no weak one, a global
// rather than a local one, few underscores.
static u8 rank(char type, struct str name)
{
    return (u8)((type == 'T' ? 32 : type == 't' ? 16 : 0) + 9 - leading_underscores(name));
}

// One line of kallsyms.  False when it is none.
static bool cut_symbol(struct str line, u64 *address, char *type, struct str *name,
                       struct str *module)
{
    if (!cut_hex(address, &line) || line.len < 3)
        return false;
    *type = line.ptr[0];
    line = str_skip(line, 2);
    *name = str_trim(str_cut(&line, '\t'));
    *module = str_trim(line);
    if (str_starts(*module, STR("[")) && str_ends(*module, STR("]")))
        *module = (struct str){module->ptr + 1, module->len - 2};
    return true;
}

bool name_list_add_kallsyms(struct name_list *l, struct str text, struct str wanted)
{
    bool any = false;
    while (text.len) {
        u64 address;
        char type;
        struct str name, module;
        if (!cut_symbol(str_cut(&text, '\n'), &address, &type, &name, &module))
            continue;
        any |= address != 0;
        if ((type | 32) == 't' || (type | 32) == 'w') {
            if (str_equal(module, wanted))
                add(l, address, UINT64_MAX, name)->rank = rank(type, name);
        }
    }
    return any;
}

bool name_list_address(u64 *address, struct str kallsyms, struct str wanted)
{
    while (kallsyms.len) {
        char type;
        struct str name, module;
        if (cut_symbol(str_cut(&kallsyms, '\n'), address, &type, &name, &module) &&
            str_equal(name, wanted) && module.len == 0)
            return true;
    }
    return false;
}

// By start, and of one start the best last.
static int by_start(const void *left, const void *right)
{
    const struct name_range *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->rank && a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

void name_list_sort(struct name_list *l, u64 base)
{
    for (u32 i = 0; i < l->n; i++) {
        l->range[i].start -= base;
        l->range[i].limit -= base;
    }
    if (l->n)
        qsort(l->range, l->n, sizeof(*l->range), by_start);
    // A symbol of the kernel is as long as the way to the next one.
    for (u32 i = 0; i + 1 < l->n; i++) {
        if (l->range[i].rank)
            l->range[i].limit = l->range[i + 1].start;
    }
}

struct str name_list_find(const struct name_list *l, u64 offset)
{
    u32 low = 0, high = l->n; // ranges below low start at or below offset
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (l->range[middle].start <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low && offset < l->range[low - 1].limit ? l->range[low - 1].name : STR("");
}

bool name_list_is_jit(struct str path)
{
    i64 pid;
    if (!str_starts(path, STR("/tmp/perf-")) || !str_ends(path, STR(".map")))
        return false;
    path = str_skip(path, STR("/tmp/perf-").len);
    path.len -= STR(".map").len;
    return str_i64(&pid, path);
}

bool name_list_open_jit(struct name_list *l, const char *path, struct arena *a, struct err *e)
{
    struct str text;
    struct stat st;
    name_list_init(l, a);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) // no pipe, at which one would wait for ever
        return err_set(
            e, ENOENT,
            "%s is not here, so code that was made at run time has no names: java writes "
            "it with -XX:+DumpPerfMapAtExit, node with --perf-basic-prof, python with "
            "-X perf",
            path);
    if (!file_read(&text, path, MOST_BYTES, a, e))
        return false;
    name_list_add_jit(l, text);
    name_list_sort(l, 0);
    return true;
}
