// Address spaces against an array that has a mapping for each address.
#include <string.h>

#include "../tap.h"
#include "profile/perf_space.h"

enum { ADDRESSES = 300, SPACES = 40, ROUNDS = 20000 };

static u64 state = 88172645463325252;

static u32 draw(u32 below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)(state >> 32) % below;
}

// Height of a tree whose ranges are in order, do not overlap, and whose sides differ by one at
// most; -1 when that does not hold.
static i32 check(const struct perf_nodes *all, u32 node, u64 low, u64 high)
{
    if (node == 0)
        return 0;
    const struct perf_node *n = &all->node[node];
    i32 l = check(all, n->left, low, n->start), r = check(all, n->right, n->limit, high);
    bool holds = l >= 0 && r >= 0 && l - r <= 1 && r - l <= 1 && n->start >= low &&
                 n->limit <= high && n->start < n->limit;
    i32 height = (l > r ? l : r) + 1;
    return holds && (i32)n->height == height ? height : -1;
}

static bool same(const struct perf_nodes *all, const struct perf_space *s, const u32 *wanted)
{
    for (u64 address = 0; address < ADDRESSES; address++) {
        if (perf_space_find(all, s, address) != wanted[address])
            return false;
    }
    return check(all, s->root, 0, UINT64_MAX) >= 0;
}

static void test_random(struct arena *a)
{
    static struct perf_space space[SPACES];
    static u32 wanted[SPACES][ADDRESSES];
    struct perf_nodes all;
    perf_nodes_init(&all, a);
    for (u32 i = 0; i < SPACES; i++)
        space[i] = perf_space_new(&all);
    bool holds = true;
    for (u32 round = 1; round <= ROUNDS; round++) {
        u32 i = draw(SPACES), other = draw(SPACES);
        if (draw(50) == 0 && i != other) {
            space[i] = perf_space_fork(&all, &space[other]);
            memcpy(wanted[i], wanted[other], sizeof(wanted[i]));
        }
        u32 start = draw(ADDRESSES), bytes = draw(draw(20) ? 12 : 150);
        perf_space_map(&all, &space[i], start, start + bytes, round);
        for (u32 k = start; k < start + bytes && k < ADDRESSES; k++)
            wanted[i][k] = round;
        holds &= same(&all, &space[i], wanted[i]);
        if (round % 100 == 0)
            holds &= same(&all, &space[other], wanted[other]);
    }
    for (u32 i = 0; i < SPACES; i++)
        holds &= same(&all, &space[i], wanted[i]);
    ok(holds, "mappings, forks and what they cover are as in an array, and trees are balanced");
}

// What a process has with a mapping for each function that a JIT compiler made.
static void test_many(struct arena *a)
{
    enum { MANY = 200000 };
    struct perf_nodes all;
    perf_nodes_init(&all, a);
    struct perf_space s = perf_space_new(&all);
    for (u64 i = 0; i < MANY; i++)
        perf_space_map(&all, &s, (MANY - i) * 64, (MANY - i) * 64 + 64, (u32)i + 1);
    ok(check(&all, s.root, 0, UINT64_MAX) <= 26,
       "the depth is logarithmic, in descending order, too");
    ok(all.n <= MANY + 1, "a mapping costs one node");
    struct perf_space child = perf_space_fork(&all, &s);
    perf_space_map(&all, &child, 64 * 1000, 64 * 1001, 7);
    ok(all.n <= MANY + 300, "a fork that maps costs a path of nodes");
    ok(perf_space_find(&all, &child, 64 * 1000) == 7 &&
           perf_space_find(&all, &s, 64 * 1000) == MANY - 999,
       "and leaves its parent's mappings alone");
}

int main(void)
{
    struct arena a;
    arena_init(&a, (size_t)MIB(256));
    test_random(&a);
    test_many(&a);
    arena_free(&a);
    return done();
}
