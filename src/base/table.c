#include "base/table.h"

enum { FIRST_SLOTS = 64 };

void table_init(struct table *t, struct arena *a)
{
    *t = (struct table){.arena = a, .nkey = 1, .key_cap = FIRST_SLOTS / 2, .mask = FIRST_SLOTS - 1};
    t->key = arena_new(a, struct str, t->key_cap);
    t->slot = arena_new(a, u32, FIRST_SLOTS);
    t->hash = arena_new(a, u32, FIRST_SLOTS);
}

// The slot that holds key, or the free one where it belongs.
static u32 find_slot(const struct table *t, struct str key, u32 hash)
{
    for (u32 i = hash & t->mask;; i = (i + 1) & t->mask) {
        if (t->slot[i] == 0 || (t->hash[i] == hash && str_equal(t->key[t->slot[i]], key)))
            return i;
    }
}

static void double_slots(struct table *t)
{
    u32 old_mask = t->mask;
    const u32 *old_slot = t->slot, *old_hash = t->hash;
    t->mask = old_mask * 2 + 1;
    t->slot = arena_new(t->arena, u32, (size_t)t->mask + 1);
    t->hash = arena_new(t->arena, u32, (size_t)t->mask + 1);
    for (u32 i = 0; i <= old_mask; i++) {
        if (old_slot[i] == 0)
            continue;
        u32 to = old_hash[i] & t->mask;
        while (t->slot[to])
            to = (to + 1) & t->mask;
        t->slot[to] = old_slot[i];
        t->hash[to] = old_hash[i];
    }
}

u32 table_find(const struct table *t, struct str key)
{
    return t->slot[find_slot(t, key, (u32)hash_bytes(key.ptr, key.len))];
}

static u32 add(struct table *t, struct str key, bool copy)
{
    u32 hash = (u32)hash_bytes(key.ptr, key.len);
    u32 slot = find_slot(t, key, hash);
    if (t->slot[slot])
        return t->slot[slot];
    u32 row = t->nkey;
    *arena_push(t->arena, t->key, t->nkey, t->key_cap) = copy ? arena_str(t->arena, key) : key;
    t->slot[slot] = row;
    t->hash[slot] = hash;
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
