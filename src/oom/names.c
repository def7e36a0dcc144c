#include "object/symbolizer.h"
#include "oom/oom.h"
#include "profile/demangle.h"
#include "profile/filter.h"
#include "profile/symbolize.h"

bool oom_name(struct oom *o, struct symbolizer *s, struct arena *a, struct err *e)
{
    struct profile named = profile_symbolize(&o->all, s, false, a);
    named = profile_demangle(&named, DEMANGLE_DEFAULT, false, a);
    return oom_named(o, &named, a, e);
}

bool oom_named(struct oom *o, const struct profile *named, struct arena *a, struct err *e)
{
    if (!filter_drop_frames(&o->all, named, a, e))
        return false;
    o->heap = oom_part(o, RECORD_PART_HEAP);
    return true;
}
