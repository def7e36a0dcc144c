#include "sonde/usage.h"

#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "sonde/command.h"
#include "sonde/request.h"

static const char head[] =
    "Sonde is pprof for native programs: where memory and time go, also after the OOM killer "
    "came.\n"
    "\n"
    "usage:\n"
    "\n"
    "   sonde run [OPTIONS] [--] PROGRAM [ARGUMENT...]   runs a program with the library, and "
    "serves its profiles\n"
    "   sonde serve [OPTIONS]                           serves profiles of all programs that run "
    "with the library\n"
    "   sonde oom [RECORD|PID|DIR]                      says what held the memory of a program "
    "that was killed\n"
    "   sonde mem PID                                   the same of one that runs\n"
    "   sonde check BUDGETS [BASE] NEW                  status 1 when a profile breaks a budget\n"
    "   sonde start PROFILER [-rate=RATE] PID...        switches heap, cpu, wall, locks or all of "
    "them on while programs run\n"
    "   sonde stop PROFILER PID...                      switches them off\n"
    "   sonde -FORMAT [OPTIONS] [BINARY] SOURCE...      shows a profile, or the sum of several\n"
    "   sonde [OPTIONS] [BINARY] SOURCE...              the same, in a shell that takes commands\n"
    "   sonde -http=[HOST]:[PORT] [OPTIONS] [BINARY] SOURCE...   the same, as pages in a browser\n"
    "   sonde help | version\n"
    "\n"
    "SOURCE is a profile's file (\"-\": standard input), an http or https URL, the PID of a "
    "program that runs with the\n"
    "library, or a record that one left behind.  Files: profile.proto (plain, gzip, zstd), "
    "perf.data, folded stacks,\n"
    "jemalloc's and gperftools' dumps, Go's and Java's texts.\n"
    "\n"
    "Details:\n";

static const char tail[] =
    "\n"
    "  Options of run:\n"
    "    -http=[HOST]:PORT     where to serve pages and /debug/pprof/ (localhost:6060); or "
    "unix:PATH; empty: nowhere\n"
    "    -token_file=FILE      serve only who brings the token in it (or in SONDE_TOKEN)\n"
    "    -tls_cert=FILE, -tls_key=FILE   serve by TLS; with a token other machines may be served\n"
    "    -dir=DIR              folder of the live record (/dev/shm/sonde-UID)\n"
    "    -rate=BYTES           mean number of allocated bytes between two samples (512KiB); 0: "
    "none are taken\n"
    "    -cpu=HZ, -wall=HZ     take samples of CPU or wall time always, so many a second, so that "
    "the "
    "last minutes can be asked for\n"
    "    -keep                 keep the record after a clean exit, too\n"
    "    -copy=DIR             copy the record to a volume, once a minute and as the limit comes "
    "near\n"
    "  Options of serve:\n"
    "    -http=[HOST]:PORT, -token_file, -tls_cert, -tls_key   as those of run\n"
    "    -dir=DIR              folder of the live records\n"
    "  Options of oom and mem:\n"
    "    -json, -html, -proto  for programs; as a page; as a profile whose total is the charge\n"
    "    -output=FILE          where to write that\n"
    "  Options of check, for pipelines (SIZE is such as 64MB, or in the type's unit):\n"
    "    -max-inuse=SIZE       most that the new profile may have in all\n"
    "    -max-growth=SIZE|N%   most that it may have more than the base\n"
    "    -max-function=SIZE    most that any function may hold itself\n"
    "    -max-function-growth=SIZE|N%   most that any may have more than in the base\n"
    "    -sample_index=TYPE    what is measured (inuse_space, where there is such a type)\n"
    "    -json                 what is broken, for programs\n"
    "  Options of start and stop:\n"
    "    -rate=RATE            heap: bytes between two samples (512KiB); cpu, wall: samples a "
    "second (100, 20);\n"
    "                          locks: time of waiting between two samples (1ms); what is on "
    "already changes its rate\n"
    "    -dir=DIR              folder of the live records\n"
    "\n"
    "  Environment Variables:\n"
    "    SONDE_DIR             Folder of live records (/dev/shm/sonde-UID)\n"
    "    SONDE_TOKEN           Token that servers want, and that is sent to them\n"
    "    SONDE_KEEP            Folder where records of dead programs are kept "
    "(/var/tmp/sonde-UID)\n"
    "    PPROF_TMPDIR          Location for saved profiles (default $HOME/pprof)\n"
    "    PPROF_BINARY_PATH     Search path for local binary files\n"
    "                          default: $HOME/pprof/binaries\n"
    "                          searches $buildid/$name, $buildid/*, $path/$buildid,\n"
    "                          ${buildid:0:2}/${buildid:2}.debug, $name, $path,\n"
    "                          ${name}.debug, $dir/.debug/${name}.debug,\n"
    "                          usr/lib/debug/$dir/${name}.debug\n"
    "    BROWSER               Program that -http, -web and -weblist open first\n";

static void entry(struct buf *out, const char *prefix, const char *name, const char *help)
{
    int width = 16 - (int)strlen(prefix), first_line = (int)strcspn(help, "\n");
    buf_printf(out, "    %s%-*s %.*s\n", prefix, width, name, first_line, help);
}

static void group(struct buf *out, const char *prefix, const struct config_variable *v)
{
    entry(out, "", v->name, "");
    for (struct str rest = str_of(v->choices); rest.len;) {
        char name[64];
        struct str choice = str_cut(&rest, ' ');
        snprintf(name, sizeof(name), "%.*s", STR_ARG(choice));
        buf_text(out, "  ");
        entry(out, prefix, name, config_help(choice));
    }
}

void usage_tables(struct buf *out, const char *prefix, const char *more)
{
    for (const struct report_type *t = report_types; t->name; t++)
        entry(out, prefix, t->name, t->help);
    buf_printf(out, "%s\n  Options:\n", more);
    for (const struct config_variable *v = config_variables; v->name; v++) {
        if (v->type != CONFIG_CHOICE)
            entry(out, prefix, v->name, v->help);
    }
    buf_text(out, "\n  Option groups (only set one per group):\n");
    for (const struct config_variable *v = config_variables; v->name; v++) {
        if (v->type == CONFIG_CHOICE)
            group(out, prefix, v);
    }
}

bool usage_about(struct buf *out, struct str name)
{
    const struct report_type *t = report_find(name);
    const char *help = config_help(name);
    if (!t && !help)
        return false;
    buf_printf(out, "%s\n", t ? t->help : help);
    if (t && t->usage) {
        buf_text(out, "  Usage:\n");
        for (struct str rest = str_of(t->usage), line; rest.len;) {
            line = str_cut(&rest, '\n');
            buf_printf(out, "    %.*s\n", STR_ARG(line));
        }
    }
    if (t)
        buf_char(out, '\n');
    return true;
}

void usage(void)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    buf_text(&out, head);
    buf_text(&out, "  Output formats (select at most one):\n");
    usage_tables(&out, "-", "");
    buf_char(&out, '\n');
    buf_text(&out, request_help);
    buf_text(&out, tail);
    fwrite(out.data, 1, out.len, stdout);
    buf_free(&out);
}
