// The record: one file, mapped MAP_SHARED by the profiled process, that holds its live profile
// tables.  The process only ever does plain stores into it, so that what the kernel keeps after a
// SIGKILL is the state at the instant of death.
//
// The file is a header page and, each at its own page, the sections below: arrays of fixed rows.
// Rows are only appended, except in the live table, whose rows come and go, and the tick rings,
// which wrap.  A row becomes visible by one last store (release) of the word that its comment
// names; until then it is garbage, and a process that dies in between loses just that row.
//
//     tick          rings      the memory time line in three resolutions
//     live_key      buckets    hash set of the addresses of sampled blocks that were not freed yet
//     live_block    rows       what is known of them, beside each address of live_key
//     stack_slot    u32[]      hash table of stacks: word offset of a stack, 0 free; open
//     addressing stack_word    u64[]      the stacks: struct record_stack and its frames, back to
//     back; word 0 is never used mapping       rows       executable segments of files; row 0 is
//     never used, row 1 is the program text          bytes      strings, each ended by NUL; a
//     string is referred to by its offset, 0 is the empty one
//
// A section refers only to later ones, so that whoever copies the file from front to back, while it
// is written, has all that the copied rows refer to.
//
// All numbers have the machine's byte order.
#ifndef RECORD_LAYOUT_H
#define RECORD_LAYOUT_H

#include "base/types.h"

#define RECORD_MAGIC "SONDEREC" // 8 bytes

enum {
    RECORD_VERSION = 1,
    RECORD_PAGE = 4096,
    RECORD_MAX_FRAMES = 128, // of a stack; deeper ones lose their root side and say so
};

enum record_section_id {
    RECORD_TICK,
    RECORD_LIVE_KEY,
    RECORD_LIVE_BLOCK,
    RECORD_STACK_SLOT,
    RECORD_STACK_WORD,
    RECORD_MAPPING,
    RECORD_TEXT,
    RECORD_NSECTION
};

struct record_section {
    u64 offset; // bytes from the start of the file, a multiple of RECORD_PAGE
    u32 row_bytes;
    u32 nrow; // capacity
};

enum record_state {
    RECORD_STARTING, // header not whole yet
    RECORD_RUNNING,
    RECORD_EXITED // the process ended by exit or _exit
};

// How the process ended, as far as the one who saw it knows.  Filled in by that one, in the kept
// copy; all zero otherwise.
struct record_death {
    u64 time_ns;      // since 1970; 0: nobody saw it
    i32 wait_status;  // as of wait(2); -1: not known
    u32 cgroup_known; // 1: the numbers below were read
    u64 limit_bytes;  // of the cgroup; 0: none
    u64 peak_bytes;   // of the cgroup
    u64 oom_kills;    // OOM kills in the cgroup while the process ran
    char cgroup[512]; // path, ended by NUL
};

// A large allocation, noted before it is tried: it may be the last thing that the process does.
struct record_attempt {
    u64 time_ns; // since start_mono_ns; 0: there was none
    u64 bytes;
    u32 stack;  // word offset
    u32 served; // 1: it was had
};

struct record_header {
    char magic[8];
    u32 version;
    u32 header_bytes; // sizeof(struct record_header)
    u64 file_bytes;
    struct record_section section[RECORD_NSECTION];

    // Who is recorded.
    u32 pid, parent_pid;
    u64 start_ticks;   // field 22 of /proc/PID/stat: with the pid, the process's identity until the
                       // next boot
    u64 start_time_ns; // since 1970, of the record
    u64 start_mono_ns; // the same on CLOCK_MONOTONIC
    u32 exe;           // text
    u32 cmdline;       // text section offset of the arguments, each ended by NUL
    u32 cmdline_bytes;
    u32 cgroup;       // text: the lines of /proc/PID/cgroup
    char boot_id[40]; // text ended by NUL
    u32 forked;       // 1: made in a forked child, which did not start with an empty heap
    u32 state;        // enum record_state; visible word of all above

    // Settings.
    u64 heap_rate_bytes; // mean distance of heap samples; 0: off

    // Counts of rows in use.
    u32 text_bytes;
    u32 nmapping; // row 0 included
    u32 nword;    // of stack_word
    u32 nstack;

    // Running totals, each by atomic add.
    u64 nsample;     // heap samples taken
    u64 live_bytes;  // estimate; the sum of live_block.bytes
    u64 live_blocks; // rows in use of live_block
    u64 alloc_bytes; // estimate of all bytes ever allocated
    u64 lost_blocks; // samples that found no room in the live table: alive or not, nobody knows
    u64 lost_bytes;  // estimate of the bytes they stand for
    u64 ntick[3];    // ticks ever written, by ring

    struct record_attempt attempt; // the last one

    struct record_death death;
};

// An executable segment of a loaded file.
struct record_mapping {
    u64 start, limit; // addresses, [start, limit)
    u64 offset;       // in the file, of the byte at start
    u32 filename;     // text
    u32 build_id_bytes;
    u8 build_id[32];
};

enum record_kind {
    RECORD_HEAP = 1, // count: objects allocated in 1/65536, amount: bytes allocated
};

enum record_stack_flag {
    RECORD_COMPLETE = 1,  // the unwinder reached the thread's first frame
    RECORD_TRUNCATED = 2, // there were more than RECORD_MAX_FRAMES frames
    RECORD_OVERFLOW = 4   // stands for all stacks that found no room
};

// Found through stack_slot, whose word is the visible word of all but the counters.
struct record_stack {
    u64 hash;  // of kind and frames
    u16 kind;  // enum record_kind
    u16 flags; // enum record_stack_flag
    u32 nframe;
    u64 count;   // atomic adds
    u64 amount;  // atomic adds
    u64 frame[]; // leaf first; see record_frame()
};

// A frame word: address in the low 48 bits, row of its mapping above (0: in no known file).  Return
// addresses are stored less one, so that each address lies in the instruction that was running.
static inline u64 record_frame(u64 address, u32 mapping)
{
    return (address & 0xffffffffffff) | (u64)mapping << 48;
}

static inline u64 record_frame_address(u64 frame)
{
    return frame & 0xffffffffffff;
}

static inline u32 record_frame_mapping(u64 frame)
{
    return (u32)(frame >> 48);
}

enum { RECORD_BUCKET_KEYS = 7 };

// One cache line.  An address is in its home bucket or, when that was full, in one of the next
// ones.
struct record_bucket {
    u64 address[RECORD_BUCKET_KEYS]; // 0 free, 1 being filled in; visible word of the live_block
                                     // beside it
    u64 overflow;                    // how many addresses passed this bucket because it was full
};

// Row bucket * 7 + i belongs to address i of the bucket.
struct record_live {
    u64 size;   // bytes asked for
    u64 bytes;  // bytes that this sample stands for, size / (1 - e^(-size / rate))
    u32 stack;  // word offset
    u32 second; // since start_mono_ns, of the allocation
};

enum { RECORD_RINGS = 3, RECORD_RING_TICKS = 512 };

// Least distance of two ticks in a ring: about the last 5 s, 8 min and 8 h of a busy process.
#define RECORD_RING_PERIOD_NS ((u64[RECORD_RINGS]){10000000, 1000000000, 60000000000})

// Memory at one moment.  Ring k has rows k * RECORD_RING_TICKS ...; tick number n is at n %
// RECORD_RING_TICKS.
struct record_tick {
    u64 time_ns;      // since start_mono_ns, never 0; visible word
    u64 live_bytes;   // header.live_bytes
    u64 alloc_bytes;  // header.alloc_bytes
    u64 rss_bytes;    // of the process; 0: not known
    u64 cgroup_bytes; // charged to its memory cgroup; 0: not known
    u64 limit_bytes;  // of that cgroup; 0: none or not known
    u64 spare[2];
};

#endif
