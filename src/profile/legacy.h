// The formats before profile.proto: texts of /pprof/heap and the like, gperftools' CPU profiles.
// What they are is said best by the code that reads them everywhere:
// https://github.com/google/pprof/blob/main/profile/legacy_profile.go
//
// For the decoders of this room only.
#ifndef PROFILE_LEGACY_H
#define PROFILE_LEGACY_H

#include "profile/build.h"

// A text's lines, one at a time, without their ends.
struct lines {
    struct str rest; // behind the line at hand
    struct str line; // at hand; empty before the first
};
bool lines_next(struct lines *l);

// Nothing, or "#...".
bool line_is_comment(struct str line);

// "--- Memory map: ---" or "MAPPED_LIBRARIES:".
bool line_is_map_start(struct str line);

// A profile while its stacks are addresses still.
struct legacy {
    struct build b; // of a sample, .frame and .nframe are its run in address
    u64 *address;   // leaf first
    u32 naddress, address_cap;
    const char *drop; // functions to leave out besides those that all profiles of its types have
    struct arena *arena;
};

void legacy_init(struct legacy *l, struct arena *a);
void legacy_period(struct legacy *l, struct str type, struct str unit, i64 period);

// Adds a frame to the sample that was appended last.
void legacy_frame(struct legacy *l, u64 address);

// The same for each "0x..." in text.  Addresses are where calls return to, so one less is in the
// call itself.  Fails with EBADMSG when one is no 64-bit number.
bool legacy_frames(struct legacy *l, struct str text, struct err *e);

// A number label "bytes" of the last sample.
void legacy_block_size(struct legacy *l, i64 bytes);

// Makes locations of the addresses, in the order of the samples.
void legacy_locate(struct legacy *l);

// Reads mappings in the form of /proc/PID/maps and others up to the text's end, and finds each
// location's.
void legacy_mappings(struct legacy *l, struct lines *lines);

// legacy_locate(), and mappings from the next "--- Memory map: ---" on.
void legacy_sections(struct legacy *l, struct lines *lines);

// Leaves out a second frame that is the leaf's own address, counted as if it were a call.
void legacy_drop_duplicates(struct legacy *l);

// The mapping that any location without one belongs to.
u32 legacy_fake_mapping(struct legacy *l);

// What a heap sampler saw, as what there was: source of the formula is gperftools' heap_v2.
void legacy_unsample(i64 *count, i64 *bytes, i64 rate);

// A whole number with an optional 0x, or 0 for octal, in front.
bool legacy_number(i64 *out, struct str text);

// Whether bytes are of a decoder's format; the first that does not say OTHER decides.
enum format { FORMAT_OTHER, FORMAT_BAD, FORMAT_DECODED };

typedef enum format legacy_decoder(struct legacy *l, struct str bytes, struct err *e);
legacy_decoder legacy_cpu;                      // legacy_cpu.c
legacy_decoder legacy_heap;                     // legacy_heap.c
legacy_decoder legacy_jemalloc;                 // legacy_jemalloc.c
legacy_decoder legacy_go_count, legacy_threads; // legacy_threads.c
legacy_decoder legacy_contention;               // legacy_contention.c
legacy_decoder legacy_java;                     // legacy_java.c
enum format legacy_java_cpu(struct legacy *l, struct str text, struct err *e);

#endif
