#include "sonde/output.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { MEMORY_LIMIT_GIB = 64, OUTPUT_LIMIT_GIB = 16, MOST_SHOWN = 256, MOST_ARGUMENTS = 16 };

extern char **environ;

static char *shown_file[MOST_SHOWN]; // to be removed at the end
static u32 nshown_file;

static bool to_stdout(struct str bytes, struct err *e)
{
    if (bytes.len == 0 ||
        (fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len && fflush(stdout) == 0))
        return true;
    return err_errno(e, errno, "standard output");
}

static bool to_file(const char *path, struct str bytes, struct err *e)
{
    fprintf(stderr, "Generating report in %s\n", path);
    return file_write(path, bytes, e);
}

static bool to_new_file(struct str bytes, const char *suffix, struct arena *a, struct err *e)
{
    struct str path;
    return file_new(&path, STR("profile"), arena_printf(a, ".%s", suffix), a, e) &&
           to_file(path.ptr, bytes, e);
}

// Starts a program, given with its options by blanks, on a file.
static bool start_viewer(pid_t *pid, struct str command, const char *path, struct arena *a)
{
    char *argument[MOST_ARGUMENTS + 2];
    u32 n = 0;
    while (command.len && n < MOST_ARGUMENTS) {
        struct str word = str_cut(&command, ' ');
        if (word.len)
            argument[n++] = (char *)(uintptr_t)arena_str(a, word).ptr;
    }
    if (n == 0)
        return false;
    argument[n++] = (char *)(uintptr_t)path;
    argument[n] = NULL;
    return posix_spawnp(pid, argument[0], NULL, NULL, argument, environ) == 0;
}

// Browsers, best first, by ','.
static struct str browsers(struct arena *a)
{
    const char *browser = getenv("BROWSER"), *display = getenv("DISPLAY");
    // Browsers before xdg-open, which may show a picture without its script.
    return arena_printf(a, "%s,chrome,google-chrome,chromium,firefox,sensible-browser%s",
                        browser ? browser : "", display && *display ? ",xdg-open" : "");
}

bool output_open(const char *address, struct arena *a)
{
    pid_t pid;
    struct str rest = browsers(a);
    while (rest.len) {
        struct str browser = str_cut(&rest, ',');
        if (browser.len && start_viewer(&pid, browser, address, a))
            return true;
    }
    return false;
}

// Programs that could show the report, best first, by ','.
static struct str viewers(const struct report_type *type, struct arena *a)
{
    return type->viewer ? str_of(type->viewer) : browsers(a);
}

static bool to_viewer(struct str bytes, const struct report_type *type, bool is_shell,
                      struct arena *a, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    struct str path, rest = viewers(type, a);
    struct str prefix = arena_printf(a, "%s/pprof", tmp && *tmp ? tmp : "/tmp");
    pid_t pid = 0;
    if (!file_new(&path, prefix, arena_printf(a, ".%s", type->suffix), a, e) ||
        !file_write(path.ptr, bytes, e))
        return false;
    if (nshown_file < MOST_SHOWN)
        shown_file[nshown_file++] = strdup(path.ptr);
    while (rest.len && pid == 0) {
        if (!start_viewer(&pid, str_cut(&rest, ','), path.ptr, a))
            pid = 0;
    }
    if (pid == 0)
        return err_set(e, ENOENT,
                       "found no program to show the report with (tried %.*s): -output=FILE writes "
                       "it to a file%s",
                       STR_ARG(viewers(type, a)),
                       type->viewer ? "" : ", and BROWSER names another browser");
    // It may be a wrapper that hands the file's name on and ends at once.
    sleep(1);
    if (!is_shell)
        waitpid(pid, NULL, 0);
    return true;
}

static bool write_out(struct str bytes, const struct report_type *type, const struct config *c,
                      bool is_shell, struct arena *a, struct err *e)
{
    if (c->output.len)
        return to_file(arena_str(a, c->output).ptr, bytes, e);
    if (type->destination == REPORT_TO_VIEWER)
        return to_viewer(bytes, type, is_shell, a, e);
    if (type->destination == REPORT_OFF_TERMINAL && (is_shell || isatty(STDOUT_FILENO)))
        return to_new_file(bytes, type->suffix, a, e);
    return to_stdout(bytes, e);
}

// Where a streamed report's bytes go while it is made; -1: nowhere before it is whole.
static int stream(const struct report_type *type, const struct config *c)
{
    return type->is_streamed && c->output.len == 0 && type->destination == REPORT_TO_STDOUT
               ? STDOUT_FILENO
               : -1;
}

bool output_report(const struct profile *p, const struct report_type *type, struct str parameter,
                   const struct config *c, bool is_shell, struct err *e)
{
    struct arena a;
    struct buf out, warnings;
    arena_init(&a, (size_t)MEMORY_LIMIT_GIB << 30);
    int fd = stream(type, c);
    if (fd >= 0)
        buf_init_file(&out, fd);
    else
        buf_init(&out, (size_t)OUTPUT_LIMIT_GIB << 30);
    buf_init(&warnings, 1 << 20);
    bool done = report_write(&out, p, type, parameter, c, &warnings, &a, e);
    if (warnings.len)
        fwrite(warnings.data, 1, warnings.len, stderr);
    if (done && !buf_flush(&out))
        done = err_errno(e, out.error, "standard output");
    done = done && write_out(buf_str(&out), type, c, is_shell, &a, e);
    buf_free(&out);
    buf_free(&warnings);
    arena_free(&a);
    return done;
}

void output_clean(void)
{
    while (nshown_file) {
        unlink(shown_file[--nshown_file]);
        free(shown_file[nshown_file]);
    }
}
