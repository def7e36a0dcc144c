// What a perf.data file says of itself: its events, its build ids, and where its records are.
//
// Sources: the kernel's tools/perf/Documentation/perf.data-file-format.txt,
// tools/lib/perf/include/perf/event.h and include/uapi/linux/perf_event.h.
//
// For the reader of perf.data only.
#ifndef PROFILE_PERF_FILE_H
#define PROFILE_PERF_FILE_H

#include <linux/perf_event.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/table.h"

// Text up to a NUL, or else all of c, at most PERF_MOST_TEXT of it: a record cannot hold more.
enum { PERF_MOST_TEXT = UINT16_MAX };
static inline struct str perf_text(const struct cursor *c)
{
    size_t most = cursor_left(c) < PERF_MOST_TEXT ? (size_t)cursor_left(c) : PERF_MOST_TEXT;
    return (struct str){(const char *)c->at, strnlen((const char *)c->at, most)};
}

// Records that perf itself writes, beside the kernel's PERF_RECORD_*.
enum {
    PERF_HEADER_ATTR = 64,
    PERF_HEADER_TRACING_DATA = 66,
    PERF_HEADER_BUILD_ID = 67,
    PERF_AUXTRACE = 71,
    PERF_EVENT_UPDATE = 78,
    PERF_HEADER_FEATURE = 80,
    PERF_COMPRESSED = 81,
    PERF_COMPRESSED2 = 83
};

// What perf counted: one struct perf_event_attr.
struct perf_event {
    struct str name; // "cycles:u"; may be empty
    u32 type;
    u64 config;
    u64 period; // events between two samples; 0: varies, since perf aimed at a frequency
    u64 sample_type, read_format, branch_type;
    u64 regs_user, regs_intr; // bits: registers in a sample
    bool has_trailers;        // other records than samples end with a time and more
    bool is_inherited;        // by new threads, each of which counts for itself
    u32 nsample;
};

struct perf_file {
    struct arena *arena;
    size_t limit; // bytes that may be unpacked
    struct cursor all;
    struct cursor data;     // the records
    struct cursor unpacked; // more records, which were packed in PERF_COMPRESSED ones
    bool is_cut;            // records end in the middle of one
    bool is_x86_64;         // recorded on such a machine
    bool has_traces;        // Intel PT and the like, which is not decoded here
    struct perf_event *event;
    u32 nevent, event_cap;
    struct table ids;  // 8 bytes each
    u32 *event_of_id;  // by row of ids
    u32 nid, id_cap;   // rows of event_of_id
    u64 nid_read;      // with those that were read twice
    struct table path; // of a file that ran
    struct str *build_id;
    u32 nbuild_id, build_id_cap; // rows of build_id
    struct str hostname, release;
    struct str comment[8]; // "perf-version:6.1"
    u32 ncomment;
    u64 wall_ns, clock_ns; // the same instant since 1970, and as records count it; 0: not known
};

// Reads all but the samples.  Fails with EBADMSG, EFBIG or ENOTSUP.
bool perf_file_open(struct perf_file *f, struct str bytes, size_t limit, struct arena *a,
                    struct err *e);

// Row of the event with this id; false when there is none.
bool perf_file_event(const struct perf_file *f, u64 id, u32 *event);

// The build id of the file at path, in hex; empty when it is not known.
struct str perf_file_build_id(const struct perf_file *f, struct str path);

// The name of an event by what was counted, as perf would call it.
struct str perf_event_name(const struct perf_event *ev, u32 row, struct arena *a);

// At least one byte of an id, in hex, without zeros that only fill it up; empty when all are zero.
struct str perf_hex(const u8 *id, size_t n, struct arena *a);

struct perf_record {
    u32 type;
    u16 misc;
    struct cursor body; // behind the header
};

// The next record, and past what follows it outside of its size.  False at the end, or when the
// last one is cut (then rest->bad).
bool perf_record_next(struct perf_record *r, struct cursor *rest);

// Appends an event, and its ids.
bool perf_attr_read(struct perf_file *f, struct cursor attr, struct cursor ids, struct err *e);

// Reads the feature of the header with this number (HEADER_* in tools/perf/util/header.h).
void perf_feature_read(struct perf_file *f, u64 number, struct cursor bytes);
void perf_build_id_read(struct perf_file *f, const struct perf_record *r);

// Files that came through a pipe need not say the kernel's build id: one of the same release, on a
// host of the same name, is taken for the one that runs here.
void perf_kernel_recognize(struct perf_file *f);

#endif
