// The report in its forms.
#ifndef OOM_TEXT_H
#define OOM_TEXT_H

#include "base/buf.h"
#include "oom/verdict.h"

// For people.
void oom_text(struct buf *out, const struct oom *o, const struct verdict *v, struct arena *a);

// A summary of at most most bytes, for "kubectl describe" and logs.
void oom_summary(struct buf *out, const struct oom *o, const struct verdict *v, size_t most,
                 struct arena *a);

// One line of JSON, for log collectors; and the whole, as docs/oom-json.md says.
void oom_json_line(struct buf *out, const struct oom *o, const struct verdict *v, struct arena *a);
void oom_json(struct buf *out, const struct oom *o, const struct verdict *v, struct arena *a);

// A page that needs nothing else.
bool oom_html(struct buf *out, const struct oom *o, const struct verdict *v, struct arena *a,
              struct err *e);

// The account as a profile of one type, "charge" in bytes, whose sum is the group's charge: each
// line is a frame; above those of the heap and of mappings are their stacks, with their labels.
struct profile oom_profile(const struct oom *o, struct arena *a);

// Parts of the above.

// The account, a line each; with growth columns where that is known.
void oom_account_text(struct buf *out, const struct oom *o, struct arena *a);

// Who held the live heap, and what was mapped.
void oom_held_text(struct buf *out, const struct oom *o, struct arena *a);

// "killed by SIGKILL", "is alive".
void oom_end_text(struct buf *out, const struct oom *o);

// "1 min", "since its start".
struct str oom_window_name(const struct oom_window *w, struct arena *a);

// Lines of the account that are not 0, the heaviest first; their number.
u32 oom_lines(enum account_line out[ACCOUNT_LINES], const struct oom *o);

// Moments of the time line, at most most, closer to each other towards the end.
struct oom_moment {
    u64 time_ns;
    u64 live_bytes, rss_bytes, charge_bytes; // 0: not known
};
u32 oom_moments(struct oom_moment **out, const struct oom *o, u32 most, struct arena *a);

// What a mark says: "passed 85% of the limit".
struct str oom_mark_text(const struct watch_mark *m, struct arena *a);

#endif
