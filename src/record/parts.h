// Parts of a profile of what a process holds, with the heap's four types, for who makes one of
// several.
#ifndef RECORD_PARTS_H
#define RECORD_PARTS_H

#include "record/reading.h"

// The heap's types, as pairs of name and unit: what was ever allocated, and what is held.
enum { PART_NTYPE = 4 };
extern const char *const part_types[PART_NTYPE][2];

// Frames that only pass an allocation on; pprof then charges it to their caller.  The allocating
// function itself (malloc) is never in a stack of ours.
#define DROP_FRAMES                                                                                \
    "cxx_own_.*|operator "                                                                         \
    "new.*|_Zn[aw].*|__rust_(alloc|realloc|alloc_zeroed)|__rdl_.*|__rg_.*|alloc::alloc::.*|"       \
    "<alloc::alloc::Global.*|alloc::raw_vec::.*|std::allocator.*::allocate|"                       \
    "std::__new_allocator.*::allocate|__gnu_cxx::new_allocator.*::allocate|"                       \
    "(__gnu_cxx::|std::)(__)?(alloc|allocator)_traits.*::(_S_)?allocate.*|std::_.*::_M_(allocate|" \
    "create_storage|create|get_node)"

// Live blocks; by age (see record_heap_by_age()) there are several samples of a stack.
void part_heap(struct reading *r, bool by_age, u32 now_second);

// What was live when most was; also where there are but the last two types.
void part_peak(struct reading *r);

// What regions each stack has, by its word offset: for part_mapped().
struct mapped;
struct mapped *part_regions(struct reading *r);

// What is mapped of some kinds, 1 << enum record_map, by the program itself and not its allocator.
void part_mapped(struct reading *r, const struct mapped *mapped, u32 kinds);

#endif
