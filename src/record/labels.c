// Label sets: each is stored once, so that a word says which one a thread has.
#include "record/write.h"

enum { SET_BYTES = 2048, OVERFLOW_OFFSET = 1 };

static const char overflow_set[] = "labels\0[overflow]\0";

// A set in the making: the pairs, each string ended by NUL, and an empty one at the end.
struct set {
    char byte[SET_BYTES];
    u32 nbyte, nlabel;
    bool is_full;
};

static u32 length(const char *s)
{
    u32 n = 0;
    while (s[n])
        n++;
    return n;
}

static int compare(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (u8)*a - (u8)*b;
}

// Appends a string, cut to its limit at the start of a character.
static void add_string(struct set *s, const char *text)
{
    u32 n = length(text);
    if (n >= RECORD_LABEL_BYTES) {
        n = RECORD_LABEL_BYTES - 1;
        while (n > 0 && ((u8)text[n] & 0xc0) == 0x80)
            n--;
    }
    if (n + 2 > SET_BYTES - s->nbyte) {
        s->is_full = true;
        return;
    }
    __builtin_memcpy(s->byte + s->nbyte, text, n);
    s->nbyte += n;
    s->byte[s->nbyte++] = 0;
}

static void add_pair(struct set *s, const char *key, const char *value)
{
    if (s->nlabel++ == RECORD_MAX_LABELS)
        s->is_full = true;
    if (!s->is_full) {
        add_string(s, key);
        add_string(s, value);
    }
}

// The pairs of base and the new one in its place, sorted by key.
static void merge(struct set *s, const char *base, const char *key, const char *value)
{
    bool is_added = !value;
    while (*base) {
        const char *base_value = base + length(base) + 1;
        int order = compare(key, base);
        if (order <= 0 && !is_added) {
            add_pair(s, key, value);
            is_added = true;
        }
        if (order != 0)
            add_pair(s, base, base_value);
        base = base_value + length(base_value) + 1;
    }
    if (!is_added)
        add_pair(s, key, value);
    s->byte[s->nbyte++] = 0;
}

static u32 overflow(struct record *r)
{
    __builtin_memcpy(r->label + OVERFLOW_OFFSET, overflow_set, sizeof(overflow_set));
    return OVERFLOW_OFFSET;
}

static bool same_set(const char *stored, const struct set *s)
{
    for (u32 i = 0; i < s->nbyte; i++) {
        if (stored[i] != s->byte[i])
            return false;
    }
    return true;
}

// Offset of a copy that nobody can see yet; 0 when there is no room.
static u32 write_set(struct record *r, const struct set *s)
{
    u32 cap = r->header->section[RECORD_LABEL].nrow;
    u32 at = __atomic_load_n(&r->header->label_bytes, __ATOMIC_RELAXED);
    do {
        if (s->nbyte > cap - at)
            return 0;
    } while (!__atomic_compare_exchange_n(&r->header->label_bytes, &at, at + s->nbyte, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    __builtin_memcpy(r->label + at, s->byte, s->nbyte);
    return at;
}

static u64 hash_set(const struct set *s)
{
    u64 hash = 0xcbf29ce484222325;
    for (u32 i = 0; i < s->nbyte; i++)
        hash = (hash ^ (u8)s->byte[i]) * 0x100000001b3;
    return hash ^ hash >> 32;
}

static u32 intern(struct record *r, const struct set *s)
{
    u32 nslot = r->header->section[RECORD_LABEL_SLOT].nrow, mine = 0;
    for (u32 i = (u32)hash_set(s);; i++) {
        u32 *slot = &r->label_slot[i % nslot];
        u32 at = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        if (at == 0) {
            if (__atomic_load_n(&r->header->nlabel, __ATOMIC_RELAXED) >= nslot / 4 * 3)
                return overflow(r);
            if (mine == 0)
                mine = write_set(r, s);
            if (mine == 0)
                return overflow(r);
            if (__atomic_compare_exchange_n(slot, &at, mine, false, __ATOMIC_RELEASE,
                                            __ATOMIC_ACQUIRE)) {
                __atomic_fetch_add(&r->header->nlabel, 1, __ATOMIC_RELAXED);
                return mine;
            }
        }
        if (same_set(r->label + at, s))
            return at;
    }
}

u32 record_label_add(struct record *r, u32 base, const char *key, const char *value)
{
    struct set s;
    s.nbyte = s.nlabel = 0;
    s.is_full = false;
    if (base >= r->header->section[RECORD_LABEL].nrow)
        base = 0;
    merge(&s, r->label + base, key, value);
    if (s.is_full)
        return overflow(r);
    return s.nlabel ? intern(r, &s) : 0;
}

// What threads and callers hold are offsets, which stay what they are.
void record_label_copy(struct record *to, const struct record *from)
{
    u32 nslot = from->header->section[RECORD_LABEL_SLOT].nrow;
    for (u32 i = 0; i < nslot; i++)
        to->label_slot[i] = __atomic_load_n(&from->label_slot[i], __ATOMIC_ACQUIRE);
    u32 nbyte = __atomic_load_n(&from->header->label_bytes, __ATOMIC_RELAXED);
    __builtin_memcpy(to->label, from->label, nbyte);
    to->header->label_bytes = nbyte;
    to->header->nlabel = from->header->nlabel;
}
