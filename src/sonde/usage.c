#include <stdio.h>

#include "report/report.h"
#include "sonde/command.h"

static const char head[] = "Sonde is pprof for native programs: where memory and time go, also "
                           "after the OOM killer came.\n"
                           "\n"
                           "usage:\n"
                           "   sonde run [OPTIONS] [--] PROGRAM [ARGUMENT...]   runs a program "
                           "with the library, and serves its profiles\n"
                           "   sonde serve [OPTIONS]                           serves profiles of "
                           "all programs that run with the library\n"
                           "   sonde oom [RECORD|PID|DIR]                      says what held the "
                           "memory of a program that was killed\n"
                           "   sonde -FORMAT [OPTIONS] SOURCE                  shows a profile\n"
                           "   sonde help | version\n"
                           "\n"
                           "SOURCE is a profile's file (\"-\": standard input), an http or https "
                           "URL, the PID of a program that runs with the\n"
                           "library, or a record that one left behind.\n"
                           "\n"
                           "Formats (one at a time; -top when none is named):\n";

static const char tail[] =
    "\n"
    "Source options:\n"
    "   -symbolize=MODE       local (also the default): names and lines from the binaries; none; "
    "force: anew\n"
    "   -timeout=SECONDS      of a download (60)\n"
    "   -max_size=SIZE        largest profile to read, unpacked (2GiB)\n"
    "\n"
    "Shorthands for -sample_index:\n"
    "   -inuse_space  -inuse_objects  -alloc_space  -alloc_objects\n"
    "\n"
    "Options of run:\n"
    "   -http=[HOST]:PORT     where to serve /debug/pprof/ (localhost:6060); empty: nowhere\n"
    "   -dir=DIR              folder of the live record (/dev/shm/sonde-UID)\n"
    "   -rate=BYTES           mean number of allocated bytes between two samples (512KiB); 0: none "
    "are taken\n"
    "   -keep                 keep the record after a clean exit, too\n"
    "Options of serve:\n"
    "   -http=[HOST]:PORT     where to serve (localhost:6060)\n"
    "   -dir=DIR              folder of the live records\n"
    "\n"
    "Environment:\n"
    "   SONDE_DIR             folder of live records (/dev/shm/sonde-UID)\n"
    "   SONDE_KEEP            folder where records of dead programs are kept (/var/tmp/sonde-UID)\n"
    "   PPROF_BINARY_PATH     folders with binaries, by ':'\n";

void usage(void)
{
    fputs(head, stdout);
    for (const struct report_type *t = report_types; t->name; t++)
        printf("   -%s%s%-*s %s\n", t->name, t->parameter ? "=" : "",
               20 - (int)str_of(t->name).len - (t->parameter != NULL),
               t->parameter ? t->parameter : "", t->help);
    puts("\nOptions:");
    for (const struct config_variable *v = config_variables; v->name; v++) {
        if (v->type == CONFIG_CHOICE)
            continue;
        printf("   -%-20s %s\n", v->name, v->help);
    }
    for (const struct config_variable *v = config_variables; v->name; v++) {
        struct str rest = str_of(v->choices);
        if (v->type != CONFIG_CHOICE)
            continue;
        printf("   %s, one of", v->help);
        while (rest.len)
            printf(" -%.*s", STR_ARG(str_cut(&rest, ' ')));
        putchar('\n');
    }
    fputs(tail, stdout);
}
