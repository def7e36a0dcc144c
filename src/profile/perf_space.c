// AVL trees that are split and joined: "Just Join for Parallel Ordered Sets",
// https://arxiv.org/abs/1602.02120.  The height, and so the depth of the recursions, is below 1.44
// log2 of the number of ranges.
#include "profile/perf_space.h"

void perf_nodes_init(struct perf_nodes *all, struct arena *a)
{
    *all = (struct perf_nodes){.arena = a};
    arena_push(a, all->node, all->n, all->cap);
}

struct perf_space perf_space_new(struct perf_nodes *all)
{
    return (struct perf_space){.owner = ++all->nowner};
}

struct perf_space perf_space_fork(struct perf_nodes *all, struct perf_space *parent)
{
    parent->owner = ++all->nowner;
    return (struct perf_space){parent->root, ++all->nowner};
}

static u32 new_node(struct perf_nodes *all, struct perf_node node)
{
    *arena_push(all->arena, all->node, all->n, all->cap) = node;
    return all->n - 1;
}

// The same node, or a copy of one that other spaces see, too.
static u32 owned(struct perf_nodes *all, u32 node, u32 owner)
{
    struct perf_node copy = all->node[node];
    if (copy.owner == owner)
        return node;
    copy.owner = owner;
    return new_node(all, copy);
}

// Gives a node of one's own these children.
static u32 set_children(struct perf_nodes *all, u32 node, u32 left, u32 right)
{
    u32 l = all->node[left].height, r = all->node[right].height;
    all->node[node].left = left;
    all->node[node].right = right;
    all->node[node].height = (l > r ? l : r) + 1;
    return node;
}

static u32 rotate_left(struct perf_nodes *all, u32 node, u32 owner)
{
    u32 top = owned(all, all->node[node].right, owner);
    struct perf_node n = all->node[node], t = all->node[top];
    return set_children(all, top, set_children(all, node, n.left, t.left), t.right);
}

static u32 rotate_right(struct perf_nodes *all, u32 node, u32 owner)
{
    u32 top = owned(all, all->node[node].left, owner);
    struct perf_node n = all->node[node], t = all->node[top];
    return set_children(all, top, t.left, set_children(all, node, t.right, n.right));
}

// A node of one's own whose children's heights differ by at most 2, made to differ by at most 1.
static u32 balance(struct perf_nodes *all, u32 node, u32 owner)
{
    struct perf_node n = all->node[node];
    const struct perf_node *l = &all->node[n.left], *r = &all->node[n.right];
    if (l->height > r->height + 1) {
        if (all->node[l->right].height > all->node[l->left].height)
            n.left = rotate_left(all, owned(all, n.left, owner), owner);
        return rotate_right(all, set_children(all, node, n.left, n.right), owner);
    }
    if (r->height > l->height + 1) {
        if (all->node[r->left].height > all->node[r->right].height)
            n.right = rotate_right(all, owned(all, n.right, owner), owner);
        return rotate_left(all, set_children(all, node, n.left, n.right), owner);
    }
    return node;
}

// One tree of left, a node of one's own, and right, in this order.
static u32 join(struct perf_nodes *all, u32 left, u32 node, u32 right, u32 owner)
{
    u32 l = all->node[left].height, r = all->node[right].height;
    if (l > r + 1) {
        u32 top = owned(all, left, owner);
        struct perf_node t = all->node[top];
        set_children(all, top, t.left, join(all, t.right, node, right, owner));
        return balance(all, top, owner);
    }
    if (r > l + 1) {
        u32 top = owned(all, right, owner);
        struct perf_node t = all->node[top];
        set_children(all, top, join(all, left, node, t.left, owner), t.right);
        return balance(all, top, owner);
    }
    return set_children(all, node, left, right);
}

// The trees of ranges that start below an address, and of the others.
static void split(struct perf_nodes *all, u32 root, u64 address, u32 owner, u32 *below, u32 *above)
{
    u32 part;
    if (root == 0) {
        *below = *above = 0;
        return;
    }
    u32 top = owned(all, root, owner);
    struct perf_node t = all->node[top];
    if (t.start < address) {
        split(all, t.right, address, owner, &part, above);
        *below = join(all, t.left, top, part, owner);
    } else {
        split(all, t.left, address, owner, below, &part);
        *above = join(all, part, top, t.right, owner);
    }
}

// The tree without its last range, which is *last.
static u32 take_last(struct perf_nodes *all, u32 root, u32 owner, u32 *last)
{
    u32 top = owned(all, root, owner);
    struct perf_node t = all->node[top];
    if (t.right == 0) {
        *last = top;
        return t.left;
    }
    set_children(all, top, t.left, take_last(all, t.right, owner, last));
    return balance(all, top, owner);
}

// Cuts the last range of a tree off at limit; *rest is what of it lies from limit_of_hole on.
static u32 cut_last(struct perf_nodes *all, u32 root, u64 limit, u64 limit_of_hole, u32 owner,
                    struct perf_node *rest)
{
    u32 last;
    if (root == 0)
        return 0;
    root = take_last(all, root, owner, &last);
    struct perf_node n = all->node[last];
    if (n.limit > limit_of_hole)
        *rest = (struct perf_node){limit_of_hole, n.limit, n.mapping, 0, 0, owner, 1};
    if (n.limit > limit)
        all->node[last].limit = limit;
    if (n.start >= limit)
        return root;
    return join(all, root, last, 0, owner);
}

void perf_space_map(struct perf_nodes *all, struct perf_space *s, u64 start, u64 limit, u32 mapping)
{
    struct perf_node rest = {0};
    u32 below, inside, above, o = s->owner;
    if (start >= limit)
        return;
    split(all, s->root, start, o, &below, &inside);
    split(all, inside, limit, o, &inside, &above);
    below = cut_last(all, below, start, limit, o, &rest);
    cut_last(all, inside, start, limit, o, &rest);
    if (rest.mapping)
        above = join(all, 0, new_node(all, rest), above, o);
    u32 node = new_node(all, (struct perf_node){start, limit, mapping, 0, 0, o, 1});
    s->root = join(all, below, node, above, o);
}

u32 perf_space_find(const struct perf_nodes *all, const struct perf_space *s, u64 address)
{
    u32 at = s->root;
    while (at) {
        const struct perf_node *n = &all->node[at];
        if (address >= n->start && address < n->limit)
            return n->mapping;
        at = address < n->start ? n->left : n->right;
    }
    return 0;
}
