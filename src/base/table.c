#include "base/table.h"

enum { FIRST_SLOTS = 64, FIND_AT_ONCE = 32 };

void table_init(struct table *t, struct arena *a)
{
    *t = (struct table){.arena = a, .nkey = 1, .key_cap = FIRST_SLOTS / 2, .mask = FIRST_SLOTS - 1};
    t->key = arena_new(a, struct str, t->key_cap);
    t->slot = arena_new(a, struct table_slot, FIRST_SLOTS);
}

// The slot that holds key, or the free one where it belongs.
static u32 find_slot(const struct table *t, struct str key, u32 hash)
{
    for (u32 i = hash & t->mask;; i = (i + 1) & t->mask) {
        const struct table_slot *slot = &t->slot[i];
        if (slot->row == 0 || (slot->hash == hash && str_equal(t->key[slot->row], key)))
            return i;
    }
}

static void double_slots(struct table *t)
{
    u32 old_mask = t->mask;
    const struct table_slot *old = t->slot;
    t->mask = old_mask * 2 + 1;
    t->slot = arena_new(t->arena, struct table_slot, (size_t)t->mask + 1);
    for (u32 i = 0; i <= old_mask; i++) {
        if (old[i].row == 0)
            continue;
        u32 to = old[i].hash & t->mask;
        while (t->slot[to].row)
            to = (to + 1) & t->mask;
        t->slot[to] = old[i];
    }
}

u32 table_find(const struct table *t, struct str key)
{
    return t->slot[find_slot(t, key, (u32)hash_bytes(key.ptr, key.len))].row;
}

// The first row whose key has that hash; it may be another key.
static u32 likely_row(const struct table *t, u32 hash)
{
    u32 i = hash & t->mask;
    while (t->slot[i].row && t->slot[i].hash != hash)
        i = (i + 1) & t->mask;
    return t->slot[i].row;
}

static void find_some(const struct table *t, const struct str *key, u32 n, u32 *row)
{
    u32 hash[FIND_AT_ONCE];
    for (u32 i = 0; i < n; i++) {
        hash[i] = (u32)hash_bytes(key[i].ptr, key[i].len);
        __builtin_prefetch(&t->slot[hash[i] & t->mask]);
    }
    for (u32 i = 0; i < n; i++) {
        row[i] = likely_row(t, hash[i]);
        __builtin_prefetch(&t->key[row[i]]);
    }
    for (u32 i = 0; i < n; i++)
        __builtin_prefetch(t->key[row[i]].ptr);
    for (u32 i = 0; i < n; i++) {
        if (row[i] && !str_equal(t->key[row[i]], key[i]))
            row[i] = t->slot[find_slot(t, key[i], hash[i])].row;
    }
}

void table_find_many(const struct table *t, const struct str *key, u32 n, u32 *row)
{
    for (u32 i = 0; i < n; i += FIND_AT_ONCE)
        find_some(t, key + i, n - i < FIND_AT_ONCE ? n - i : FIND_AT_ONCE, row + i);
}

static u32 add(struct table *t, struct str key, bool copy)
{
    u32 hash = (u32)hash_bytes(key.ptr, key.len);
    u32 slot = find_slot(t, key, hash);
    if (t->slot[slot].row)
        return t->slot[slot].row;
    u32 row = t->nkey;
    *arena_push(t->arena, t->key, t->nkey, t->key_cap) = copy ? arena_str(t->arena, key) : key;
    t->slot[slot] = (struct table_slot){row, hash};
    if (t->nkey > t->mask / 2)
        double_slots(t);
    return row;
}

u32 table_add(struct table *t, struct str key)
{
    return add(t, key, true);
}

u32 table_add_shared(struct table *t, struct str key)
{
    return add(t, key, false);
}
