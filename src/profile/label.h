// Labels (pprof calls them tags): their units, samples and labels left out by them, frames made of
// them.
#ifndef PROFILE_LABEL_H
#define PROFILE_LABEL_H

#include "base/buf.h"
#include "base/table.h"
#include "profile/profile.h"
#include "profile/regex.h"

// The unit of each key that has numbers: the first that the profile names, "bytes" for "alignment"
// and "request", or else the key itself.
struct label_units {
    struct table keys; // texts of keys -> row
    struct str *unit;  // by row
    u32 nunit, cap;
};

// Warns, a line each, of keys whose numbers have several units.
struct label_units label_units(const struct profile *p, struct buf *warnings, struct arena *a);

// Unit of a key; empty when it has no numbers.
struct str label_unit(const struct label_units *units, struct str key);

// An expression on labels, as of -tagfocus: "[key=]" and a range of numbers ("1kb", "1kb:", ":2mb",
// "1kb:2mb"), or expressions by commas, all of which must match some "key:text", or with a key one
// of which must match one of its texts.
struct label_filter;

// Notes on stderr-to-be when the filter is a range.  Fails with EINVAL.  name is for messages.
bool label_filter_parse(struct label_filter **out, const char *name, struct str text,
                        struct buf *notes, struct arena *a, struct err *e);
void label_filter_free(struct label_filter *f);

// Keeps samples that focus matches and ignore does not; both may be NULL.  *focused and *ignored:
// whether any sample did.
struct profile label_filter_samples(const struct profile *p, const struct label_units *units,
                                    const struct label_filter *focus,
                                    const struct label_filter *ignore, bool *focused, bool *ignored,
                                    struct arena *a);

// Keeps labels whose key matches show and not hide; both may be NULL.  *shown and *hidden: whether
// any key did.
struct profile label_filter_keys(const struct profile *p, const struct regex *show,
                                 const struct regex *hide, bool *shown, bool *hidden,
                                 struct arena *a);

// By first label of a sample's run: whether the sample has this text under this key; NULL when no
// sample has.
const bool *label_marks(const struct profile *p, struct str key, struct str text, struct arena *a);

// Without the labels of this key.
struct profile label_remove(const struct profile *p, struct str key, struct arena *a);

// With one more text label on each sample; instead of the ones it has with this key.
struct profile label_set(const struct profile *p, struct str key, struct str text, struct arena *a);

// Frames made of the values of these keys (lists by commas): roots outermost first at the root,
// leaves at the leaf, the last innermost. Numbers are written in unit.  *rooted and *leaved:
// whether any sample has such a key.
struct profile label_frames(const struct profile *p, struct str roots, struct str leaves,
                            struct str unit, bool *rooted, bool *leaved, struct arena *a);

static inline const struct label *profile_labels(const struct profile *p, const struct sample *s)
{
    return s->nlabel ? &p->label[s->label] : NULL;
}

#endif
