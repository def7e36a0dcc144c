// A death, as "sonde run" tells of it: to people and log collectors on stderr, and to Kubernetes in
// /dev/termination-log, where that exists.
#ifndef SONDE_DEATH_H
#define SONDE_DEATH_H

#include "oom/observe.h"
#include "oom/oom.h"
#include "sonde/request.h"

// What is known of a death: now, with this wait status (-1: not known).
struct record_death death_of(int wait_status);

// Adds what the group's numbers say, which had had so many OOM kills before.
void death_set_group(struct record_death *d, const struct cgroup *g, const struct cgroup_state *s,
                     u64 oom_kills_before);

// Both, of a process that was watched.
struct record_death death_describe(const struct observer *o, int wait_status);

// What is known of the end of a process, or of one that runs, with names for its heap as the
// options say.
bool death_read(struct oom *o, struct str path, bool is_alive, const struct sourcing *s,
                struct arena *a, struct err *e);

// Opens the termination log; -1: there is none.  $SONDE_TERMINATION_LOG names another file.
int death_open_log(void);

// Writes ahead of time what is known so far.
void death_write_ahead(int log, const struct observer *o);

// The process went on, or ended well: there is nothing to tell.
void death_withdraw(int log);

// Tells of the kept record of a program that was killed: one line of JSON on stderr when it was out
// of memory, and the summary to the log.
void death_tell(int log, struct str record, struct arena *a);

// Keeps records that the last run of this container left behind, and tells of them.
void death_tell_earlier(struct arena *a);

#endif
