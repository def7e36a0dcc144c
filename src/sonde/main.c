#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/shrunk.h"
#include "sonde/command.h"

int fail(const struct err *e)
{
    fprintf(stderr, "sonde: %s\n", e->text);
    return STATUS_FAILED;
}

void warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("sonde: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static int command_help(char **argument)
{
    (void)argument;
    usage();
    return STATUS_OK;
}

static int command_version(char **argument)
{
    (void)argument;
    puts("sonde " SONDE_VERSION);
    return STATUS_OK;
}

static const struct {
    const char *name;
    int (*run)(char **argument);
} commands[] = {
    {"run", command_run},          {"serve", command_serve},       {"oom", command_oom},
    {"mem", command_mem},          {"check", command_check},       {"start", command_start},
    {"stop", command_stop},        {"help", command_help},         {"-h", command_help},
    {"-help", command_help},       {"--help", command_help},       {"version", command_version},
    {"-version", command_version}, {"--version", command_version},
};

int main(int argc, char **argv)
{
    shrunk_survive();
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (argc > 1 && strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argv + 2);
    }
    return command_show(argv + (argc > 0));
}
