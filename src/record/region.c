// Address ranges that the program mapped: rows of a table, and a tree over them (a treap: sorted by
// start, and a heap by a random priority, so that it stays flat).  Both are in the record, but a
// reader looks at the rows alone.  Callers name rows by their number + 1, as the tree does: 0 is
// none.
#include "record/write.h"

static struct record_region *row_of(const struct record *r, u32 node)
{
    return &r->region[node - 1];
}

static u64 end_of(const struct record_region *x)
{
    return x->start + x->length;
}

// Random, but always the same one for a row.
static u32 priority_of(u32 node)
{
    return (u32)(node * 0x9e3779b97f4a7c15 >> 24);
}

// A row that nothing refers to; 0 when there is none.
static u32 take_row(struct record *r)
{
    struct record_header *h = r->header;
    u32 node = h->free_region;
    if (node)
        h->free_region = row_of(r, node)->right;
    else if (h->nregion < h->section[RECORD_REGION].nrow)
        node = ++h->nregion;
    return node;
}

static void give_row(struct record *r, u32 node)
{
    struct record_region *x = row_of(r, node);
    __atomic_store_n(&x->length, 0, __ATOMIC_RELEASE);
    x->right = r->header->free_region;
    r->header->free_region = node;
}

// All of a tree that starts below key, and the rest.
static void split(const struct record *r, u32 tree, u64 key, u32 *low, u32 *high)
{
    while (tree) {
        struct record_region *x = row_of(r, tree);
        if (x->start < key) {
            *low = tree;
            low = &x->right;
            tree = x->right;
        } else {
            *high = tree;
            high = &x->left;
            tree = x->left;
        }
    }
    *low = *high = 0;
}

// One tree of two, of which the first lies below the other.
static u32 join(const struct record *r, u32 low, u32 high)
{
    u32 tree = 0, *to = &tree;
    while (low && high) {
        if (priority_of(low) > priority_of(high)) {
            *to = low;
            to = &row_of(r, low)->right;
            low = *to;
        } else {
            *to = high;
            to = &row_of(r, high)->left;
            high = *to;
        }
    }
    *to = low ? low : high;
    return tree;
}

static void insert(struct record *r, u32 node)
{
    u32 low, high;
    row_of(r, node)->left = row_of(r, node)->right = 0;
    split(r, r->header->region_root, row_of(r, node)->start, &low, &high);
    r->header->region_root = join(r, join(r, low, node), high);
}

// A new row for a part of another one's range; 0 when there is no room, and the part is lost.
static u32 copy_part(struct record *r, const struct record_region *x, u64 start, u64 end)
{
    u32 node = take_row(r);
    if (node == 0) {
        r->header->lost_regions++;
        r->header->lost_region_bytes += end - start;
        return 0;
    }
    struct record_region *part = row_of(r, node);
    part->start = start;
    part->stack = x->stack;
    part->second = x->second;
    __atomic_store_n(&part->length, end - start, __ATOMIC_RELEASE);
    return node;
}

static u32 last_of(const struct record *r, u32 tree)
{
    while (tree && row_of(r, tree)->right)
        tree = row_of(r, tree)->right;
    return tree;
}

// Puts cuts at an address: no region reaches over it.
static void cut_at(struct record *r, u64 address)
{
    u32 low, high;
    split(r, r->header->region_root, address, &low, &high);
    u32 last = last_of(r, low), rest = 0;
    if (last && end_of(row_of(r, last)) > address) {
        struct record_region *x = row_of(r, last);
        rest = copy_part(r, x, address, end_of(x));
        __atomic_store_n(&x->length, address - x->start, __ATOMIC_RELEASE);
    }
    if (rest) {
        row_of(r, rest)->left = row_of(r, rest)->right = 0;
        high = join(r, rest, high);
    }
    r->header->region_root = join(r, low, high);
}

// The tree of all regions in a range, which are no longer in the table's.
static u32 take_out(struct record *r, struct record_range range)
{
    u32 low, inside, high;
    cut_at(r, range.start);
    cut_at(r, range.start + range.length);
    split(r, r->header->region_root, range.start, &low, &high);
    split(r, high, range.start + range.length, &inside, &high);
    r->header->region_root = join(r, low, high);
    return inside;
}

// Makes a tree a chain through left, before the chain that follows.
static u32 chain_of(const struct record *r, u32 tree, u32 chain)
{
    while (tree) {
        struct record_region *x = row_of(r, tree);
        u32 left = x->left;
        chain = chain_of(r, x->right, chain);
        x->left = chain;
        chain = tree;
        tree = left;
    }
    return chain;
}

static void give_tree(struct record *r, u32 tree)
{
    for (u32 node = chain_of(r, tree, 0); node;) {
        u32 next = row_of(r, node)->left;
        give_row(r, node);
        node = next;
    }
}

bool record_region_remove(struct record *r, struct record_range range)
{
    if (!record_lock(&r->header->region_lock))
        return false;
    give_tree(r, take_out(r, range));
    record_unlock(&r->header->region_lock);
    return true;
}

bool record_region_add(struct record *r, struct record_range range, u32 stack, u32 second)
{
    struct record_region whole = {.stack = stack, .second = second};
    if (!record_lock(&r->header->region_lock))
        return false;
    give_tree(r, take_out(r, range));
    u32 node = copy_part(r, &whole, range.start, range.start + range.length);
    if (node)
        insert(r, node);
    record_unlock(&r->header->region_lock);
    return node != 0;
}

u32 record_region_detach(struct record *r, struct record_range from)
{
    if (!record_lock(&r->header->region_lock))
        return 0;
    u32 chain = chain_of(r, take_out(r, from), 0);
    record_unlock(&r->header->region_lock);
    return chain;
}

void record_region_attach(struct record *r, u32 chain, u64 old_start, struct record_range to)
{
    if (!record_lock(&r->header->region_lock))
        return;
    while (chain) {
        struct record_region *x = row_of(r, chain);
        u32 next = x->left;
        u64 offset = x->start - old_start;
        if (offset >= to.length) {
            give_row(r, chain);
        } else {
            x->start = to.start + offset;
            if (x->length > to.length - offset)
                __atomic_store_n(&x->length, to.length - offset, __ATOMIC_RELEASE);
            insert(r, chain);
        }
        chain = next;
    }
    record_unlock(&r->header->region_lock);
}
