// sonde run: runs a program with the library preloaded, serves its profiles, and says how it died.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/debug.h"
#include "memory/cgroup.h"
#include "oom/copy.h"
#include "oom/observe.h"
#include "record/folder.h"
#include "sonde/command.h"
#include "sonde/death.h"
#include "sonde/serving.h"
#include "sonde/web.h"

enum {
    STATUS_NOT_FOUND = 127,
    STATUS_NOT_RUNNABLE = 126,
    STATUS_SIGNAL = 128,
    MOST_PROFILE_MIB = 2048,
    MOST_HZ = 1000,
    COPY_MS = 60000
};

struct job {
    struct http_options http; // an empty address: none
    bool http_is_chosen;      // by a flag: then failing to listen there is an error
    char **program;
    pid_t pid;
    bool has_cgroup;
    struct cgroup cgroup;
    u64 oom_kills; // in the cgroup before the program ran
    struct observer observer;
    const char *copies; // folder on a volume; NULL: no copies
    u64 copied_ms;      // when the last one was made
    bool has_warned;    // that none can be made
    int log;            // where Kubernetes looks for a container's last words; -1: nowhere
    struct arena *arena;
};

// The rate of samples that are always taken, for the library.
static bool set_hz(const char *variable, const struct option *o, struct str value, struct err *e)
{
    i64 hz;
    char text[16];
    if (!str_i64(&hz, value) || hz < 0 || hz > MOST_HZ)
        return err_set(e, EINVAL,
                       "run: -%.*s: \"%.*s\" is not a rate from 0 to %d, in samples a second",
                       STR_ARG(o->name), STR_ARG(value), MOST_HZ);
    snprintf(text, sizeof(text), "%d", (int)hz);
    return setenv(variable, text, 1) == 0;
}

static bool parse_option(struct job *j, const struct option *o, char **argument, u32 *at,
                         struct err *e)
{
    struct str value = {0};
    u64 bytes;
    if (str_equal(o->name, STR("keep")))
        return setenv("SONDE_KEEP_EXITED", "1", 1) == 0;
    const char *hz = str_equal(o->name, STR("cpu"))    ? "SONDE_CPU"
                     : str_equal(o->name, STR("wall")) ? "SONDE_WALL"
                                                       : NULL;
    bool known = hz || serving_has(o->name) || str_equal(o->name, STR("dir")) ||
                 str_equal(o->name, STR("rate")) || str_equal(o->name, STR("copy"));
    if (!known)
        return err_set(e, EINVAL,
                       "run: flag provided but not defined: -%.*s; \"sonde help\" lists all",
                       STR_ARG(o->name));
    if (!option_value(&value, o, argument, at, e))
        return false;
    if (hz)
        return set_hz(hz, o, value, e);
    if (serving_has(o->name)) {
        j->http_is_chosen = true;
        return serving_set(&j->http, o->name, value, j->arena, e);
    }
    if (str_equal(o->name, STR("copy"))) {
        j->copies = arena_str(j->arena, value).ptr;
    } else if (str_equal(o->name, STR("dir"))) {
        setenv("SONDE_DIR", arena_str(j->arena, value).ptr, 1);
    } else if (str_size(&bytes, value)) {
        setenv("SONDE_RATE", arena_printf(j->arena, "%llu", (unsigned long long)bytes).ptr, 1);
    } else {
        return err_set(e, EINVAL, "run: -rate: \"%.*s\" is not a number of bytes such as 512KiB",
                       STR_ARG(value));
    }
    return true;
}

static bool parse(struct job *j, char **argument, struct err *e)
{
    u32 at = 0;
    serving_init(&j->http);
    for (struct option o; argument[at] && option_next(&o, argument, &at);) {
        if (!parse_option(j, &o, argument, &at, e))
            return false;
    }
    if (!argument[at])
        return err_set(
            e, EINVAL,
            "run: no program named; usage: sonde run [OPTIONS] -- PROGRAM [ARGUMENT...]");
    j->program = argument + at;
    return true;
}

// libsonde.so: beside the command, as the build leaves it, or where "make install" puts it.
static bool find_library(char *path, size_t cap, struct err *e)
{
    static const char *const place[] = {"%s/libsonde.so", "%s/../lib/libsonde.so",
                                        "%s/../lib/sonde/libsonde.so"};
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[n > 0 ? n : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < ARRAY_LEN(place); i++) {
        int len = snprintf(path, cap, place[i], exe);
        if (len < 0 || (size_t)len >= cap || access(path, R_OK) != 0)
            continue;
        return !strpbrk(path, " :") ||
               err_set(e, EINVAL,
                       "run: the loader cannot preload %s: its path has a blank or a colon", path);
    }
    return err_set(e, ENOENT, "run: libsonde.so is neither in %s nor in %s/../lib", exe, exe);
}

// The file that execvp() would run; false when there is none.
static bool find_program(char *path, size_t cap, const char *name)
{
    if (strchr(name, '/'))
        return snprintf(path, cap, "%s", name) < (int)cap && access(path, X_OK) == 0;
    struct str rest = str_of(getenv("PATH"));
    while (rest.len) {
        struct str folder = str_cut(&rest, ':');
        if (snprintf(path, cap, "%.*s/%s", STR_ARG(folder), name) < (int)cap &&
            access(path, X_OK) == 0)
            return true;
    }
    return false;
}

// Whether an ELF program asks for no loader, which is who would preload the library.
static bool is_static(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Elf64_Ehdr elf;
    bool no_loader = fd >= 0 && read(fd, &elf, sizeof(elf)) == (ssize_t)sizeof(elf) &&
                     memcmp(elf.e_ident, ELFMAG, SELFMAG) == 0 &&
                     elf.e_ident[EI_CLASS] == ELFCLASS64;
    for (int i = 0; no_loader && i < elf.e_phnum; i++) {
        Elf64_Phdr h;
        if (pread(fd, &h, sizeof(h), (off_t)(elf.e_phoff + (u64)i * sizeof(h))) !=
            (ssize_t)sizeof(h))
            break;
        no_loader = h.p_type != PT_INTERP;
    }
    if (fd >= 0)
        close(fd);
    return no_loader;
}

static void warn_if_out_of_reach(const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    if (!find_program(path, sizeof(path), name))
        return;
    if (is_static(path))
        warn("%s is linked statically, so the library cannot be preloaded: link it with libsonde.a "
             "to get profiles",
             path);
    else if (stat(path, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)) && geteuid() != 0)
        warn("%s is setuid, so the loader ignores the library: there will be no profiles", path);
}

static bool set_preload(struct job *j, struct err *e)
{
    char library[PATH_MAX];
    const char *others = getenv("LD_PRELOAD");
    if (!find_library(library, sizeof(library), e))
        return false;
    if (others && *others)
        setenv("LD_PRELOAD", arena_printf(j->arena, "%s:%s", library, others).ptr, 1);
    else
        setenv("LD_PRELOAD", library, 1);
    return true;
}

// Signals that are passed on to the program.
static const int passed_on[] = {SIGTERM, SIGINT,  SIGHUP,   SIGQUIT, SIGUSR1,
                                SIGUSR2, SIGALRM, SIGWINCH, SIGCONT};

static sigset_t handled_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < ARRAY_LEN(passed_on); i++)
        sigaddset(&set, passed_on[i]);
    return set;
}

// Starts the program; its errno of a failed exec comes back through a pipe that exec closes.
static bool start_program(struct job *j, const sigset_t *before, int *error)
{
    int report[2];
    *error = pipe2(report, O_CLOEXEC) == 0 ? 0 : errno;
    if (*error)
        return false;
    j->pid = fork();
    if (j->pid == 0) {
        sigprocmask(SIG_SETMASK, before, NULL);
        execvp(j->program[0], j->program);
        int failed = errno;
        _exit(write(report[1], &failed, sizeof(failed)) < 0 ? STATUS_NOT_RUNNABLE
                                                            : STATUS_NOT_FOUND);
    }
    close(report[1]);
    if (j->pid < 0)
        *error = errno;
    else if (read(report[0], error, sizeof(*error)) == (ssize_t)sizeof(*error))
        waitpid(j->pid, NULL, 0);
    close(report[0]);
    return *error == 0;
}

// Takes the program's signals and its end; true when it has ended.
static bool take_signals(struct job *j, int signals, int *status)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGTERM)
            observer_mark(&j->observer, WATCH_TERMINATE);
        // A terminal sends its signals to the whole foreground group: the program has them already.
        if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
            kill(j->pid, (int)info.ssi_signo);
    }
    for (pid_t pid; (pid = waitpid(-1, status, WNOHANG)) > 0;) {
        if (pid == j->pid)
            return true;
    }
    return false;
}

// A copy once a minute, and whenever the limit has come nearer.
static void copy_when_due(struct job *j, bool is_near)
{
    u64 now_ms = clock_ns(CLOCK_MONOTONIC) / 1000000;
    if (!j->copies || !j->observer.watch || (!is_near && now_ms - j->copied_ms < COPY_MS))
        return;
    j->copied_ms = now_ms;
    if (copy_write(&j->observer, j->copies) || j->has_warned)
        return;
    j->has_warned = true;
    warn("no copy of the record in %s: %s; what it holds is lost with this container's memory",
         j->copies, strerror(errno));
}

// Waits for the program's end, passing signals on, watching its memory, and reaping whatever else
// this process may be the parent of.
static int wait_for_program(struct job *j, const sigset_t *signals)
{
    int status = 0, fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    // Inside of the group itself, the pages that watching needs would be dropped first at the
    // limit.
    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
    while (!take_signals(j, fd, &status)) {
        u32 told = j->observer.nmark, wait_ms = observer_step(&j->observer);
        if (j->observer.nmark != told)
            death_write_ahead(j->log, &j->observer);
        copy_when_due(j, j->observer.nmark != told);
        struct pollfd events[] = {
            {.fd = fd, .events = POLLIN},
            {.fd = j->observer.wake_fd, .events = j->observer.is_urgent ? POLLPRI : POLLIN}};
        poll(events, ARRAY_LEN(events), (int)wait_ms);
    }
    observer_death(&j->observer);
    munlockall();
    close(fd);
    return status;
}

static struct record_death describe_death(const struct job *j, int status)
{
    const struct observer *o = &j->observer;
    struct cgroup_state s;
    if (o->watch && o->usage_fd >= 0) // the program may have moved to another group meanwhile
        return death_describe(o, status);
    struct record_death d = death_of(status);
    if (j->has_cgroup && cgroup_read(&s, &j->cgroup))
        death_set_group(&d, &j->cgroup, &s, j->oom_kills);
    return d;
}

// Keeps the record of a program that was killed, and says where to look.
static void tell_death(const struct job *j, int status)
{
    if (j->copies)
        copy_remove(&j->observer, j->copies);
    struct folder_record *list;
    struct str kept = {0};
    struct err e;
    struct record_death death = describe_death(j, status);
    u32 n = folder_list(&list, folder_live(j->arena), j->arena);
    for (u32 i = 0; i < n; i++) {
        if (list[i].pid == (u32)j->pid && folder_life(&list[i]) == FOLDER_DEAD &&
            !folder_keep(&kept, &list[i], &death, j->arena, &e))
            warn("its record could not be kept: %s", e.text);
    }
    if (!WIFSIGNALED(status)) {
        death_withdraw(j->log);
        return;
    }
    int signal = WTERMSIG(status);
    warn("%s (process %d) was killed by SIG%s%s", j->program[0], j->pid,
         sigabbrev_np(signal) ? sigabbrev_np(signal) : "?",
         signal == SIGKILL && death.oom_kills ? ": out of memory" : "");
    if (death.cgroup_known && death.limit_bytes)
        warn("its memory cgroup %s has a limit of %.1f MB, reached at most %.1f MB, and had %llu "
             "OOM kills meanwhile",
             death.cgroup, (double)death.limit_bytes / 0x1p20, (double)death.peak_bytes / 0x1p20,
             (unsigned long long)death.oom_kills);
    if (kept.len)
        death_tell(j->log, kept, j->arena);
    if (kept.len)
        warn("what it held at that moment: sonde oom %.*s", STR_ARG(kept));
    else
        warn("it left no record: it had not yet allocated enough to be sampled, or does not have "
             "the library");
}

// What is served: the endpoints, and the pages about the same process.
struct served {
    struct debug debug;
    struct web web;
    struct str pid; // the pages' source
    struct http_server *server;
};

static void handle(void *context, const struct http_request *q, struct http_response *r)
{
    struct served *s = context;
    if (str_starts(q->path, STR("/debug/")))
        debug_handle(&s->debug, q, r);
    else
        web_handle(&s->web, q, r);
}

static void init_served(struct served *s, const struct job *j)
{
    struct config c;
    *s = (struct served){.pid = arena_printf(j->arena, "%d", j->pid)};
    struct sourcing source = {.source = &s->pid,
                              .nsource = 1,
                              .seconds = -1,
                              .timeout_s = -1,
                              .most_bytes = MIB(MOST_PROFILE_MIB)};
    config_init(&c);
    debug_init(&s->debug, (u32)j->pid);
    web_init(&s->web, &source, &c);
}

static void free_served(struct served *s)
{
    if (s->server)
        http_stop(s->server);
    web_free(&s->web);
    debug_free(&s->debug);
}

// Serves the program's profiles in threads of their own, which leave all signals to this one.
static bool serve(struct job *j, struct served *s, struct err *e)
{
    init_served(s, j);
    if (j->http.address.len == 0)
        return true;
    if (http_start(&s->server, &j->http, handle, s, e)) {
        const char *url = http_url(s->server);
        fprintf(stderr, "sonde: pages at %s/, profiles at %s/debug/pprof/\n", url, url);
        return true;
    }
    if (j->http_is_chosen)
        return false;
    warn("%s; going on without profiles over HTTP: -http=HOST:PORT chooses another place", e->text);
    return true;
}

static int run(struct job *j, struct err *e)
{
    sigset_t signals = handled_signals(), before;
    struct served served;
    int error;
    sigprocmask(SIG_BLOCK, &signals, &before);
    if (!start_program(j, &before, &error)) {
        warn("cannot run %s: %s", j->program[0], strerror(error));
        return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE;
    }
    struct cgroup_state at_start;
    j->has_cgroup =
        cgroup_of(&j->cgroup, "/proc", (u32)j->pid) && cgroup_read(&at_start, &j->cgroup);
    j->oom_kills = j->has_cgroup ? at_start.oom_kills : 0;
    if (!serve(j, &served, e)) {
        kill(j->pid, SIGTERM);
        waitpid(j->pid, NULL, 0);
        return fail(e);
    }
    observer_init(&j->observer, (u32)j->pid);
    int status = wait_for_program(j, &signals);
    tell_death(j, status);
    observer_end(&j->observer);
    free_served(&served);
    return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

int command_run(char **argument)
{
    struct arena a;
    struct err e;
    arena_init(&a, (size_t)MIB(4096));
    struct job j = {.arena = &a, .log = -1};
    if (!parse(&j, argument, &e) || !set_preload(&j, &e))
        return fail(&e);
    warn_if_out_of_reach(j.program[0]);
    death_tell_earlier(&a);
    j.log = death_open_log();
    int status = run(&j, &e);
    arena_free(&a);
    return status;
}
