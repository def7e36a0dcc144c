// The records of a perf.data file that matter, in the order of their times.
//
// For the reader of perf.data only.
#ifndef PROFILE_PERF_RECORDS_H
#define PROFILE_PERF_RECORDS_H

#include "profile/perf_file.h"

struct perf_entry {
    u64 time;        // 0: it has none, and is before all that have
    const u8 *start; // of the record's header
    u32 event;       // that it is of
    u32 order;       // in the file
};

struct perf_records {
    struct perf_entry *entry; // by time, then as they are in the file
    u32 n, cap;
    u64 first_time, last_time; // of a sample
    u64 nlost;                 // records that perf could not write down
    u64 nunknown;              // samples of events that the file does not describe
    struct table cookies;      // 8 bytes each: of user stacks that were taken after the sample
    struct cursor *later;      // by row of cookies: those stacks
    u32 nlater, later_cap;
};

// Orders the records of f, and counts each event's samples.
void perf_records_read(struct perf_records *out, struct perf_file *f);

// The record that an entry stands for.
struct perf_record perf_records_at(const struct perf_file *f, const struct perf_entry *entry);

#endif
