// The folders of records: the live one in memory, and the one where records of dead processes are
// kept.
#ifndef RECORD_FOLDER_H
#define RECORD_FOLDER_H

#include "base/arena.h"
#include "base/err.h"
#include "record/read.h"

// Paths as the environment says: $SONDE_DIR or /dev/shm/sonde-UID, $SONDE_KEEP or
// /var/tmp/sonde-UID.
struct str folder_live(struct arena *a);
struct str folder_kept(struct arena *a);

// What the name of a record's watch has at its end (oom/watch.h).  It is kept and removed with it.
#define FOLDER_WATCH ".watch"

enum folder_life {
    FOLDER_ALIVE,   // its process runs and writes to it
    FOLDER_DEAD,    // its process has ended
    FOLDER_REPLACED // its process runs another program by now, by exec
};

struct folder_record {
    struct str path;
    u32 pid;
    u64 start_ticks;
    i64 time_ns; // of the file's last change, since 1970
};

// All records in a folder, oldest first; none when there is no such folder.
u32 folder_list(struct folder_record **out, struct str folder, struct arena *a);

enum folder_life folder_life(const struct folder_record *r);

// The live record of a process.  Fails with ESRCH when there is no such process, ENOENT when it
// does not have the library.
bool folder_find(struct folder_record *out, u32 pid, struct arena *a, struct err *e);

// Moves a dead process's record out of memory into the folder of kept ones, with what is known of
// its death (may be NULL), and removes the oldest there beyond 32 records or 256 MiB.  *kept gets
// its new path.
bool folder_keep(struct str *kept, const struct folder_record *r, const struct record_death *death,
                 struct arena *a, struct err *e);

// Whether somebody watches the process: that one knows how it ended, and keeps its record.
bool folder_is_watched(const struct folder_record *r);

// Does that for all dead ones in the live folder that nobody watches, and removes replaced ones.
// Returns how many were kept.
u32 folder_sweep(struct arena *a);

#endif
