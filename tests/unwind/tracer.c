// tracer NAME PID STACKS: stops threads of a process at random instants and walks up their stacks
// twice, from the same registers and memory: by Sonde's rules, and with libdwfl.
//
// Prints a row of a table: stacks; frames, of the longer of the two walks; percent that are the
// same, from the innermost on; and how many stacks part where there is a rule, and where there is
// none in memory: assembly, a JIT's code, Go's.  Where it is libdwfl that is wrong, since Go
// changed the stack or a caller was missed, that is not counted, but told of.  Then a line for each
// place where they part, with how often: what was walked from, and what each says is above.
//
// LEAST=PERCENT: fails when less than that is the same.  Always fails when more than 0.1 % of the
// frames are lost where there is a rule.
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/table.h"
#include "object/image.h"
#include "object/unwind.h"

#include "tests/unwind/maps.h"

enum { MOST_FRAMES = 512, MOST_TASKS = 256, LINE_BYTES = 512 };

struct stack {
    u64 pc[MOST_FRAMES];
    u32 n;
};

struct tracer {
    struct arena arena;
    pid_t pid;
    int memory; // /proc/PID/mem
    struct maps maps;
    struct table files;
    struct image *image; // by row of files
    u32 nimage, image_cap;
    Dwfl *dwfl;
    struct stack ours, theirs;
    struct unwind_rule rule[MOST_FRAMES]; // by frame of ours

    u32 nstack, npart_rule, npart_none; // stacks: all, and those that part
    u32 nchanged;                       // stacks that Sonde ends where Go changed to another
    u32 nmissed;                        // stacks of which libdwfl misses a caller
    u64 nframe, nequal, nlost_rule;     // frames: all, the same, and lost where there is a rule
    struct table partings;
    u32 *nparting; // by row of partings
    u32 nparting_row, parting_cap;
};

// Sonde's walk.

struct walk {
    struct tracer *t;
    const struct user_regs_struct *registers;
    struct unwind_frame at;
    bool in_file;
};

// What the loader knows; a name like "[anon: JIT]" is none of a file.
static bool is_file(const struct map *m)
{
    return m->path[0] == '/' || strcmp(m->path, "[vdso]") == 0;
}

static bool load(void *context, u64 *value, u64 address)
{
    struct walk *w = context;
    return pread(w->t->memory, value, sizeof(*value), (off_t)address) == sizeof(*value);
}

static bool is_code(void *context, u64 pc)
{
    struct walk *w = context;
    const struct map *m = maps_find(&w->t->maps, pc - 1);
    return !w->in_file || (m && is_file(m));
}

static bool first_register(void *context, u64 *value, u32 number)
{
    const struct walk *w = context;
    const struct user_regs_struct *r = w->registers;
    const unsigned long long all[] = {r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi,
                                      r->rbp, r->rsp, r->r8,  r->r9,  r->r10, r->r11,
                                      r->r12, r->r13, r->r14, r->r15};
    *value = all[number];
    return true;
}

static const struct unwind_memory other_memory = {load, load, is_code, first_register};

// The kernel's own code for all processes, which is in no file, is written into one.
static struct str file_of(struct tracer *t, const struct map *m)
{
    static char path[64];
    if (strcmp(m->path, "[vdso]") != 0)
        return str_of(m->path);
    if (!*path) {
        char bytes[1 << 14];
        size_t n = (size_t)(m->limit - m->start);
        snprintf(path, sizeof(path), "/tmp/sonde-vdso-XXXXXX");
        int fd = mkstemp(path);
        if (n > sizeof(bytes) || pread(t->memory, bytes, n, (off_t)m->start) != (ssize_t)n ||
            write(fd, bytes, n) != (ssize_t)n)
            fputs("tracer: the vDSO cannot be read\n", stderr);
        close(fd);
    }
    return str_of(path);
}

static const struct image *find_image(struct tracer *t, const struct map *m)
{
    struct err e;
    if (!is_file(m))
        return &t->image[0];
    struct str path = file_of(t, m);
    u32 row = table_add(&t->files, path);
    if (row == t->nimage)
        image_open(arena_push(&t->arena, t->image, t->nimage, t->image_cap), path, STR(""),
                   &t->arena, &e);
    return &t->image[row];
}

static struct unwind_rule find_rule(struct walk *w)
{
    u64 pc = unwind_place(&w->at);
    const struct map *m = maps_find(&w->t->maps, pc);
    const struct image *i = m ? find_image(w->t, m) : NULL;
    w->in_file = m && is_file(m);
    if (!i || !i->eh.low)
        return (struct unwind_rule){.cfa = UNWIND_UNKNOWN};
    return image_rule(i, pc - m->start + m->offset);
}

static void walk_ours(struct tracer *t, const struct user_regs_struct *r)
{
    struct walk w = {.t = t, .registers = r, .at = {.pc = r->rip, .sp = r->rsp, .bp = r->rbp}};
    struct stack *s = &t->ours;
    s->n = 0;
    do {
        t->rule[s->n] = find_rule(&w);
        s->pc[s->n++] = w.at.pc;
    } while (s->n < MOST_FRAMES && unwind_step(&w.at, t->rule[s->n - 1], other_memory, &w));
}

// libdwfl's walk.

static int add_frame(Dwfl_Frame *frame, void *context)
{
    struct stack *s = context;
    Dwarf_Addr pc;
    if (s->n == MOST_FRAMES || !dwfl_frame_pc(frame, &pc, NULL) || pc == 0)
        return DWARF_CB_ABORT;
    s->pc[s->n++] = pc;
    return DWARF_CB_OK;
}

static bool open_dwfl(struct tracer *t)
{
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
                                             .find_debuginfo = dwfl_standard_find_debuginfo};
    if (t->dwfl)
        dwfl_end(t->dwfl);
    t->dwfl = dwfl_begin(&callbacks);
    dwfl_report_begin(t->dwfl);
    int failed = dwfl_linux_proc_report(t->dwfl, t->pid);
    dwfl_report_end(t->dwfl, NULL, NULL);
    if (failed || dwfl_linux_proc_attach(t->dwfl, t->pid, true) != 0) {
        fprintf(stderr, "tracer: libdwfl: %s\n", dwfl_errmsg(-1));
        return false;
    }
    return true;
}

static void walk_theirs(struct tracer *t, pid_t task)
{
    t->theirs.n = 0;
    if (dwfl_getthread_frames(t->dwfl, task, add_frame, &t->theirs) < 0)
        dwfl_errno(); // forgets it
}

// What came of it.

static const char *rule_name(struct unwind_rule r)
{
    static const char *const names[] = {"no rule", "end",   "sp",     "bp",
                                        "at sp",   "at bp", "signal", "another register"};
    return names[r.cfa];
}

// "libc.so.6 memcpy+12", into text.
static const char *place_name(const struct tracer *t, u64 pc, char *text, size_t size)
{
    GElf_Off offset = 0;
    GElf_Sym symbol;
    Dwfl_Module *module = dwfl_addrmodule(t->dwfl, pc);
    const char *name =
        module ? dwfl_module_addrinfo(module, pc, &offset, &symbol, NULL, NULL, NULL) : NULL;
    const struct map *m = maps_find(&t->maps, pc);
    const char *path = m && m->path[0] ? m->path : m ? "code in no file" : "no code";
    const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (name)
        snprintf(text, size, "%.40s %.60s+%llx", file, name, (unsigned long long)offset);
    else
        snprintf(text, size, "%.40s", file);
    return text;
}

// Go's functions that change the stack.  Above them is what earlier calls left on the other one:
// libdwfl goes on with that, Sonde ends.
static bool changes_stack(const struct tracer *t, u64 pc)
{
    static const char *const names[] = {" runtime.systemstack.abi0+", " runtime.mcall+",
                                        " runtime.morestack.abi0+", " runtime.asmcgocall.abi0+",
                                        " runtime.cgocallback.abi0+"};
    char text[128];
    place_name(t, pc, text, sizeof(text));
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strstr(text, names[i]))
            return true;
    }
    return false;
}

static void note_parting(struct tracer *t, u32 at, u32 nours, u32 ntheirs)
{
    char from[128], ours[128], theirs[128], line[LINE_BYTES];
    u64 above = at < nours ? t->ours.pc[at] : 0, other = at < ntheirs ? t->theirs.pc[at] : 0;
    snprintf(line, sizeof(line), "from %s (%s): sonde %s, libdwfl %s",
             at ? place_name(t, t->ours.pc[at - 1], from, sizeof(from)) : "the start",
             at ? rule_name(t->rule[at - 1]) : "-",
             above ? place_name(t, above, ours, sizeof(ours)) : "ends",
             other ? place_name(t, other, theirs, sizeof(theirs)) : "ends");
    u32 row = table_add(&t->partings, str_of(line));
    while (row >= t->nparting_row)
        arena_push(&t->arena, t->nparting, t->nparting_row, t->parting_cap);
    t->nparting[row]++;
}

// How much of a walk is of code: what comes behind is the walk's being lost.
static u32 sensible(const struct tracer *t, const struct stack *s)
{
    u32 n = 0;
    while (n < s->n && maps_find(&t->maps, s->pc[n] - (n != 0)))
        n++;
    return n;
}

// Whether libdwfl, which goes by frame pointers where there is no rule, misses the innermost
// frame's caller, whose frame pointer is still, or again, the one in its register; all else is the
// same.
static bool misses_caller(const struct stack *ours, u32 own, const struct stack *theirs, u32 other)
{
    return own == other + 1 && other > 1 && ours->pc[0] == theirs->pc[0] &&
           memcmp(ours->pc + 2, theirs->pc + 1, (other - 1) * sizeof(*ours->pc)) == 0;
}

static void compare(struct tracer *t)
{
    const struct stack *a = &t->ours, *b = &t->theirs;
    u32 n = 0, own = sensible(t, a), other = sensible(t, b), most = own > other ? own : other;
    while (n < own && n < other && a->pc[n] == b->pc[n])
        n++;
    if (n && n == own && n < other && changes_stack(t, a->pc[n - 1])) {
        t->nchanged++;
        most = n;
    }
    if (n == 1 && t->rule[0].cfa == UNWIND_UNKNOWN && misses_caller(a, own, b, other)) {
        t->nmissed++;
        n = most;
    }
    t->nstack++;
    t->nframe += most;
    t->nequal += n;
    if (n == most)
        return;
    note_parting(t, n, own, other);
    u8 rule = n ? t->rule[n - 1].cfa : UNWIND_UNKNOWN;
    bool has_rule = rule != UNWIND_UNKNOWN && rule != UNWIND_OTHER;
    t->npart_rule += has_rule;
    t->npart_none += !has_rule;
    t->nlost_rule += has_rule ? most - n : 0;
}

// The process.

// A thread, at random; half of the time one that runs, if any does.
static pid_t choose_task(pid_t pid)
{
    pid_t task[MOST_TASKS];
    u32 n = maps_tasks(pid, task, MOST_TASKS, rand() % 2);
    return n ? task[(u32)rand() % n] : 0;
}

static bool stop(pid_t task)
{
    int status;
    if (ptrace(PTRACE_SEIZE, task, 0, 0) != 0)
        return false;
    return ptrace(PTRACE_INTERRUPT, task, 0, 0) == 0 && waitpid(task, &status, __WALL) == task &&
           WIFSTOPPED(status);
}

static bool trace_one(struct tracer *t)
{
    struct user_regs_struct r;
    usleep((useconds_t)(rand() % 4000));
    pid_t task = choose_task(t->pid);
    if (!task || !stop(task))
        return errno == ESRCH && task;
    bool is_new = maps_read(&t->maps, t->pid);
    bool done = (!is_new && t->dwfl) || open_dwfl(t);
    if (done && ptrace(PTRACE_GETREGS, task, 0, &r) == 0) {
        walk_ours(t, &r);
        walk_theirs(t, task);
        compare(t);
    }
    ptrace(PTRACE_DETACH, task, 0, 0);
    return done;
}

static void print_partings(const struct tracer *t)
{
    bool all = getenv("SHOW") != NULL;
    for (u32 row = 1; row < t->nparting_row; row++) {
        struct str line = t->partings.key[row];
        if (all || row <= 12)
            printf("#   %5u times %.*s\n", t->nparting[row], STR_ARG(line));
    }
}

int main(int argc, char **argv)
{
    static struct tracer t;
    char path[64];
    if (argc != 4) {
        fputs("usage: tracer NAME PID STACKS\n", stderr);
        return 2;
    }
    t.pid = (pid_t)strtol(argv[2], NULL, 10);
    u32 most = (u32)strtoul(argv[3], NULL, 10);
    snprintf(path, sizeof(path), "/proc/%d/mem", t.pid);
    t.memory = open(path, O_RDONLY | O_CLOEXEC);
    arena_init(&t.arena, SIZE_MAX);
    table_init(&t.files, &t.arena);
    table_init(&t.partings, &t.arena);
    arena_push(&t.arena, t.image, t.nimage, t.image_cap);
    srand((unsigned)t.pid);
    while (t.nstack < most && trace_one(&t))
        ;
    if (t.nframe == 0) {
        fprintf(stderr, "tracer: %s cannot be traced: %s\n", argv[1], strerror(errno));
        return 2;
    }
    double percent = 100 * (double)t.nequal / (double)t.nframe;
    printf("%-12s %8u %8llu %9.3f %9u %9u\n", argv[1], t.nstack, (unsigned long long)t.nframe,
           percent, t.npart_rule, t.npart_none);
    if (t.nchanged)
        printf("#   %5u times Go changed the stack: libdwfl goes on with what is left there\n",
               t.nchanged);
    if (t.nmissed)
        printf("#   %5u times libdwfl misses the caller of a function without rules\n", t.nmissed);
    print_partings(&t);
    const char *least = getenv("LEAST");
    return 1000 * t.nlost_rule > t.nframe || (least && percent < strtod(least, NULL));
}
