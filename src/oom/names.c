#include "object/symbolizer.h"
#include "oom/oom.h"
#include "profile/demangle.h"
#include "profile/filter.h"
#include "profile/symbolize.h"

bool oom_name(struct oom *o, struct symbolizer *s, struct arena *a, struct err *e)
{
    struct profile named = profile_symbolize(&o->heap, s, false, a);
    named = profile_demangle(&named, DEMANGLE_DEFAULT, false, a);
    return filter_drop_frames(&o->heap, &named, a, e);
}
