/*
 * Sonde: pprof for native programs.  The C API of the runtime, libsonde.
 *
 * A program that is linked with -lsonde, or started with LD_PRELOAD=libsonde.so or by "sonde run",
 * records its heap from its first allocation on; it needs none of these functions.  They may be
 * called from C and C++, from any thread.
 *
 * Environment, read once at start:
 *   SONDE_RATE  mean number of allocated bytes between two heap samples (512KiB); 0 turns sampling
 * off SONDE_DIR   folder of the live record (/dev/shm/sonde-UID) SONDE_KEEP_EXITED=1  leave the
 * record behind at a clean exit, too
 */
#ifndef SONDE_SONDE_H
#define SONDE_SONDE_H

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
const char *sonde_version(void);

/* Path of this process's record, for "sonde -top PATH"; NULL when nothing is recorded (the reason
 * was printed on stderr). */
const char *sonde_record_path(void);

#ifdef __cplusplus
}
#endif

#endif
