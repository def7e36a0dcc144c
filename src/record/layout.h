// The record: one file, mapped MAP_SHARED by the profiled process, that holds its live profile
// tables.  The process only ever does plain stores into it, so that what the kernel keeps after a
// SIGKILL is the state at the instant of death.
//
// The file is a header page and, each at its own page, the sections below: arrays of fixed rows.
// Rows are only appended, except in the live table, whose rows come and go, and the tick rings,
// which wrap.  A row becomes visible by one last store (release) of the word that its comment
// names; until then it is garbage, and a process that dies in between loses just that row.
//
//     tick        rings    the memory time line in three resolutions
//     live_key    buckets  hash set of the addresses of sampled blocks that were not freed yet
//     live_block  rows     what is known of them, beside each address of live_key
//     region      rows     address ranges that the program mapped and has not unmapped
//     sample      ring     where threads were, and for how long: samples of CPU and of all time
//     thread      rows     the threads that samples are of
//     wait        hash set what threads waited for
//     stack_slot  u32[]    open-addressed hash table of stacks: their word offsets, 0 free
//     stack_word  u64[]    struct record_stack and its frames, back to back; word 0 is not used
//     mapping     rows     executable segments of files; row 0 is not used, row 1 is the program
//     own         rows     profiles that the program made; row 0 is not used
//     label_slot  u32[]    open-addressed hash table of label sets: their offsets, 0 free
//     label       bytes    sets, sorted by key: key NUL value NUL ... NUL; offset 0: the empty one
//     text        bytes    strings, each ended by NUL, known by their offsets; offset 0: empty
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
    RECORD_VERSION = 3,
    RECORD_PAGE = 4096,
    RECORD_LABEL_BYTES = 256, // of a label's key, and of its value, NUL included
    RECORD_MAX_LABELS = 16,   // of a set
    RECORD_MAX_FRAMES = 128,  // of a stack; deeper ones lose their root side and say so
};

enum record_section_id {
    RECORD_TICK,
    RECORD_LIVE_KEY,
    RECORD_LIVE_BLOCK,
    RECORD_REGION,
    RECORD_SAMPLE,
    RECORD_THREAD,
    RECORD_WAIT,
    RECORD_STACK_SLOT,
    RECORD_STACK_WORD,
    RECORD_MAPPING,
    RECORD_OWN,
    RECORD_LABEL_SLOT,
    RECORD_LABEL,
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

// What the allocator itself tells of its memory; all zero when it was not asked yet or cannot tell.
struct record_allocator {
    u32 kind;         // enum record_allocator_kind
    u32 cost_us;      // of a processor, that asking took
    u64 time_ns;      // since start_mono_ns; 0: never asked
    u64 system_bytes; // got from the kernel and not given back
    u64 used_bytes;   // in blocks that the program holds, with their headers and rounding
    u64 free_bytes;   // kept for later blocks, in memory or not
    u64 mapped_bytes; // of system_bytes: blocks with a mapping of their own
};

enum record_allocator_kind {
    RECORD_ALLOCATOR_UNKNOWN,
    RECORD_ALLOCATOR_GLIBC,
    RECORD_ALLOCATOR_JEMALLOC,
    RECORD_ALLOCATOR_TCMALLOC,
    RECORD_ALLOCATOR_MIMALLOC
};

// What can be switched on and off.
enum record_switch_id {
    RECORD_SWITCH_HEAP,  // rate: mean bytes between two samples
    RECORD_SWITCH_CPU,   // samples a second that are taken without being asked for
    RECORD_SWITCH_WALL,  // likewise
    RECORD_SWITCH_LOCKS, // mean ns of waiting between two samples
    RECORD_NSWITCH
};

struct record_switch {
    u64 rate; // 0: off
    u32 word; // how often it was asked for
    u32 spare;
};

struct record_switched {
    u32 word;  // of the last one that was done
    u32 error; // an errno value: why it could not be
};

// What others ask of the process: they map the header, write, add one to word and wake who waits
// for it (a futex); when answer.sampler is 0, nobody does, and a signal says it.
struct record_request {
    u32 word;
    u32 cpu_hz, wall_hz; // rates
    u32 nflush;          // how often it was asked that open intervals be written out
    u32 ntrim;           // likewise, that the allocator give back what it does not use
    u32 spare;
    u64 cpu_until_ns, wall_until_ns; // since start_mono_ns: when it is over
    struct record_switch wanted[RECORD_NSWITCH];
};

// What the signal that wakes a process carries.
enum { RECORD_WAKE_VALUE = 0x736f6e64 };

struct record_answer {
    u32 word;            // the last one that was taken notice of
    u32 sampler;         // thread that waits for requests; 0: none
    u32 signal;          // that wakes the process; 0: none does
    u32 nflush;          // requests for flushes that were done
    u32 cpu_hz, wall_hz; // rates at which samples are taken now; 0: none
    u32 refused;         // threads that got no timer, or no row
    u32 ntrim;           // requests for trims that were done
    struct record_switched switched[RECORD_NSWITCH];
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

    // The heap's high-water mark, kept by record_hold().
    u64 peak_bytes;   // most that live_bytes has been
    u64 peak_time_ns; // since start_mono_ns, of that moment
    u64 peak_epoch;   // counts high-water marks; see struct record_holding
    u64 peak_lock;    // the thread that has it
    u64 region_lock;  // likewise
    u32 nregion;      // rows of region that were ever used
    u32 free_region;  // first of the list of those that are free again, row + 1
    u32 region_root;  // of the tree over them, row + 1
    u64 lost_regions; // mappings that found no room
    u64 lost_region_bytes;

    u64 lock_rate_ns; // mean waiting time between two samples of locks; 0: off
    u32 nlabel;       // label sets
    u32 label_bytes;
    u32 nown;       // profiles of the program's own, row 0 included
    u32 own_blocks; // rows of live_block that belong to them

    struct record_allocator allocator;
    struct record_attempt attempt; // the last one

    struct record_death death;

    struct record_request request; // written by others
    struct record_answer answer;   // written by the process
    u64 nring;                     // rows ever written of sample
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
    RECORD_TIME = 2, // of samples of the ring, which count; not counted here
    RECORD_CREATE,   // count: threads created
    RECORD_MAP = 16, // count: mappings made, amount: bytes mapped; detail: enum record_map
    RECORD_BLOCK,    // count: waits in 1/65536, amount: their ns; detail: enum record_lock_kind
    RECORD_MUTEX,    // the same, by those whom others waited for
    RECORD_OWN_KIND, // count: objects in 1/65536, amount: bytes; detail: row of own
    RECORD_NKIND
};

// What was mapped.
enum record_map {
    RECORD_MAP_PRIVATE = 1, // anonymous
    RECORD_MAP_SHARED,      // anonymous
    RECORD_MAP_FILE,
    RECORD_MAP_RESERVED, // without access: address space only
    RECORD_MAP_BREAK,    // by brk or sbrk
    RECORD_NMAP
};

// What a thread waited for.
enum record_lock_kind {
    RECORD_LOCK_MUTEX = 1,
    RECORD_LOCK_RWLOCK,
    RECORD_LOCK_CONDITION,
    RECORD_LOCK_SEMAPHORE,
    RECORD_LOCK_JOIN,
    RECORD_LOCK_BARRIER,
    RECORD_LOCK_FUTEX,
    RECORD_NLOCK
};

enum record_stack_flag {
    RECORD_COMPLETE = 1,  // the unwinder reached the thread's first frame
    RECORD_TRUNCATED = 2, // there were more than RECORD_MAX_FRAMES frames
    RECORD_OVERFLOW = 4,  // stands for all stacks of its kind that found no room
    RECORD_HANDLER = 8,   // a signal handler is among the frames
    RECORD_ALLOCATOR = 16 // of RECORD_MAP: the allocator's own doing
};

// Found through stack_slot, whose word is the visible word of all but the counters.
struct record_stack {
    u64 hash;  // of kind, detail, labels and frames
    u16 kind;  // enum record_kind
    u16 flags; // enum record_stack_flag
    u32 nframe;
    u32 detail;  // by kind
    u32 labels;  // label set; not 0: frame[0] is the word offset of a stack without, whose frames
                 // these are
    u64 count;   // atomic adds
    u64 amount;  // atomic adds
    u64 frame[]; // leaf first; see record_frame()
};

// What is live of a stack of RECORD_HEAP, now and at the high-water mark; behind its frames.  While
// epoch is not the header's, nothing of the stack changed since the mark, and what is live was so
// then.
struct record_holding {
    u64 bytes, objects; // objects in 1/65536
    u64 peak_bytes, peak_objects;
    u64 epoch; // visible word of the two peaks
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

// Values of the program's own profiles are in the live table, too: with the row of own in the upper
// 16 bits.
static inline u64 record_own_key(u64 address, u32 own)
{
    return (address & 0xffffffffffff) | (u64)own << 48;
}

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

// An address range that one call mapped, or what is left of it.
struct record_region {
    u64 start;
    u64 length;      // bytes; visible word, 0: free
    u32 stack;       // word offset
    u32 second;      // since start_mono_ns
    u32 left, right; // the writer's tree: rows + 1
};

// A profile that the program made.
struct record_own {
    u32 name;    // text; visible word
    u32 is_pool; // 1: sampled blocks with sizes; 0: values, each counted
    u64 lost;    // values or samples that found no room in the live table
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

// What a sample of the ring tells.
enum record_sample_kind {
    RECORD_CPU = 1, // the thread ran for so long
    RECORD_WALL     // so long passed for it, running or not
};

// Number n is at n % rows.
struct record_sample {
    u64 number;    // n + 1; visible word
    u64 time_ns;   // since start_mono_ns, of the end
    u64 amount_ns; // that it stands for; for RECORD_WALL all of it lies right before the end
    u32 count;     // of looks
    u32 tid;       // thread
    u32 stack;     // word offset
    u16 kind;      // enum record_sample_kind
    u16 wait;      // row
};

enum { RECORD_THREADS = 4096, RECORD_SAMPLES = 32768, RECORD_WAITS = 2048 };

// A thread that runs, or whose row was not needed for another one yet.
struct record_thread {
    u32 tid;      // visible word
    u32 parent;   // thread that created it; 0: not known
    u32 create;   // word offset of the stack that created it; 0: not known
    u32 ended;    // 1: it has ended
    u32 stack;    // word offset of where it was when it was last looked at; 0: never was
    u32 wait;     // row, likewise
    u64 since_ns; // since start_mono_ns: when it was first seen there
    u64 cpu_ns;   // CPU time by then
    char name[16];
    u64 spare;
};

enum record_wait_state {
    RECORD_ON_CPU = 1,
    RECORD_RUNNABLE, // waiting for a CPU
    RECORD_BLOCKED   // waiting for something else
};

enum record_wait_kind {
    RECORD_WAIT_OTHER,
    RECORD_WAIT_FILE,
    RECORD_WAIT_PIPE,
    RECORD_WAIT_SOCKET,
    RECORD_WAIT_DEVICE,
    RECORD_WAIT_EVENT, // eventfd, timerfd, epoll and their like
    RECORD_WAIT_LOCK,  // a futex
    RECORD_WAIT_NKIND
};

// What a thread waited for.  Rows 1 to 3 are those of the states alone; open addressing.
struct record_wait {
    u32 hash;      // of all below; visible word, 0: free
    u8 state;      // enum record_wait_state
    u8 kind;       // enum record_wait_kind, of the descriptor
    i16 call;      // number of the system call; -1: none
    u32 owner;     // thread that holds the lock; 0: not known
    i32 fd;        // descriptor; -1: none
    u64 lock;      // address of the lock; 0: none
    char peer[56]; // other end of a socket, or the file's name; ended by NUL
};

#endif
