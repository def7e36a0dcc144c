// The account at the end.  Nobody can look at the very moment of a kill; the last account is some
// milliseconds old.  What it lacks is added from what is known of the end itself: the kernel's log,
// or the charge, which was the limit, and the live heap, which the record has.
#include <string.h>

#include "oom/oom.h"

static u64 less(u64 a, u64 b)
{
    return a > b ? a - b : 0;
}

static u64 least(u64 a, u64 b)
{
    return a < b ? a : b;
}

// Lines that the process itself can have grown by.
static const enum account_line own[] = {ACCOUNT_RETAINED, ACCOUNT_MAPPINGS, ACCOUNT_STACKS,
                                        ACCOUNT_DATA};

static i64 own_bytes(const struct account *a)
{
    return a->bytes[ACCOUNT_HEAP] + a->bytes[ACCOUNT_RETAINED] + a->bytes[ACCOUNT_MAPPINGS] +
           a->bytes[ACCOUNT_STACKS] + a->bytes[ACCOUNT_DATA];
}

// Parts of the growth between two accounts by line; falls back to what the last one holds.
static void find_parts(double part[ARRAY_LEN(own)], const struct oom *o)
{
    const struct account *last = &o->seen[o->nseen - 1].account;
    const struct account *before = o->nseen > 1 ? &o->seen[o->nseen - 2].account : NULL;
    double sum = 0;
    memset(part, 0, ARRAY_LEN(own) * sizeof(*part));
    for (int with_before = before != NULL; with_before >= 0 && sum <= 0; with_before--) {
        sum = 0;
        for (size_t i = 0; i < ARRAY_LEN(own); i++) {
            i64 grown = last->bytes[own[i]] - (with_before ? before->bytes[own[i]] : 0);
            part[i] = grown > 0 ? (double)grown : 0;
            sum += part[i];
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        part[i] = sum > 0 ? part[i] / sum : (i == 0);
}

static void grow_own(struct oom *o, u64 grown)
{
    struct account *a = &o->account;
    double part[ARRAY_LEN(own)];
    const struct watch_account *last = &o->seen[o->nseen - 1];
    u64 live = less((u64)o->live_bytes, last->live_bytes);
    // Blocks that were there already, but not yet touched, come into memory too.
    u64 untouched = less(last->live_bytes, (u64)last->account.bytes[ACCOUNT_HEAP] +
                                               (u64)last->account.bytes[ACCOUNT_RETAINED]);
    u64 heap = least(grown, live + untouched);
    a->bytes[ACCOUNT_HEAP] += (i64)heap;
    find_parts(part, o);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        a->bytes[own[i]] += (i64)((double)(grown - heap) * part[i]);
    // Blocks that came into memory which the allocator had already.
    i64 moved = (i64)least(less(live, heap), (u64)a->bytes[ACCOUNT_RETAINED]);
    if (a->bytes[ACCOUNT_RETAINED] > 0) {
        a->bytes[ACCOUNT_HEAP] += moved;
        a->bytes[ACCOUNT_RETAINED] -= moved;
    }
}

static void shrink_own(struct account *a, u64 shrunk)
{
    static const enum account_line order[] = {ACCOUNT_RETAINED, ACCOUNT_MAPPINGS, ACCOUNT_STACKS,
                                              ACCOUNT_HEAP};
    for (size_t i = 0; i < ARRAY_LEN(order) && shrunk; i++) {
        i64 *line = &a->bytes[order[i]];
        u64 taken = least(shrunk, *line > 0 ? (u64)*line : 0);
        *line -= (i64)taken;
        shrunk -= taken;
    }
}

static void set_own(struct oom *o, u64 bytes)
{
    u64 before = (u64)own_bytes(&o->account);
    if (bytes >= before)
        grow_own(o, bytes - before);
    else
        shrink_own(&o->account, before - bytes);
}

static void set_files(struct account *a, const struct charge *c)
{
    u64 mapped = least((u64)a->bytes[ACCOUNT_FILES], c->file_bytes);
    u64 watch = (u64)a->bytes[ACCOUNT_SONDE];
    // More of the files than was mapped before counts as mapped only as far as the kernel says so.
    u64 mapped_now = less(c->mapped_bytes, watch);
    if (mapped_now > mapped)
        mapped = least(mapped_now, c->file_bytes);
    a->bytes[ACCOUNT_FILES] = (i64)mapped;
    a->bytes[ACCOUNT_CACHE] = (i64)(c->file_bytes - mapped);
    a->bytes[ACCOUNT_SONDE] = (i64)least(watch, c->shmem_bytes);
    a->bytes[ACCOUNT_TMPFS] = (i64)less(c->shmem_bytes, watch);
    a->locked_bytes = c->locked_bytes;
    a->dirty_bytes = c->dirty_bytes;
}

static void set_kernel(struct account *a, const struct charge *c, u64 tables)
{
    u64 rest = c->kernel_bytes;
    u64 table = least(c->page_table_bytes ? c->page_table_bytes : tables, rest);
    rest -= table;
    u64 stack = least(
        c->kernel_stack_bytes ? c->kernel_stack_bytes : (u64)a->bytes[ACCOUNT_KERNEL_STACKS], rest);
    a->bytes[ACCOUNT_PAGE_TABLES] = (i64)table;
    a->bytes[ACCOUNT_KERNEL_STACKS] = (i64)stack;
    a->bytes[ACCOUNT_KERNEL] = (i64)(rest - stack);
    a->bytes[ACCOUNT_SOCKETS] = (i64)c->socket_bytes;
}

// The kernel's own numbers of the kill; only the division of the process's own pages is older.
static void settle_by_kernel(struct oom *o)
{
    const struct watch_kernel *k = &o->watch->kernel;
    struct account *a = &o->account;
    u64 others = least(k->other_bytes, k->charge.anon_bytes);
    if (k->nprocess > 1)
        others = least(others, less(k->charge.anon_bytes, k->anon_bytes));
    a->bytes[ACCOUNT_UNMAPPED] = (i64)k->charge.unmapped_bytes;
    a->bytes[ACCOUNT_OTHERS] = (i64)others;
    set_own(o, k->charge.anon_bytes - others);
    set_files(a, &k->charge);
    set_kernel(a, &k->charge, k->table_bytes);
    if (k->nprocess)
        a->nprocess = k->nprocess;
    memcpy(a->other, k->other, sizeof(a->other));
    account_balance(a, k->usage_bytes);
}

// Adds what was charged since the last look: to the heap what the record knows that it grew by, the
// rest in the proportions of the growth before.
static void extrapolate(struct charge *c, const struct oom *o, u64 grown)
{
    const struct watch_account *last = &o->seen[o->nseen - 1];
    const struct charge *before = o->nseen > 1 ? &o->seen[o->nseen - 2].charge : NULL;
    u64 heap = least(grown, less((u64)o->live_bytes, last->live_bytes));
    u64 anon = before ? less(c->anon_bytes, before->anon_bytes) : 1;
    u64 file = before ? less(c->file_bytes, before->file_bytes) : 0;
    u64 shmem = before ? less(c->shmem_bytes, before->shmem_bytes) : 0;
    u64 kernel = before ? less(c->kernel_bytes, before->kernel_bytes) : 0;
    double sum = (double)anon + (double)file + (double)shmem + (double)kernel;
    double rest = sum > 0 ? (double)(grown - heap) / sum : 0;
    c->anon_bytes += heap + (u64)((double)anon * rest);
    c->file_bytes += (u64)((double)file * rest);
    if (before && c->locked_bytes > before->locked_bytes)
        c->locked_bytes += (u64)((double)file * rest);
    c->shmem_bytes += (u64)((double)shmem * rest);
    c->kernel_bytes += (u64)((double)kernel * rest);
}

// The last look, when it is younger than the last account.
static const struct watch_look *last_look(const struct oom *o)
{
    const struct watch_look *l = o->nlook ? &o->look[o->nlook - 1] : NULL;
    return l && l->time_ns > o->seen[o->nseen - 1].time_ns && l->usage_bytes ? l : NULL;
}

// Its numbers are as good as those of an account.
static void take_look(struct charge *c, const struct watch_look *l)
{
    c->usage_bytes = l->usage_bytes;
    c->anon_bytes = l->anon_bytes;
    c->file_bytes = l->file_bytes;
    c->shmem_bytes = l->shmem_bytes;
    c->kernel_bytes = less(l->kernel_bytes, c->socket_bytes);
    c->mapped_bytes = l->mapped_bytes;
    c->dirty_bytes = l->dirty_bytes;
    c->locked_bytes = l->locked_bytes;
}

// Which part of what the anonymous memory grew by, between the last two accounts, was others'.
static double others_part(const struct oom *o)
{
    const struct watch_account *last = &o->seen[o->nseen - 1];
    const struct watch_account *before = o->nseen > 1 ? last - 1 : NULL;
    if (!before || last->charge.anon_bytes <= before->charge.anon_bytes)
        return 0;
    double part =
        (double)(last->account.bytes[ACCOUNT_OTHERS] - before->account.bytes[ACCOUNT_OTHERS]) /
        (double)(last->charge.anon_bytes - before->charge.anon_bytes);
    return part < 0 ? 0 : part > 1 ? 1 : part;
}

static void settle_by_watch(struct oom *o)
{
    const struct watch_account *last = &o->seen[o->nseen - 1];
    const struct watch_look *look = last_look(o);
    struct charge c = last->charge;
    struct account *a = &o->account;
    u64 live = last->live_bytes, others = (u64)a->bytes[ACCOUNT_OTHERS];
    u64 unseen = less(c.anon_bytes, (u64)own_bytes(a) + others), held = last->own_after_bytes;
    u64 shared = less(last->own_bytes, (u64)own_bytes(a)); // by fork: that counts in part only
    if (look) {
        take_look(&c, look);
        held = look->own_bytes;
        live = look->live_bytes;
    }
    // What an account does not explain is mostly what came while it was made.
    u64 anon = c.anon_bytes, rest = less(anon, less(held, shared));
    unseen = least(unseen, less(rest, others));
    others = rest - unseen;
    u64 charge = o->saw_oom_kill && o->limit_bytes ? o->limit_bytes : c.usage_bytes;
    extrapolate(&c, o, less(charge, c.usage_bytes));
    // Since then the others grew in their proportion.
    u64 grown = less(less(c.anon_bytes, anon), less((u64)o->live_bytes, live));
    others += (u64)((double)grown * others_part(o));
    a->bytes[ACCOUNT_OTHERS] = (i64)others;
    set_own(o, less(c.anon_bytes, others + unseen));
    set_files(a, &c);
    set_kernel(a, &c, (u64)a->bytes[ACCOUNT_PAGE_TABLES]);
    account_balance(a, charge);
}

// What the allocator and the program have from the kernel, as if all of it were touched; where that
// is more than there is, a part of each.
static void add_untold(struct oom *o, u64 rest)
{
    const struct record_allocator *l = &o->v.header.allocator;
    u64 retained = less(l->system_bytes, (u64)o->live_bytes);
    u64 mapped = (u64)oom_part_bytes(o, RECORD_PART_MAPPED); // touched or not
    double sum = (double)retained + (double)mapped;
    double part = sum > (double)rest ? (double)rest / sum : 1;
    o->account.bytes[ACCOUNT_RETAINED] = (i64)((double)retained * part);
    o->account.bytes[ACCOUNT_MAPPINGS] = (i64)((double)mapped * part);
}

// Nobody watched: the charge of the last tick, the live heap, and what else the record has.
static void settle_by_record(struct oom *o)
{
    const struct record_tick *t = o->ntick ? &o->tick[o->ntick - 1] : NULL;
    u64 charge = t ? t->cgroup_bytes : 0;
    if (o->saw_oom_kill && o->limit_bytes)
        charge = o->limit_bytes;
    if (charge == 0)
        charge = t ? t->rss_bytes : (u64)o->live_bytes;
    o->account = (struct account){0};
    o->account.bytes[ACCOUNT_HEAP] = (i64)least((u64)o->live_bytes, charge);
    o->account.bytes[ACCOUNT_SONDE] =
        (i64)least(o->v.header.file_bytes, less(charge, (u64)o->live_bytes));
    add_untold(o, less(charge,
                       (u64)o->account.bytes[ACCOUNT_HEAP] + (u64)o->account.bytes[ACCOUNT_SONDE]));
    account_balance(&o->account, charge);
}

void oom_settle(struct oom *o)
{
    if (o->nseen == 0) {
        o->source = OOM_FROM_RECORD;
        settle_by_record(o);
        return;
    }
    o->account = o->seen[o->nseen - 1].account;
    o->account_age_ns = less(o->end_ns, o->seen[o->nseen - 1].time_ns);
    o->source =
        o->watch && o->watch->kernel.is_known && !o->is_alive ? OOM_FROM_KERNEL : OOM_FROM_WATCH;
    if (o->source == OOM_FROM_KERNEL)
        settle_by_kernel(o);
    else
        settle_by_watch(o);
}
