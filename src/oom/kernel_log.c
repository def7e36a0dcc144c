#include "oom/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    MESSAGE_BYTES = 8192,
    STAT_BYTES = 8192,
    PATIENCE_S = 120,
    PAGE_KIB = 4,
    MOST_COLUMNS = 16,
    MOST_SECONDS = 2
};

// Columns of the table of processes, as its heading names them; 0: not there.
struct columns {
    u32 tgid, rss, rss_anon, tables, name;
};

// A report that is being read.
struct reading {
    struct watch_kernel report;
    u64 time_us, begin_us; // of this message; of the report's first one
    bool is_fresh;         // the report's victim was not named yet
    bool is_own;           // the process that was named last is the report's victim, or one of them
    bool kills_all;        // memory.oom.group: it is followed by the others of the group
    bool is_v2, in_stat;
    u32 pid;
    u64 pid_anon_bytes, pid_table_bytes;
    struct columns column;
    size_t nstat;
    char stat[STAT_BYTES];
};

static u64 number_after(struct str text, const char *word)
{
    i64 at = str_find(text, str_of(word));
    return at < 0 ? 0 : strtoull(text.ptr + at + strlen(word), NULL, 10);
}

static void begin(struct reading *r, struct str text)
{
    r->report = (struct watch_kernel){.usage_bytes = KIB(number_after(text, "usage ")),
                                      .limit_bytes = KIB(number_after(text, "limit "))};
    r->nstat = 0;
    r->pid_anon_bytes = 0;
    r->begin_us = r->time_us;
    r->is_fresh = true;
    r->is_own = r->kills_all = false;
}

// Where there are many kills, the kernel leaves their reports out and names the victims only; the
// report before is then of somebody else.
static void end(struct reading *r, u64 victim, struct watch_kernel *out)
{
    r->is_own = r->is_fresh || r->kills_all;
    r->is_fresh = false;
    if (victim != r->pid || !r->is_own || r->time_us - r->begin_us > MOST_SECONDS * 1000000ULL)
        return;
    r->report.is_known = 1;
    *out = r->report;
}

static void end_stat(struct reading *r)
{
    u64 kernel = r->report.charge.kernel_bytes;
    charge_parse(&r->report.charge, (struct str){r->stat, r->nstat}, r->is_v2);
    if (!r->is_v2)
        r->report.charge.kernel_bytes = kernel;
    r->report.charge.usage_bytes = r->report.usage_bytes;
    r->in_stat = false;
}

// Lines may come alone, or in one message with their newlines written as "\x0a".
static void add_stat(struct reading *r, struct str text)
{
    for (size_t i = 0; i < text.len && r->nstat < STAT_BYTES - 1; i++) {
        bool is_newline = str_starts(str_skip(text, i), STR("\\x0a"));
        r->stat[r->nstat++] = is_newline ? '\n' : text.ptr[i];
        i += is_newline ? 3 : 0;
    }
    r->stat[r->nstat++] = '\n';
}

// "[  pid  ]   uid  tgid total_vm ...": the words behind the bracket.
static void read_heading(struct reading *r, struct str text)
{
    r->column = (struct columns){0};
    str_cut(&text, ']');
    for (u32 i = 1; text.len && i < MOST_COLUMNS; i++) {
        text = str_trim(text);
        struct str word = str_cut(&text, ' ');
        if (str_equal(word, STR("tgid")))
            r->column.tgid = i;
        else if (str_equal(word, STR("rss")))
            r->column.rss = i;
        else if (str_equal(word, STR("rss_anon")))
            r->column.rss_anon = i;
        else if (str_equal(word, STR("pgtables_bytes")))
            r->column.tables = i;
        else if (str_equal(word, STR("name")))
            r->column.name = i;
    }
}

static void add_other(struct watch_kernel *k, const struct process *p)
{
    u32 at = ACCOUNT_PROCESSES;
    k->other_bytes += p->anon_bytes;
    while (at > 0 && k->other[at - 1].anon_bytes < p->anon_bytes)
        at--;
    if (at == ACCOUNT_PROCESSES)
        return;
    memmove(k->other + at + 1, k->other + at, (ACCOUNT_PROCESSES - 1 - at) * sizeof(*k->other));
    k->other[at] = *p;
}

static void read_task(struct reading *r, struct str text)
{
    struct str column[MOST_COLUMNS] = {0};
    const struct columns *c = &r->column;
    str_cut(&text, ']');
    for (u32 i = 1; text.len && i < MOST_COLUMNS; i++) {
        text = str_trim(text);
        column[i] = i == c->name ? text : str_cut(&text, ' ');
        if (i == c->name)
            break;
    }
    i64 tgid = 0, pages = 0, tables = 0;
    if (!c->tgid || !str_i64(&tgid, column[c->tgid]) ||
        !str_i64(&pages, column[c->rss_anon ? c->rss_anon : c->rss]))
        return;
    str_i64(&tables, column[c->tables]);
    struct process p = {.pid = (u32)tgid,
                        .anon_bytes = (u64)pages * KIB(PAGE_KIB),
                        .page_table_bytes = (u64)tables};
    snprintf(p.name, sizeof(p.name), "%.*s", STR_ARG(column[c->name]));
    r->report.nprocess++;
    r->report.table_bytes += p.page_table_bytes;
    if (p.pid == r->pid)
        r->report.anon_bytes = p.anon_bytes;
    else
        add_other(&r->report, &p);
}

static void read_message(struct reading *r, struct str text, struct watch_kernel *out)
{
    if (str_starts(text, STR("memory: usage "))) {
        begin(r, text);
    } else if (str_starts(text, STR("kmem: usage "))) {
        r->report.charge.kernel_bytes = KIB(number_after(text, "usage "));
    } else if (str_starts(text, STR("Memory cgroup stats for "))) {
        r->in_stat = true;
    } else if (str_starts(text, STR("Tasks state"))) {
        end_stat(r);
    } else if (r->in_stat) {
        add_stat(r, text);
    } else if (str_starts(text, STR("[  pid  ]"))) {
        read_heading(r, text);
    } else if (str_starts(text, STR("[")) && r->column.tgid) {
        read_task(r, text);
    } else if (str_starts(text, STR("oom-kill:constraint="))) {
        r->report.is_global = str_find(text, STR("CONSTRAINT_MEMCG")) < 0;
        r->column = (struct columns){0};
    } else if (str_find(text, STR("due to memory.oom.group set")) >= 0) {
        r->kills_all = r->is_own;
    } else if (str_find(text, STR("Killed process ")) >= 0) {
        end(r, number_after(text, "Killed process "), out);
    }
}

// "6,1234,5678,-;TEXT"
static void read_record(struct reading *r, struct str line, struct watch_kernel *out, u64 least_us)
{
    struct str head = str_cut(&line, ';');
    str_cut(&head, ',');
    str_cut(&head, ',');
    i64 time_us;
    if (!str_i64(&time_us, str_cut(&head, ',')) || (u64)time_us < least_us)
        return;
    r->time_us = (u64)time_us;
    read_message(r, line, out);
}

void kernel_log_parse(struct watch_kernel *k, struct str messages, u32 pid, bool is_v2,
                      u64 least_us)
{
    struct reading r = {.pid = pid, .is_v2 = is_v2};
    while (messages.len)
        read_record(&r, str_cut(&messages, '\n'), k, least_us);
}

void kernel_log_find(struct watch_kernel *k, u32 pid, bool is_v2)
{
    char text[MESSAGE_BYTES];
    struct reading r = {.pid = pid, .is_v2 = is_v2};
    u64 now_us = clock_ns(CLOCK_MONOTONIC) / 1000;
    u64 least_us = now_us > PATIENCE_S * 1000000ULL ? now_us - PATIENCE_S * 1000000ULL : 0;
    int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    for (;;) {
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
        if (n < 0 && fd >= 0 && errno == EPIPE)
            continue; // the oldest messages were overwritten meanwhile
        if (n <= 0)
            break;
        struct str record = {text, (size_t)n};
        read_record(&r, str_cut(&record, '\n'), k, least_us);
    }
    if (fd >= 0)
        close(fd);
}
