// What stands behind the records of a perf.data file, or in records of its own when it came through
// a pipe: names of events, build ids, and which machine and command it was.
#include <sys/utsname.h>

#include "object/build_id.h"
#include "object/kernel.h"
#include "profile/perf_file.h"

// Numbers of features: HEADER_* in the kernel's tools/perf/util/header.h.
enum {
    FEATURE_BUILD_ID = 2,
    FEATURE_HOSTNAME = 3,
    FEATURE_RELEASE = 4,
    FEATURE_VERSION = 5,
    FEATURE_ARCH = 6,
    FEATURE_COMMAND = 11,
    FEATURE_EVENTS = 12,
    FEATURE_CLOCK = 29
};

enum {
    BUILD_ID_BYTES = 20,
    MODE_MASK = PERF_RECORD_MISC_CPUMODE_MASK,
    HAS_SIZE = 1 << 15 // PERF_RECORD_MISC_BUILD_ID_SIZE
};

#define KERNEL STR("[kernel.kallsyms]")

// Features that are one text, and what each is called as a comment.
static const struct {
    u32 number;
    const char *name;
} texts[] = {
    {FEATURE_VERSION, "version"}, {FEATURE_HOSTNAME, "hostname"}, {FEATURE_RELEASE, "osrelease"}};

static void comment(struct perf_file *f, const char *name, struct str text)
{
    if (text.len && f->ncomment < ARRAY_LEN(f->comment))
        f->comment[f->ncomment++] = arena_printf(f->arena, "perf-%s:%.*s", name, STR_ARG(text));
}

static struct str read_text(struct cursor *b)
{
    struct cursor text = cursor_part(b, cursor_u32(b));
    return perf_text(&text);
}

static void read_command(struct perf_file *f, struct cursor b)
{
    struct buf line;
    buf_init(&line, KIB(64));
    for (u32 n = cursor_u32(&b); n > 0 && !b.bad; n--) {
        struct str word = read_text(&b);
        buf_text(&line, line.len ? " " : "");
        buf_add(&line, word);
    }
    comment(f, "command", buf_str(&line));
    buf_free(&line);
}

// Each event again, with its name; it is known by its ids, or else by its place.
static void read_events(struct perf_file *f, struct cursor b)
{
    u32 n = cursor_u32(&b), attr_size = cursor_u32(&b);
    for (u32 i = 0; i < n && !b.bad; i++) {
        u32 row = i;
        cursor_skip(&b, attr_size);
        u32 nid = cursor_u32(&b);
        struct str name = read_text(&b);
        struct cursor ids = cursor_words(&b, nid);
        if (nid)
            perf_file_event(f, cursor_u64(&ids), &row);
        if (!b.bad && row < f->nevent)
            f->event[row].name = name;
    }
}

static void read_clock(struct perf_file *f, struct cursor b)
{
    cursor_skip(&b, 8); // version, clock
    f->wall_ns = cursor_u64(&b);
    f->clock_ns = cursor_u64(&b);
    if (b.bad || f->wall_ns > INT64_MAX)
        f->wall_ns = f->clock_ns = 0;
}

static void read_build_ids(struct perf_file *f, struct cursor b)
{
    for (struct perf_record r; perf_record_next(&r, &b);)
        perf_build_id_read(f, &r);
}

void perf_feature_read(struct perf_file *f, u64 number, struct cursor bytes)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].number != number)
            continue;
        struct str text = read_text(&bytes);
        comment(f, texts[i].name, text);
        if (number == FEATURE_HOSTNAME)
            f->hostname = text;
        if (number == FEATURE_RELEASE)
            f->release = text;
    }
    if (number == FEATURE_ARCH)
        f->is_x86_64 = str_equal(read_text(&bytes), STR("x86_64"));
    if (number == FEATURE_BUILD_ID)
        read_build_ids(f, bytes);
    if (number == FEATURE_COMMAND)
        read_command(f, bytes);
    if (number == FEATURE_EVENTS)
        read_events(f, bytes);
    if (number == FEATURE_CLOCK)
        read_clock(f, bytes);
}

static void set_build_id(struct perf_file *f, struct str path, struct str id)
{
    u32 row = table_add(&f->path, path);
    if (row == f->nbuild_id)
        arena_push(f->arena, f->build_id, f->nbuild_id, f->build_id_cap);
    f->build_id[row] = id;
}

// The kernel itself, be it called by the file that it was booted from, and no module.
static bool is_kernel(struct str path)
{
    return !str_starts(path, STR("[")) && str_find(path, STR(".ko")) < 0;
}

void perf_build_id_read(struct perf_file *f, const struct perf_record *r)
{
    struct cursor b = r->body;
    cursor_skip(&b, 4); // the process
    struct cursor id = cursor_part(&b, 24);
    struct str path = perf_text(&b);
    if (b.bad || path.len == 0)
        return;
    size_t n = r->misc & HAS_SIZE ? id.at[BUILD_ID_BYTES] : BUILD_ID_BYTES;
    struct str hex = perf_hex(id.at, n < BUILD_ID_BYTES ? n : BUILD_ID_BYTES, f->arena);
    set_build_id(f, path, hex);
    if ((r->misc & MODE_MASK) == PERF_RECORD_MISC_KERNEL && is_kernel(path))
        set_build_id(f, KERNEL, hex);
}

void perf_kernel_recognize(struct perf_file *f)
{
    struct utsname here;
    struct str id;
    if (f->build_id[table_find(&f->path, KERNEL)].len || f->release.len == 0 || uname(&here) != 0)
        return;
    if (str_equal(f->release, str_of(here.release)) &&
        str_equal(f->hostname, str_of(here.nodename)) && kernel_build_id(&id, f->arena))
        set_build_id(f, KERNEL, id);
}

struct str perf_hex(const u8 *id, size_t n, struct arena *a)
{
    static const u8 zeros[4];
    while (n >= sizeof(zeros) && memcmp(id + n - sizeof(zeros), zeros, sizeof(zeros)) == 0)
        n -= sizeof(zeros);
    return n ? build_id_hex(id, n, a) : STR("");
}

struct str perf_file_build_id(const struct perf_file *f, struct str path)
{
    // "[kernel.kallsyms]_text" says which symbol its start is.
    if (str_starts(path, KERNEL))
        path = KERNEL;
    return f->build_id[table_find(&f->path, path)];
}
