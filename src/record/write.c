#include "record/write.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Capacities: 57,344 live samples (28 GiB of live heap at the default rate) and some 9,000 stacks
// of 25 frames; five minutes of one busy thread at 100 Hz; in 7.2 MiB.
enum {
    TEXT_BYTES = 256 << 10,
    MAPPINGS = 2048,
    STACK_SLOTS = 32768,
    STACK_WORDS = 320 << 10,
    BUCKETS = 8192,
    REGIONS = 16384,
    OWNS = 64,
    LABEL_SLOTS = 2048,
    LABEL_BYTES = 128 << 10,
    TICKS = RECORD_RINGS * RECORD_RING_TICKS,
    SAMPLES = RECORD_SAMPLES,
    WAITS = RECORD_WAITS,

    MAX_STACKS = STACK_SLOTS / 4 * 3,
    PROBED_BUCKETS = 16, // an address lies at most so far from its home
    STACK_HEAD_WORDS = sizeof(struct record_stack) / 8,
    HOLDING_WORDS = sizeof(struct record_holding) / 8,
    OVERFLOW_WORD = 1, // where the overflow stacks are, one for each kind
    OVERFLOW_WORDS = STACK_HEAD_WORDS + HOLDING_WORDS,
    LABELS_OVERFLOW_BYTES = 20, // of the set that stands for those that found no room
    CLAIMED = 1,

    SPINS = 1000,
    PAUSES = 1000
};

static const struct record_section rows[RECORD_NSECTION] = {
    [RECORD_TICK] = {0, sizeof(struct record_tick), TICKS},
    [RECORD_LIVE_KEY] = {0, sizeof(struct record_bucket), BUCKETS},
    [RECORD_LIVE_BLOCK] = {0, sizeof(struct record_live), BUCKETS *RECORD_BUCKET_KEYS},
    [RECORD_REGION] = {0, sizeof(struct record_region), REGIONS},
    [RECORD_STACK_SLOT] = {0, sizeof(u32), STACK_SLOTS},
    [RECORD_STACK_WORD] = {0, sizeof(u64), STACK_WORDS},
    [RECORD_MAPPING] = {0, sizeof(struct record_mapping), MAPPINGS},
    [RECORD_OWN] = {0, sizeof(struct record_own), OWNS},
    [RECORD_LABEL_SLOT] = {0, sizeof(u32), LABEL_SLOTS},
    [RECORD_LABEL] = {0, 1, LABEL_BYTES},
    [RECORD_TEXT] = {0, 1, TEXT_BYTES},
    [RECORD_SAMPLE] = {0, sizeof(struct record_sample), SAMPLES},
    [RECORD_THREAD] = {0, sizeof(struct record_thread), RECORD_THREADS},
    [RECORD_WAIT] = {0, sizeof(struct record_wait), WAITS},
};

// A pause that is no cancellation point, and keeps errno.
static void wait_a_little(void)
{
    const struct timespec pause = {.tv_nsec = 50000};
    int error = errno;
    syscall(SYS_nanosleep, &pause, NULL);
    errno = error;
}

bool record_lock(u64 *lock)
{
    u64 self = (u64)(uintptr_t)__builtin_thread_pointer();
    for (u32 tries = 0; tries < SPINS + PAUSES; tries++) {
        u64 owner = 0;
        if (__atomic_compare_exchange_n(lock, &owner, self, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
        if (owner == self)
            return false;
        if (tries >= SPINS)
            wait_a_little();
    }
    return false;
}

static u64 page_up(u64 bytes)
{
    return (bytes + RECORD_PAGE - 1) & ~(u64)(RECORD_PAGE - 1);
}

static u64 section_offset(u32 section)
{
    u64 offset = page_up(sizeof(struct record_header));
    for (u32 i = 0; i < section; i++)
        offset += page_up((u64)rows[i].row_bytes * rows[i].nrow);
    return offset;
}

u64 record_bytes(void)
{
    return section_offset(RECORD_NSECTION);
}

static u64 mix(u64 hash, u64 word)
{
    unsigned __int128 product = (unsigned __int128)(hash ^ word) * 0x9e3779b97f4a7c15;
    return (u64)product ^ (u64)(product >> 64);
}

static u64 hash_stack(struct record_key key, const u64 *frame, u32 nframe)
{
    u64 hash = mix(key.kind, (u64)key.labels << 32 | key.detail);
    for (u32 i = 0; i < nframe; i++)
        hash = mix(hash, frame[i]);
    return hash | 1; // never 0, so that an empty stack's hash is no special case
}

void record_init(struct record *r, void *base)
{
    u8 *byte = base;
    struct record_header *h = base;
    __builtin_memcpy(h->magic, RECORD_MAGIC, sizeof(h->magic));
    h->version = RECORD_VERSION;
    h->header_bytes = sizeof(*h);
    h->file_bytes = record_bytes();
    for (u32 i = 0; i < RECORD_NSECTION; i++) {
        h->section[i] = rows[i];
        h->section[i].offset = section_offset(i);
    }
    *r = (struct record){
        .header = h,
        .text = (char *)byte + h->section[RECORD_TEXT].offset,
        .mapping = (struct record_mapping *)(byte + h->section[RECORD_MAPPING].offset),
        .stack_slot = (u32 *)(byte + h->section[RECORD_STACK_SLOT].offset),
        .stack_word = (u64 *)(byte + h->section[RECORD_STACK_WORD].offset),
        .bucket = (struct record_bucket *)(byte + h->section[RECORD_LIVE_KEY].offset),
        .live = (struct record_live *)(byte + h->section[RECORD_LIVE_BLOCK].offset),
        .region = (struct record_region *)(byte + h->section[RECORD_REGION].offset),
        .own = (struct record_own *)(byte + h->section[RECORD_OWN].offset),
        .label_slot = (u32 *)(byte + h->section[RECORD_LABEL_SLOT].offset),
        .label = (char *)byte + h->section[RECORD_LABEL].offset,
        .tick = (struct record_tick *)(byte + h->section[RECORD_TICK].offset),
        .sample = (struct record_sample *)(byte + h->section[RECORD_SAMPLE].offset),
        .thread = (struct record_thread *)(byte + h->section[RECORD_THREAD].offset),
        .wait = (struct record_wait *)(byte + h->section[RECORD_WAIT].offset),
    };
    h->text_bytes = 1;
    h->nmapping = 1;
    h->nown = 1;
    h->label_bytes = 1 + LABELS_OVERFLOW_BYTES;
    h->nword = OVERFLOW_WORD + RECORD_NKIND * OVERFLOW_WORDS;
    h->death.wait_status = -1;
}

u32 record_text_add(struct record *r, const char *text, u32 n)
{
    u32 at = __atomic_load_n(&r->header->text_bytes, __ATOMIC_RELAXED);
    do {
        if (n >= TEXT_BYTES - at)
            return 0;
    } while (!__atomic_compare_exchange_n(&r->header->text_bytes, &at, at + n + 1, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    __builtin_memcpy(r->text + at, text, n);
    r->text[at + n] = 0;
    return at;
}

u32 record_mapping_add(struct record *r, const struct record_mapping *m)
{
    u32 row = __atomic_load_n(&r->header->nmapping, __ATOMIC_RELAXED);
    if (row >= MAPPINGS)
        return 0;
    r->mapping[row] = *m;
    // Callers hold the module table's lock, so nobody else appends.
    __atomic_store_n(&r->header->nmapping, row + 1, __ATOMIC_RELEASE);
    return row;
}

// An overflow stack is written when it is first needed, so that a small process touches no page for
// it.
static struct record_stack *overflow_stack(struct record *r, u16 kind)
{
    struct record_stack *s = record_stack_at(r, OVERFLOW_WORD + (u32)kind * OVERFLOW_WORDS);
    s->kind = kind;
    s->flags = RECORD_OVERFLOW;
    __atomic_store_n(&s->hash, 1, __ATOMIC_RELEASE);
    return s;
}

static bool same_stack(const struct record_stack *s, u64 hash, struct record_key key,
                       const u64 *frame, u32 nframe)
{
    if (s->hash != hash || s->kind != key.kind || s->detail != key.detail ||
        s->labels != key.labels || s->nframe != nframe)
        return false;
    for (u32 i = 0; i < nframe; i++) {
        if (s->frame[i] != frame[i])
            return false;
    }
    return true;
}

// Word offset of a new stack that nobody can see yet; 0 when there is no room.
static u32 write_stack(struct record *r, u64 hash, struct record_key key, const u64 *frame,
                       u32 nframe)
{
    u32 words = STACK_HEAD_WORDS + nframe + (key.kind == RECORD_HEAP ? HOLDING_WORDS : 0);
    u32 at = __atomic_load_n(&r->header->nword, __ATOMIC_RELAXED);
    do {
        if (words > STACK_WORDS - at)
            return 0;
    } while (!__atomic_compare_exchange_n(&r->header->nword, &at, at + words, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    struct record_stack *s = record_stack_at(r, at);
    s->hash = hash;
    s->kind = key.kind;
    s->flags = key.flags;
    s->detail = key.detail;
    s->labels = key.labels;
    s->nframe = nframe;
    for (u32 i = 0; i < nframe; i++)
        s->frame[i] = frame[i];
    return at;
}

static struct record_stack *find_stack(struct record *r, struct record_key key, const u64 *frame,
                                       u32 nframe)
{
    u64 hash = hash_stack(key, frame, nframe);
    u32 mine = 0;
    for (u32 i = (u32)(hash >> 32);; i++) {
        u32 *slot = &r->stack_slot[i % STACK_SLOTS];
        u32 at = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        if (at == 0) {
            if (__atomic_load_n(&r->header->nstack, __ATOMIC_RELAXED) >= MAX_STACKS)
                return overflow_stack(r, key.kind);
            if (mine == 0)
                mine = write_stack(r, hash, key, frame, nframe);
            if (mine == 0)
                return overflow_stack(r, key.kind);
            if (__atomic_compare_exchange_n(slot, &at, mine, false, __ATOMIC_RELEASE,
                                            __ATOMIC_ACQUIRE)) {
                __atomic_fetch_add(&r->header->nstack, 1, __ATOMIC_RELAXED);
                return record_stack_at(r, mine);
            }
            // Another thread took the slot: at is its stack, perhaps the same one.  Ours is then
            // left behind, unseen.
        }
        if (same_stack(record_stack_at(r, at), hash, key, frame, nframe))
            return record_stack_at(r, at);
    }
}

// A stack with labels is one without and a few words, so that many label sets cost no frames.
struct record_stack *record_stack_find(struct record *r, struct record_key key, const u64 *frame,
                                       u32 nframe)
{
    struct record_key bare = key;
    bare.labels = 0;
    struct record_stack *s = find_stack(r, bare, frame, nframe);
    if (key.labels == 0 || s->flags & RECORD_OVERFLOW)
        return s;
    u64 word = record_stack_offset(r, s);
    return find_stack(r, key, &word, 1);
}

struct record_stack *record_stack_add(struct record *r, u16 kind, u16 flags, const u64 *frame,
                                      u32 nframe)
{
    return record_stack_find(r, (struct record_key){.kind = kind, .flags = flags}, frame, nframe);
}

static u32 home_bucket(u64 address)
{
    return (u32)mix(0, address) % BUCKETS;
}

bool record_live_add(struct record *r, u64 address, const struct record_live *block)
{
    u32 home = home_bucket(address);
    for (u32 distance = 0; distance < PROBED_BUCKETS; distance++) {
        u32 b = (home + distance) % BUCKETS;
        for (u32 i = 0; i < RECORD_BUCKET_KEYS; i++) {
            u64 *key = &r->bucket[b].address[i], free_key = 0;
            if (__atomic_load_n(key, __ATOMIC_RELAXED) != 0 ||
                !__atomic_compare_exchange_n(key, &free_key, CLAIMED, false, __ATOMIC_ACQUIRE,
                                             __ATOMIC_RELAXED))
                continue;
            r->live[b * RECORD_BUCKET_KEYS + i] = *block;
            __atomic_store_n(key, address, __ATOMIC_RELEASE);
            return true;
        }
        __atomic_fetch_add(&r->bucket[b].overflow, 1, __ATOMIC_RELAXED);
    }
    for (u32 distance = 0; distance < PROBED_BUCKETS; distance++)
        __atomic_fetch_sub(&r->bucket[(home + distance) % BUCKETS].overflow, 1, __ATOMIC_RELAXED);
    return false;
}

bool record_live_remove(struct record *r, u64 address, struct record_live *block)
{
    u32 home = home_bucket(address);
    for (u32 distance = 0; distance < PROBED_BUCKETS; distance++) {
        u32 b = (home + distance) % BUCKETS;
        for (u32 i = 0; i < RECORD_BUCKET_KEYS; i++) {
            if (__atomic_load_n(&r->bucket[b].address[i], __ATOMIC_RELAXED) != address)
                continue;
            *block = r->live[b * RECORD_BUCKET_KEYS + i];
            __atomic_store_n(&r->bucket[b].address[i], 0, __ATOMIC_RELEASE);
            for (u32 passed = 0; passed < distance; passed++)
                __atomic_fetch_sub(&r->bucket[(home + passed) % BUCKETS].overflow, 1,
                                   __ATOMIC_RELAXED);
            return true;
        }
        if (__atomic_load_n(&r->bucket[b].overflow, __ATOMIC_RELAXED) == 0)
            return false;
    }
    return false;
}

// Time from which on a ring takes its next tick.
static u64 due_ns(const struct record *r, u32 ring)
{
    u64 n = __atomic_load_n(&r->header->ntick[ring], __ATOMIC_RELAXED);
    if (n == 0)
        return 0;
    u32 last = ring * RECORD_RING_TICKS + (u32)((n - 1) % RECORD_RING_TICKS);
    return __atomic_load_n(&r->tick[last].time_ns, __ATOMIC_RELAXED) + RECORD_RING_PERIOD_NS[ring];
}

u64 record_tick_due_ns(const struct record *r)
{
    return due_ns(r, 0);
}

void record_tick_add(struct record *r, const struct record_tick *tick)
{
    for (u32 ring = 0; ring < RECORD_RINGS; ring++) {
        if (tick->time_ns < due_ns(r, ring))
            continue;
        u64 n = __atomic_fetch_add(&r->header->ntick[ring], 1, __ATOMIC_RELAXED);
        struct record_tick *to = &r->tick[ring * RECORD_RING_TICKS + n % RECORD_RING_TICKS];
        __atomic_store_n(&to->time_ns, 0, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST); // x86 itself keeps the order of stores
        u64 time_ns = tick->time_ns;
        to->live_bytes = tick->live_bytes;
        to->alloc_bytes = tick->alloc_bytes;
        to->rss_bytes = tick->rss_bytes;
        to->cgroup_bytes = tick->cgroup_bytes;
        to->limit_bytes = tick->limit_bytes;
        __atomic_store_n(&to->time_ns, time_ns, __ATOMIC_RELEASE);
    }
}

u32 record_own_add(struct record *r, const char *name, bool is_pool)
{
    u32 nown = __atomic_load_n(&r->header->nown, __ATOMIC_ACQUIRE), n = 0;
    for (u32 row = 1; row < nown && row < OWNS; row++) {
        if (r->own[row].name && __builtin_strcmp(r->text + r->own[row].name, name) == 0)
            return row;
    }
    do {
        if (nown == OWNS)
            return 0;
    } while (!__atomic_compare_exchange_n(&r->header->nown, &nown, nown + 1, true, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    while (name[n])
        n++;
    r->own[nown].is_pool = is_pool;
    __atomic_store_n(&r->own[nown].name, record_text_add(r, name, n), __ATOMIC_RELEASE);
    return nown;
}

void record_own_copy(struct record *to, const struct record *from)
{
    u32 nown = __atomic_load_n(&from->header->nown, __ATOMIC_ACQUIRE);
    for (u32 row = 1; row < nown; row++)
        record_own_add(to, from->text + from->own[row].name, from->own[row].is_pool);
}
