#include "record/session.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "record/asking.h"

enum {
    DEFAULT_HZ = 100,
    GRACE_NS = 2000000000, // that samples go on if we are gone
    STEP_NS = 50000000,    // between two readings of the ring
    CHUNK_ROWS = 512
};

struct collecting {
    const struct session *s;
    struct asking ask;
    u64 next;     // row of the ring that is to be read next
    u64 until_ns; // as we asked for
    u64 start_ns; // when samples begin to count
    struct times *times;
};

static void begin(void *context, struct record_request *r)
{
    struct collecting *q = context;
    u32 hz = q->s->hz ? q->s->hz : DEFAULT_HZ;
    bool is_cpu = q->s->kind == RECORD_CPU;
    u64 *until = is_cpu ? &r->cpu_until_ns : &r->wall_until_ns, now = asking_now_ns(&q->ask);
    u32 *rate = is_cpu ? &r->cpu_hz : &r->wall_hz;
    *rate = *until > now && *rate > hz ? *rate : hz; // somebody else may want more
    q->until_ns = now + (u64)q->s->duration_ns + GRACE_NS;
    if (*until < q->until_ns)
        *until = q->until_ns;
}

// Only the last one ends it.
static void end(void *context, struct record_request *r)
{
    const struct collecting *q = context;
    u64 *until = q->s->kind == RECORD_CPU ? &r->cpu_until_ns : &r->wall_until_ns;
    if (*until == q->until_ns)
        *until = 0;
    r->nflush++;
}

// Appends the rows of the ring that came since the last time.
static void drain(struct collecting *q)
{
    const struct record_section section = q->ask.header.section[RECORD_SAMPLE];
    u64 nring, n = section.nrow;
    if (!asking_read(&q->ask, &nring, sizeof(nring), offsetof(struct record_header, nring)) ||
        n == 0)
        return;
    if (nring - q->next > n) {
        q->times->lost += nring - q->next - n;
        q->next = nring - n;
    }
    while (q->next < nring) {
        struct record_sample row[CHUNK_ROWS];
        u64 at = q->next % n, count = nring - q->next < n - at ? nring - q->next : n - at;
        count = count < CHUNK_ROWS ? count : CHUNK_ROWS;
        if (!asking_read(&q->ask, row, count * sizeof(*row), section.offset + at * sizeof(*row)))
            return;
        for (u64 i = 0; i < count; i++) {
            bool is_whole = row[i].number == q->next + i + 1;
            q->times->lost += !is_whole && row[i].number != 0;
            if (is_whole && row[i].kind == q->times->kind &&
                times_clip(&row[i], q->start_ns, UINT64_MAX))
                *arena_push(q->ask.arena, q->times->sample, q->times->nsample, q->times->cap) =
                    row[i];
        }
        q->next += count;
    }
}

static bool collect(struct collecting *q, struct err *e)
{
    if (!asking_request(&q->ask, begin, q, e) || !asking_await(&q->ask, e))
        return false;
    asking_read(&q->ask, &q->next, sizeof(q->next), offsetof(struct record_header, nring));
    u64 now = q->start_ns = asking_now_ns(&q->ask);
    q->times->time_ns = (i64)clock_ns(CLOCK_REALTIME);
    while (now - q->start_ns < (u64)q->s->duration_ns && kill((pid_t)q->ask.pid, 0) == 0) {
        u64 left = q->start_ns + (u64)q->s->duration_ns - now;
        asking_pause_ns(left < STEP_NS ? left : STEP_NS);
        drain(q);
        now = asking_now_ns(&q->ask);
    }
    struct err ended;
    if (asking_request(&q->ask, end, q, &ended))
        asking_await(&q->ask, &ended);
    q->times->duration_ns = (i64)(asking_now_ns(&q->ask) - q->start_ns);
    drain(q);
    return true;
}

bool session_run(struct times *out, struct record_view *v, const struct session *s,
                 const struct folder_record *r, struct arena *a, struct err *e)
{
    u32 hz = s->hz ? s->hz : DEFAULT_HZ;
    *out = (struct times){.kind = s->kind, .period_ns = 1000000000 / hz};
    struct collecting q = {.s = s, .times = out};
    bool done = asking_open(&q.ask, r, a, e) && collect(&q, e);
    // It may be gone from its folder by now.
    struct str path = arena_printf(a, "/proc/self/fd/%d", q.ask.fd);
    done = done && record_read(v, path.ptr, a, e);
    asking_close(&q.ask);
    return done;
}

bool session_recall(struct times *out, struct record_view *v, const struct session *s,
                    const struct folder_record *r, i64 at_ns, struct arena *a, struct err *e)
{
    if (!record_read(v, r->path.ptr, a, e))
        return false;
    u32 hz = s->kind == RECORD_CPU ? v->header.answer.cpu_hz : v->header.answer.wall_hz;
    i64 now = (i64)(clock_ns(CLOCK_MONOTONIC) - v->header.start_mono_ns);
    i64 from = now + at_ns, to = from + s->duration_ns < now ? from + s->duration_ns : now;
    from = from > 0 ? from : 0;
    to = to > from ? to : from;
    *out = (struct times){.kind = s->kind, .period_ns = hz ? 1000000000 / hz : 0};
    out->time_ns = (i64)v->header.start_time_ns + from;
    out->duration_ns = to - from;
    times_collect(out, v, (u64)from, (u64)to, a);
    return out->nsample != 0 ||
           err_set(e, ENOENT,
                   "process %u has no samples of that time: they are taken always with \"sonde run "
                   "-cpu=HZ -wall=HZ\" or the variables SONDE_CPU and SONDE_WALL",
                   r->pid);
}
