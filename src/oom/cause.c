// Which of the things that hold memory is the cause.
#include "oom/verdict.h"

enum { CROWD = 32 }; // processes from which on they, and not one of them, are the cause

// What a line holds, and what it grew by since the first look.
struct weight {
    i64 held, grown;
};

static struct weight weigh(const struct oom *o, enum account_line line)
{
    i64 first = o->nseen > 1 ? o->seen[0].account.bytes[line] : 0;
    i64 held = o->account.bytes[line];
    return (struct weight){held, held > first ? held - first : 0};
}

static struct weight plus(struct weight a, struct weight b)
{
    return (struct weight){a.held + b.held, a.grown + b.grown};
}

// Page cache is given up when memory is short, except what is locked or has to be written first.
static struct weight weigh_files(const struct oom *o)
{
    struct weight w = plus(weigh(o, ACCOUNT_FILES), weigh(o, ACCOUNT_CACHE));
    i64 held = (i64)o->account.locked_bytes - o->account.bytes[ACCOUNT_SONDE] +
               (i64)o->account.dirty_bytes;
    w.held = held < 0 ? 0 : held < w.held ? held : w.held;
    w.grown = w.grown < w.held ? w.grown : w.held;
    return w;
}

static struct weight weigh_others(const struct oom *o)
{
    struct weight w = weigh(o, ACCOUNT_OTHERS);
    if (o->account.nprocess < CROWD)
        return w;
    w = plus(w, weigh(o, ACCOUNT_PAGE_TABLES));
    w = plus(w, weigh(o, ACCOUNT_KERNEL_STACKS));
    return plus(w, weigh(o, ACCOUNT_KERNEL));
}

static struct weight weigh_stacks(const struct oom *o)
{
    struct weight w = weigh(o, ACCOUNT_STACKS);
    return o->account.nprocess < CROWD ? plus(w, weigh(o, ACCOUNT_KERNEL_STACKS)) : w;
}

static struct weight weigh_cause(const struct oom *o, enum verdict_cause cause)
{
    switch (cause) {
    case CAUSE_HEAP:
        return weigh(o, ACCOUNT_HEAP);
    case CAUSE_RETAINED:
        return weigh(o, ACCOUNT_RETAINED);
    case CAUSE_MAPPINGS:
        return weigh(o, ACCOUNT_MAPPINGS);
    case CAUSE_STACKS:
        return weigh_stacks(o);
    case CAUSE_TMPFS:
        return weigh(o, ACCOUNT_TMPFS);
    case CAUSE_FILES:
        return weigh_files(o);
    case CAUSE_PROCESS:
        return weigh_others(o);
    case CAUSE_SOCKETS:
        return weigh(o, ACCOUNT_SOCKETS);
    case CAUSE_KERNEL:
        return o->account.nprocess < CROWD
                   ? plus(weigh(o, ACCOUNT_KERNEL), weigh(o, ACCOUNT_PAGE_TABLES))
                   : (struct weight){0};
    default:
        return (struct weight){0};
    }
}

// The cause is what holds most and grew most: half of what is held counts, and what it grew by.  So
// a large cache that was there from the beginning does not hide what came on top of it.
void verdict_weigh(struct verdict *v, const struct oom *o)
{
    i64 best = 0;
    for (enum verdict_cause c = CAUSE_HEAP; c < CAUSES; c++) {
        struct weight w = weigh_cause(o, c);
        i64 score = w.held / 2 + w.grown;
        if (score <= best)
            continue;
        best = score;
        v->cause = c;
        v->cause_bytes = w.held;
        v->cause_grown = w.grown;
    }
    i64 charge = (i64)o->account.charge_bytes;
    if (v->cause_bytes < charge / 10)
        v->cause = CAUSE_UNKNOWN;
    if (v->cause == CAUSE_PROCESS && o->account.nprocess >= CROWD)
        v->cause = CAUSE_PROCESSES;
}
