/*
 * Sonde: pprof for native programs.  The C API of the runtime, libsonde.
 *
 * A program that is linked with -lsonde, or started with LD_PRELOAD=libsonde.so or by "sonde run",
 * records its heap from its first allocation on; it needs none of these functions.  They may be
 * called from C and C++, from any thread.
 *
 * Environment, read once at start:
 *
 *     SONDE_RATE=512KiB      mean number of allocated bytes between two heap samples; 0: none
 *     SONDE_LOCK_RATE=1ms    mean waiting time between two samples of locks; 0: none
 *     SONDE_CPU=0            CPU samples that are always taken, a second; 0: only when asked for
 *     SONDE_WALL=0           likewise, of all threads' time
 *     SONDE_DIR=DIR          folder of the live record, /dev/shm/sonde-UID
 *     SONDE_KEEP_EXITED=1    leave the record behind at a clean exit, too
 */
#ifndef SONDE_SONDE_H
#define SONDE_SONDE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
const char *sonde_version(void);

/* Path of this process's record, for "sonde -top PATH"; NULL when nothing is recorded (the reason
 * was printed on stderr). */
const char *sonde_record_path(void);

/* Change the rates of sampling while the program runs, for all threads; 0 turns it off.  Estimates
 * stay unbiased: each sample has a weight of its own.  -1 when nothing is recorded.  From outside,
 * "sonde start" and "sonde stop" do the same. */
int sonde_set_heap_rate(size_t bytes);
int sonde_set_lock_rate(uint64_t ns);

/* How many samples of CPU time, and of all threads' time, are always taken in a second; the record
 * keeps those of the last minutes.  0: only while somebody asks for a profile. */
int sonde_set_cpu_rate(unsigned hz);
int sonde_set_wall_rate(unsigned hz);

/*
 * Labels: pairs of key and value that say what a thread is doing, such as which endpoint it serves.
 * Every sample that is taken meanwhile has them, so that "sonde -tagfocus=endpoint=upload" shows
 * just these.
 *
 * A set of labels is a number; 0 is the empty set.  Sets live as long as the process, and there is
 * room for some 1,500 different ones: values should come from a small set (the endpoint, not the
 * request's number).  Further sets become one, "labels" = "[overflow]".  At most 16 pairs, of
 * strings below 256 bytes, make a set.
 */
typedef uint32_t sonde_labels;

/* The set with the pairs of base, and key with this value; without key when value is NULL. */
sonde_labels sonde_labels_with(sonde_labels base, const char *key, const char *value);

/* The calling thread's set.  A new thread begins with that of the thread that creates it. */
sonde_labels sonde_labels_current(void);

/* Changes the calling thread's set, for what switches tasks by itself (coroutines, event loops);
 * returns the one before. */
sonde_labels sonde_labels_set(sonde_labels labels);

/* Calls f(argument) with these labels. */
void sonde_do(sonde_labels labels, void (*f)(void *argument), void *argument);

/* Adds a label to the calling thread's from here to the end of the block, however it is left; in
 * C++ by exceptions, too.
 *
 *     SONDE_LABEL("endpoint", "upload");
 */
#define SONDE_LABEL(key, value)                                                                    \
    __attribute__((cleanup(sonde_labels_restore), unused)) sonde_labels SONDE_LABEL_NAME(          \
        __LINE__) = sonde_labels_set(sonde_labels_with(sonde_labels_current(), key, value))
#define SONDE_LABEL_NAME(line)  SONDE_LABEL_NAME_(line)
#define SONDE_LABEL_NAME_(line) sonde_labels_before_##line
static inline void sonde_labels_restore(const sonde_labels *before)
{
    sonde_labels_set(*before);
}

/*
 * Profiles of the program's own, each at /debug/pprof/NAME.  0 is none: what is done with it does
 * nothing.  There is room for 63, and for 16,384 values and samples in all of them.
 */
typedef uint32_t sonde_profile;

/* A profile of values that are held, such as open connections; the one with this name, new or not.
 */
sonde_profile sonde_profile_new(const char *name);

/* Enters a value, known by its address, with the caller's stack and labels. */
void sonde_profile_add(sonde_profile profile, const void *value);

/* Takes it out again. */
void sonde_profile_remove(sonde_profile profile, const void *value);

/*
 * A profile of blocks that the program's own allocator hands out: a pool, an arena.  They are
 * sampled at the heap's rate, and shown as the heap is: allocated and in use, objects and bytes.
 * What the pool itself gets from malloc() is in the heap's profile, too.
 */
sonde_profile sonde_pool_new(const char *name);

/* Tells of a block that was handed out, and that it was given back. */
void sonde_track(sonde_profile pool, const void *block, size_t bytes);
void sonde_untrack(sonde_profile pool, const void *block);

#ifdef __cplusplus
}
#endif

#endif
