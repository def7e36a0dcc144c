// The table of mapped regions against a map of pages.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../tap.h"
#include "record/write.h"

enum { PAGES = 400, STEPS = 20000 };

static struct record record;
static u32 model[PAGES + 1]; // stack of each page, 0: not mapped; the first is never used

static void make_record(void)
{
    void *base =
        mmap(NULL, record_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    record_init(&record, base);
    memset(model, 0, sizeof(model));
}

static u32 below(u32 n)
{
    return (u32)rand() % n;
}

static struct record_range random_range(void)
{
    u32 start = 1 + below(PAGES - 1), length = 1 + below(PAGES - start < 30 ? PAGES - start : 30);
    return (struct record_range){start, length};
}

static void set(struct record_range range, u32 stack)
{
    for (u64 i = 0; i < range.length; i++)
        model[range.start + i] = stack;
}

// Moves, grows or shrinks the model as mremap() does.
static void move(struct record_range from, struct record_range to)
{
    u32 old[PAGES];
    memcpy(old, model + from.start, from.length * sizeof(*old));
    set(from, 0);
    set(to, 0);
    for (u64 i = 0; i < from.length && i < to.length; i++)
        model[to.start + i] = old[i];
}

static bool is_as_model(void)
{
    u32 found[PAGES + 1] = {0};
    for (u32 i = 0; i < record.header->nregion; i++) {
        const struct record_region *x = &record.region[i];
        for (u64 k = 0; k < x->length; k++) {
            if (x->start + k > PAGES || found[x->start + k])
                return false; // outside, or twice
            found[x->start + k] = x->stack;
        }
    }
    return memcmp(found, model, sizeof(model)) == 0;
}

static void step(u32 n)
{
    struct record_range range = random_range(), to = random_range();
    u32 what = below(5);
    if (what < 2) {
        record_region_add(&record, range, n, 0);
        set(range, n);
    } else if (what < 4) {
        record_region_remove(&record, range);
        set(range, 0);
    } else {
        u32 chain = record_region_detach(&record, range);
        record_region_remove(&record, to);
        record_region_attach(&record, chain, range.start, to);
        move(range, to);
    }
}

static void test_model(void)
{
    bool agrees = true;
    srand(1);
    make_record();
    for (u32 n = 1; n <= STEPS; n++) {
        step(n);
        agrees &= n % 20 || is_as_model();
    }
    ok(agrees, "after any sequence each page belongs to the last one that mapped it");
    record_region_remove(&record, (struct record_range){0, PAGES + 1});
    set((struct record_range){0, PAGES + 1}, 0);
    ok(is_as_model() && record.header->region_root == 0,
       "and nothing is left of what was unmapped");
    ok(record.header->nregion < PAGES, "rows are used again (%u)", record.header->nregion);
}

static void test_full(void)
{
    u32 n = 0;
    make_record();
    while (record_region_add(&record, (struct record_range){(u64)(n + 1) << 13, 4096}, 1, 0))
        n++;
    ok(n > 10000 && record.header->lost_regions == 1 && record.header->lost_region_bytes == 4096,
       "it refuses when it is full, after %u, and counts what it lost", n);
    ok(record_region_remove(&record, (struct record_range){0, UINT64_MAX / 2}) &&
           record_region_add(&record, (struct record_range){4096, 4096}, 1, 0),
       "and takes more when there is room");
}

int main(void)
{
    test_model();
    test_full();
    return done();
}
