#include "oom/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { FILE_LIMIT_MIB = 1024 };

void watch_init(struct watch *w, u32 pid, u64 start_ticks)
{
    w->version = WATCH_VERSION;
    w->bytes = sizeof(*w);
    w->pid = pid;
    w->start_ticks = start_ticks;
    memcpy(w->magic, WATCH_MAGIC, sizeof(w->magic));
}

// Copies a row, whose first word is its time, so that it is seen whole or not at all.
static void store(void *row, const void *from, size_t bytes)
{
    u64 *time_ns = row;
    __atomic_store_n(time_ns, 0, __ATOMIC_RELEASE);
    memcpy(time_ns + 1, (const u64 *)from + 1, bytes - sizeof(u64));
    __atomic_store_n(time_ns, *(const u64 *)from, __ATOMIC_RELEASE);
}

// Whether a ring whose last row is at last_ns (0: none yet) takes one at now_ns.
static bool is_due(u64 n, u64 last_ns, u64 now_ns, u64 period_ns)
{
    return n == 0 || now_ns >= last_ns + period_ns;
}

void watch_add_look(struct watch *w, const struct watch_look *look)
{
    for (u32 ring = 0; ring < WATCH_RINGS; ring++) {
        u64 n = w->nlook[ring];
        u64 last_ns = w->look[ring][(n + WATCH_LOOKS - 1) % WATCH_LOOKS].time_ns;
        if (!is_due(n, last_ns, look->time_ns, WATCH_LOOK_PERIOD_NS[ring]))
            continue;
        store(&w->look[ring][n % WATCH_LOOKS], look, sizeof(*look));
        w->nlook[ring]++;
    }
}

void watch_add_account(struct watch *w, const struct watch_account *account)
{
    for (u32 ring = 0; ring < 2; ring++) {
        u64 n = w->naccount[ring];
        u64 last_ns = w->account[ring][(n + WATCH_ACCOUNTS - 1) % WATCH_ACCOUNTS].time_ns;
        if (!is_due(n, last_ns, account->time_ns, WATCH_ACCOUNT_PERIOD_NS[ring]))
            continue;
        store(&w->account[ring][n % WATCH_ACCOUNTS], account, sizeof(*account));
        w->naccount[ring]++;
    }
}

void watch_add_snapshot(struct watch *w, const struct watch_snapshot *snapshot)
{
    store(&w->snapshot[w->nsnapshot++ % WATCH_SNAPSHOTS], snapshot, sizeof(*snapshot));
}

void watch_add_mark(struct watch *w, const struct watch_mark *mark)
{
    store(&w->mark[w->nmark++ % WATCH_MARKS], mark, sizeof(*mark));
}

static void end_names(struct process *p, u32 n)
{
    for (u32 i = 0; i < n; i++)
        p[i].name[sizeof(p[i].name) - 1] = 0;
}

// Makes what is counted and named safe to look at.
static void confine(struct watch *w)
{
    w->limit_group[sizeof(w->limit_group) - 1] = 0;
    end_names(w->kernel.other, ACCOUNT_PROCESSES);
    for (u32 i = 0; i < 2 * WATCH_ACCOUNTS; i++)
        end_names((&w->account[0][0])[i].account.other, ACCOUNT_PROCESSES);
    for (u32 i = 0; i < WATCH_SNAPSHOTS; i++) {
        if (w->snapshot[i].nheld > WATCH_HELD)
            w->snapshot[i].nheld = WATCH_HELD;
    }
    for (u32 i = 0; i < WATCH_MARKS; i++) {
        if (w->mark[i].kind >= WATCH_MARK_KINDS)
            w->mark[i].kind = WATCH_NO_MARK;
    }
}

bool watch_open(struct watch **out, struct str bytes, struct arena *a, struct err *e)
{
    u32 head[2];
    if (bytes.len < sizeof(struct watch) || memcmp(bytes.ptr, WATCH_MAGIC, 8) != 0)
        return err_set(e, EBADMSG, "not what a watcher of a process wrote");
    memcpy(head, bytes.ptr + 8, sizeof(head));
    if (head[0] != WATCH_VERSION || head[1] != sizeof(struct watch))
        return err_set(e, EPROTO, "what a watcher wrote has version %u, this sonde reads %u",
                       head[0], WATCH_VERSION);
    *out = arena_new(a, struct watch, 1);
    memcpy(*out, bytes.ptr, sizeof(**out));
    confine(*out);
    return true;
}

bool watch_read(struct watch **out, const char *path, struct arena *a, struct err *e)
{
    struct str bytes;
    return file_read(&bytes, path, (size_t)MIB(FILE_LIMIT_MIB), a, e) &&
           (watch_open(out, bytes, a, e) || err_prefix(e, "%s: ", path));
}

static int by_time(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;
    return (x > y) - (x < y);
}

// Rows with a time, each once, oldest first; their number.
static u32 gather(void *out, const void *rows, u32 n, size_t bytes)
{
    u32 found = 0, kept = 0;
    char *to = out;
    for (u32 i = 0; i < n; i++) {
        const char *row = (const char *)rows + i * bytes;
        if (*(const u64 *)row)
            memcpy(to + found++ * bytes, row, bytes);
    }
    qsort(to, found, bytes, by_time);
    for (u32 i = 0; i < found; i++) {
        if (kept && by_time(to + i * bytes, to + (kept - 1) * bytes) == 0)
            continue;
        if (kept != i)
            memcpy(to + kept * bytes, to + i * bytes, bytes);
        kept++;
    }
    return kept;
}

u32 watch_looks(struct watch_look **out, const struct watch *w, struct arena *a)
{
    *out = arena_new(a, struct watch_look, WATCH_RINGS * WATCH_LOOKS);
    return gather(*out, w->look, WATCH_RINGS * WATCH_LOOKS, sizeof(**out));
}

u32 watch_accounts(struct watch_account **out, const struct watch *w, struct arena *a)
{
    *out = arena_new(a, struct watch_account, 2 * WATCH_ACCOUNTS);
    return gather(*out, w->account, 2 * WATCH_ACCOUNTS, sizeof(**out));
}

u32 watch_snapshots(struct watch_snapshot **out, const struct watch *w, struct arena *a)
{
    *out = arena_new(a, struct watch_snapshot, WATCH_SNAPSHOTS);
    return gather(*out, w->snapshot, WATCH_SNAPSHOTS, sizeof(**out));
}

u32 watch_marks(struct watch_mark **out, const struct watch *w, struct arena *a)
{
    *out = arena_new(a, struct watch_mark, WATCH_MARKS);
    return gather(*out, w->mark, WATCH_MARKS, sizeof(**out));
}
