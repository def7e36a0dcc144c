#include "record/profiles.h"

#include <errno.h>

#include "record/times.h"

static struct profile read_allocs(const struct record_view *v, i64 time_ns, struct arena *a)
{
    struct profile p = record_heap(v, time_ns, a);
    for (u32 i = 0; i < p.ntype; i++) {
        if (str_equal(profile_string(&p, p.type[i].type), STR("alloc_space")))
            p.default_type = p.type[i].type;
    }
    return p;
}

const struct profiles_row profiles[] = {
    {"allocs", read_allocs, "A sampling of all past memory allocations"},
    {"ages", record_heap_by_age, "The heap's live objects with labels that say how old they are"},
    {"block", record_block, "Stack traces that waited for locks, conditions or threads"},
    {"heap", record_heap, "A sampling of memory allocations of live objects"},
    {"mmap", record_mmap,
     "Mappings by mmap, mremap and brk, all of them, and the library's own as [sonde]; malloc's "
     "are not here"},
    {"mutex", record_mutex, "Stack traces of holders of contended locks"},
    {"peak", record_peak, "Live objects at the moment when they were most"},
    {"threadcreate", times_created, "Stack traces that led to the creation of threads"},
};
const u32 nprofile = ARRAY_LEN(profiles);

bool profiles_read(struct profile *out, struct str name, const struct record_view *v, i64 time_ns,
                   struct arena *a, struct err *e)
{
    u32 own;
    for (u32 i = 0; i < nprofile; i++) {
        if (str_equal(name, str_of(profiles[i].name))) {
            *out = profiles[i].read(v, time_ns, a);
            return true;
        }
    }
    if (!record_own_find(&own, v, name, e))
        return false;
    *out = record_own(v, own, time_ns, a);
    return true;
}
