// The command.  main.c chooses what is asked for; each of the other files does one of these things.
#ifndef SONDE_COMMAND_H
#define SONDE_COMMAND_H

#include "base/arena.h"
#include "base/err.h"
#include "profile/profile.h"

enum {
    STATUS_OK = 0,
    STATUS_FAILED = 2, // what was asked for could not be done; the reason is on stderr
};

// "sonde: SENTENCE" on stderr; returns STATUS_FAILED.
int fail(const struct err *e);

// "sonde: ..." on stderr, for what does not stop the work.
void warn(const char *format, ...) PRINTF(1, 2);

// report.c: sonde [-REPORT] [OPTIONS] SOURCE; arguments without the command's own name.
int command_report(char **argument);

// run.c: sonde run [OPTIONS] -- PROGRAM ARGUMENTS
int command_run(char **argument);

// serve.c: sonde serve [OPTIONS]
int command_serve(char **argument);

// oom.c: sonde oom [RECORD|PID|DIR]
int command_oom(char **argument);

// usage.c
void usage(void);

// source.c

struct source_options {
    size_t most_bytes;    // unpacked
    i64 timeout_s;        // of a download; -1: the default
    struct str symbolize; // as of -symbolize=
};

// Fetches, decodes and symbolizes the profile that name stands for: a file ("-": standard input),
// an http(s) URL, a PID, or a record.
bool source_fetch(struct profile *out, struct str name, const struct source_options *o,
                  struct arena *a, struct err *e);

// Adds functions and lines to a profile as -symbolize=MODE says, warning about files that have
// none.
struct profile source_symbolize(const struct profile *p, struct str mode, struct arena *a);

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

#endif
