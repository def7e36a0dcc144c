// Addresses of processes -> linked addresses, for each way in which a file comes into memory.  The
// kernels' cases are those that google/pprof knows of.
#include "object/load.h"

#include <elf.h>

#include "../tap.h"

#define KERNEL 0xffffffff81000000

struct shape {
    const char *name;
    u32 type;
    u64 kernel_text;
    struct load_segment segment[4];
    u32 nsegment;
};

static const struct shape fixed = {
    .name = "fixed",
    .type = ET_EXEC,
    .segment = {{0, 0x1000, 0x400000, 0x1000, false}, {0x1000, 0x5000, 0x401000, 0x5000, true}},
    .nsegment = 2,
};
static const struct shape pie = {
    .name = "position-independent",
    .type = ET_DYN,
    .segment = {{0, 0x800, 0, 0x800, false}, {0x1000, 0x5000, 0x1000, 0x5000, true}},
    .nsegment = 2,
};
static const struct shape prelinked = {
    .name = "prelinked",
    .type = ET_DYN,
    .segment = {{0, 0x4000, 0x3000000000, 0x4000, true}},
    .nsegment = 1,
};
// lld's: each segment is one page further in memory than in the file.
static const struct shape shifted = {
    .name = "shifted",
    .type = ET_DYN,
    .segment = {{0, 0x5d0, 0, 0x5d0, false},
                {0x5d0, 0x200, 0x15d0, 0x200, true},
                {0x7d0, 0x90, 0x27d0, 0x830, false}},
    .nsegment = 3,
};
// A linker script's: code is twice in memory, once from the file; and uninitialized data follow.
static const struct shape scripted = {
    .name = "scripted",
    .type = ET_EXEC,
    .segment = {{0x200000, 0x1000, 0x10000000, 0x1000, true},
                {0, 0, 0x20000000, 0x100000, false},
                {0x201000, 0x800, 0x30000000, 0x1000, true}},
    .nsegment = 3,
};
static const struct shape debug_file = {
    .name = "stripped of its contents",
    .type = ET_DYN,
    .segment = {{0, 0x3b4, 0, 0x25388, false}, {0, 0, 0x26000, 0x1550fc, true}},
    .nsegment = 2,
};
static const struct shape bare = {.name = "without segments", .type = ET_EXEC};
static const struct shape bare_library = {.name = "without segments", .type = ET_DYN};
static const struct shape relocatable = {.name = "relocatable", .type = ET_REL};
static const struct shape kernel = {
    .name = "kernel",
    .type = ET_EXEC,
    .kernel_text = KERNEL + 0x198,
    .segment = {{0x1000, 0x100000, KERNEL, 0x100000, true}},
    .nsegment = 1,
};
static const struct shape nameless_kernel = {
    .name = "kernel without symbols",
    .type = ET_EXEC,
    .segment = {{0x1000, 0x100000, 0xffffffff80200000, 0x100000, true}},
    .nsegment = 1,
};
static const struct shape ppc64_kernel = {
    .name = "kernel of PowerPC",
    .type = ET_EXEC,
    .kernel_text = 0xc000000000000000,
    .segment = {{0x1000, 0x100000, 0xc000000000000000, 0x100000, true}},
    .nsegment = 1,
};
static const struct shape pie_kernel = {
    .name = "position-independent kernel",
    .type = ET_DYN,
    .kernel_text = 0xffffffc010080800,
    .segment = {{0x10800, 0x100000, 0xffffffc010080800, 0x100000, true}},
    .nsegment = 1,
};

struct fact {
    const struct shape *shape;
    const char *how;
    struct load_mapping mapping;
    u64 address, linked; // linked 0: nothing is there
};

static const struct fact facts[] = {
    {&fixed, "its code's mapping", {0x401000, 0x406000, 0x1000}, 0x401234, 0x401234},
    {&fixed, "moved by a loader of its own", {0x7001000, 0x7006000, 0x1000}, 0x7001234, 0x401234},
    {&fixed, "one mapping for all", {0x400000, 0x406000, 0}, 0x401234, 0x401234},
    {&fixed, "no mapping but a made-up one", {0, UINT64_MAX, 0}, 0x401234, 0x401234},
    {&fixed, "no limits", {0, 0, 0}, 0x401234, 0x401234},
    {&fixed, "beyond its end", {0x400000, 0x500000, 0}, 0x410000, 0},
    {&pie, "its code's mapping", {0x555555555000, 0x55555555a000, 0x1000}, 0x555555555234, 0x1234},
    {&pie, "one mapping for all", {0x555555554000, 0x55555555a000, 0}, 0x555555555234, 0x1234},
    {&pie,
     "the middle, which was put into huge pages",
     {0x555555557000, 0x555555558000, 0x3000},
     0x555555557010,
     0x3010},
    {&prelinked, "at its address", {0x3000000000, 0x3000004000, 0}, 0x3000000100, 0x3000000100},
    {&prelinked, "elsewhere", {0x7f0000000000, 0x7f0000004000, 0}, 0x7f0000000100, 0x3000000100},
    {&shifted, "its code's mapping", {0x7f0000001000, 0x7f0000002000, 0}, 0x7f00000015e0, 0x15e0},
    {&shifted, "its data's mapping", {0x7f0000002000, 0x7f0000003000, 0}, 0x7f0000002800, 0x2800},
    {&scripted, "the first piece", {0x10000000, 0x10001000, 0x200000}, 0x10000400, 0x10000400},
    {&scripted, "the second piece", {0x30000000, 0x30001000, 0x201000}, 0x30000400, 0x30000400},
    {&debug_file,
     "its offsets guessed",
     {0x7f0000026000, 0x7f000017b000, 0x26000},
     0x7f0000026410,
     0x26410},
    {&debug_file, "beyond its code", {0x7f0000026000, 0x7f000017c000, 0x26000}, 0x7f000017bfff, 0},
    {&bare, "any mapping", {0x400000, 0x500000, 0}, 0x401234, 0x401234},
    {&bare_library, "any mapping", {0x400000, 0x500000, 0x1000}, 0x401234, 0x2234},
    {&relocatable, "from its start", {0x2000000, 0x3000000, 0}, 0x2000040, 0x40},
    {&relocatable, "from within", {0x2000000, 0x3000000, 1}, 0x2000040, 0},
    {&kernel,
     "from _stext, moved",
     {KERNEL + 0x1000198, KERNEL + 0x2000198, 0},
     KERNEL + 0x1000298,
     KERNEL + 0x298},
    {&kernel, "at its address", {KERNEL, KERNEL + 0x1f000000, 0}, KERNEL + 0x298, KERNEL + 0x298},
    {&kernel,
     "its start as the offset",
     {KERNEL, KERNEL + 0x1f000000, KERNEL},
     KERNEL + 0x298,
     KERNEL + 0x298},
    {&kernel,
     "its start as the offset, moved",
     {KERNEL + 0x2400198, KERNEL + 0x3f000000, KERNEL + 0x2400198},
     KERNEL + 0x2400298,
     KERNEL + 0x298},
    {&kernel, "moved to 0", {0, 0x10198, 0}, 0x100, KERNEL + 0x298},
    {&kernel, "moved to its byte of page 0", {0x198, 0x100000, 0}, 0x298, KERNEL + 0x298},
    {&nameless_kernel,
     "an offset that leads to its segment",
     {0xffffffff83e00000, 0xfffffffffc3fffff, 0x3c00000},
     0xffffffff83e00100,
     0xffffffff80200100},
    {&ppc64_kernel,
     "at its address",
     {0xc000000000000000, 0xd00000001a730000, 0},
     0xc000000000000100,
     0xc000000000000100},
    {&pie_kernel, "moved to 0", {0x800, 0xb7f800, 0}, 0x900, 0xffffffc010080900},
    {&pie_kernel,
     "moved",
     {0xffffffdb5d680800, 0xffffffdb5e200000, 0xffffffdb5d680800},
     0xffffffdb5d680900,
     0xffffffc010080900},
};

static void check_fact(const struct fact *f)
{
    const struct load l = {f->shape->segment, f->shape->nsegment, f->shape->type,
                           f->shape->kernel_text};
    u64 linked = 0;
    if (!load_find(&linked, &l, &f->mapping, f->address))
        linked = 0;
    ok(linked == f->linked, "%s, %s: %#llx is %#llx", f->shape->name, f->how,
       (unsigned long long)f->address, (unsigned long long)f->linked);
    if (linked != f->linked)
        printf("# got %#llx\n", (unsigned long long)linked);
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(facts); i++)
        check_fact(&facts[i]);
    return done();
}
