#include "oom/ahead.h"

#include "profile/unit.h"
#include "record/folder.h"

enum { MOST_LINES = 6, MOST_STACKS = 4, MOST_FRAMES = 8 };

static void add_bytes(struct buf *out, u64 bytes)
{
    unit_label(out, (i64)bytes, STR("bytes"), STR("auto"));
}

// "upload-server+0x1234": names need memory, which there may be none of.
static void add_frame(struct buf *out, const struct record_view *v, u64 frame)
{
    u32 row = record_frame_mapping(frame);
    u64 address = record_frame_address(frame);
    if (row == 0 || row >= v->header.section[RECORD_MAPPING].nrow) {
        buf_printf(out, " %#llx", (unsigned long long)address);
        return;
    }
    const struct record_mapping *m = &v->mapping[row];
    unsigned long long offset = address - m->start + m->offset;
    buf_printf(out, " %.*s+%#llx", STR_ARG(str_basename(record_text(v, m->filename))), offset);
}

static void add_stack(struct buf *out, const struct record_view *v, u32 word)
{
    u32 n = v->header.section[RECORD_STACK_WORD].nrow, head = sizeof(struct record_stack) / 8;
    if (word == 0 || word >= n || n - word < head)
        return;
    const struct record_stack *s = (const struct record_stack *)(v->stack_word + word);
    for (u32 i = 0; i < s->nframe && i < MOST_FRAMES && head + i < n - word; i++)
        add_frame(out, v, s->frame[i]);
}

static void add_stacks(struct buf *out, const struct observer *o)
{
    const struct watch *w = o->watch;
    if (w->nsnapshot == 0)
        return;
    const struct watch_snapshot *s = &w->snapshot[(w->nsnapshot - 1) % WATCH_SNAPSHOTS];
    buf_text(out, "held most of the heap, by stack:\n");
    for (u32 i = 0; i < s->nheld && i < MOST_STACKS; i++) {
        buf_text(out, "  ");
        add_bytes(out, s->held[i].bytes);
        add_stack(out, &o->view, s->held[i].stack);
        buf_char(out, '\n');
    }
}

static void add_account(struct buf *out, const struct watch *w)
{
    bool is_told[ACCOUNT_LINES] = {0};
    if (w->naccount[0] == 0)
        return;
    const struct account *a = &w->account[0][(w->naccount[0] - 1) % WATCH_ACCOUNTS].account;
    for (u32 k = 0; k < MOST_LINES; k++) {
        u32 best = ACCOUNT_UNEXPLAINED;
        for (u32 i = 0; i < ACCOUNT_UNEXPLAINED; i++) {
            if (!is_told[i] && a->bytes[i] > 0 &&
                (best == ACCOUNT_UNEXPLAINED || a->bytes[i] > a->bytes[best]))
                best = i;
        }
        if (best == ACCOUNT_UNEXPLAINED)
            break;
        is_told[best] = true;
        buf_text(out, "  ");
        add_bytes(out, (u64)a->bytes[best]);
        buf_printf(out, " %s\n", account_name(best));
    }
}

void ahead_write(struct buf *out, const struct observer *o)
{
    if (!o->watch || !o->map)
        return;
    buf_printf(out, "%.*s (process %u) used ", STR_ARG(record_program(&o->view)), o->pid);
    add_bytes(out, o->step_usage_bytes);
    buf_text(out, " of ");
    add_bytes(out, o->state.limit_bytes);
    buf_printf(out, " (limit of cgroup %s) when this was written, %.1f s after its start\n",
               o->limiting.group, (double)(o->step_ns - o->start_mono_ns) / 1e9);
    add_account(out, o->watch);
    add_stacks(out, o);
    buf_printf(out, "more: sonde oom, where %.*s or its kept copy can be read\n",
               (int)(str_of(o->path).len - sizeof(FOLDER_WATCH) + 1), o->path);
}
