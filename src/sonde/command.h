// The command.  main.c chooses what is asked for; each of the other files does one of these things.
#ifndef SONDE_COMMAND_H
#define SONDE_COMMAND_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    STATUS_OK = 0,
    STATUS_FAILED = 2, // what was asked for could not be done; the reason is on stderr
};

// "sonde: SENTENCE" on stderr; returns STATUS_FAILED.
int fail(const struct err *e);

// "sonde: ..." on stderr, for what does not stop the work.
void warn(const char *format, ...) PRINTF(1, 2);

// show.c: sonde [-REPORT] [OPTIONS] [BINARY] SOURCE...; arguments without the command's own name.
int command_show(char **argument);

// run.c: sonde run [OPTIONS] -- PROGRAM ARGUMENTS
int command_run(char **argument);

// serve.c: sonde serve [OPTIONS]
int command_serve(char **argument);

// oom.c: sonde oom [OPTIONS] [RECORD|PID|DIR], sonde mem [OPTIONS] PID
int command_oom(char **argument);
int command_mem(char **argument);

// check.c: sonde check BUDGETS [BASE] NEW; 1: a budget is broken
int command_check(char **argument);

// switch.c: sonde start PROFILER [-rate=RATE] PID..., sonde stop PROFILER PID...
int command_start(char **argument);
int command_stop(char **argument);

// usage.c
void usage(void);

// option.c: Go's flag syntax: "-name", "--name", "-name=value", "-name value".

struct option {
    struct str name;
    struct str value;
    bool has_value; // by "="
};

// Splits argument[*at] into an option and moves on; false at the first argument that is none, or
// behind "--".
bool option_next(struct option *o, char **argument, u32 *at);

// The option's value: behind "=", or the next argument.  Fails with EINVAL when there is none.
bool option_value(struct str *value, const struct option *o, char **argument, u32 *at,
                  struct err *e);

// A truth value as Go's strconv.ParseBool reads it; false: it is none.
bool option_bool(bool *out, struct str text);

#endif
