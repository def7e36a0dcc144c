// Values with units as pprof prints them: "154.14MB", "1.20s", "99.61%".  Source: pprof's
// internal/measurement.
#ifndef PROFILE_UNIT_H
#define PROFILE_UNIT_H

#include "base/buf.h"

// value, measured in unit from, in unit to; *unit gets the unit's short name, empty for plain
// counts.  to may be "minimum" or "auto": the largest unit in which the value is at least 1.
double unit_scale(i64 value, struct str from, struct str to, struct str *unit);

// Whether two units measure the same, so that values can be converted between them.
bool unit_alike(struct str a, struct str b);

// "12.50MB": two decimals unless they are zero; "0" has no unit.  Appends to out.
void unit_label(struct buf *out, i64 value, struct str from, struct str to);

// Six characters or more, blanks in front: "99.61%", " 0.13%", "  100%".
struct percent {
    char text[32];
};
struct percent unit_percent(i64 value, i64 total);

// The same without the blanks in front.
const char *percent_trimmed(const struct percent *p);

#endif
