// The threads of the process: those that pthread_create() makes enter themselves when they begin,
// and leave when they end; others (the first one, those made by clone) are found in /proc by the
// sampler.  Each has a row in watched and, for readers, the same row in the record.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    PROBED = 64,   // rows where a thread may be
    BIRTHS = 1024, // threads that have not begun yet, at most
    DIRECTORY_BYTES = 8192,
    BEING_MADE = UINT32_MAX
};

static const char tasks[] = "/proc/self/task/";

struct watched watched[RECORD_THREADS];
u32 thread_tid[RECORD_THREADS];
u32 thread_rows = 1;

static struct {
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int (*set)(pthread_key_t, const void *);
} real_thread;

static struct thread *first_thread; // which does not enter itself

static pthread_key_t end_key; // whose destructor tells that a thread ends
static bool has_end_key;

// What a thread that begins has to know.
struct birth {
    u32 is_taken;
    u32 parent; // thread that creates it
    u32 stack;  // where, in the record; 0: not known
    u32 labels; // that it inherits
    void *(*run)(void *);
    void *argument;
};
static struct birth births[BIRTHS];

// The row of a thread that is not this one; 0: there is none.
static u32 find_other_row(u32 tid, u32 known)
{
    for (u32 i = 0; i < PROBED; i++) {
        u32 row = 1 + (tid + i) % (RECORD_THREADS - 1);
        if (row != known && __atomic_load_n(&thread_tid[row], __ATOMIC_SEQ_CST) == tid)
            return row;
    }
    return 0;
}

static u32 find_row(u32 tid)
{
    return find_other_row(tid, 0);
}

bool thread_is_known(u32 tid)
{
    return tid && find_row(tid);
}

static void raise_rows(u32 n)
{
    u32 known = __atomic_load_n(&thread_rows, __ATOMIC_RELAXED);
    while (known < n && !__atomic_compare_exchange_n(&thread_rows, &known, n, true,
                                                     __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
}

static void describe(u32 row, u32 tid)
{
    struct record_thread *t = &record.thread[row];
    __atomic_store_n(&t->tid, 0, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    memset(t, 0, sizeof(*t));
    __atomic_store_n(&t->tid, tid, __ATOMIC_RELEASE);
}

u32 thread_add(u32 tid)
{
    u32 row = find_row(tid);
    for (u32 i = 0; i < PROBED && !row; i++) {
        u32 at = 1 + (tid + i) % (RECORD_THREADS - 1), none = 0;
        if (!__atomic_compare_exchange_n(&thread_tid[at], &none, BEING_MADE, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            continue;
        row = at;
        watched[row].own = tid == (u32)getpid() ? (u64)(uintptr_t)first_thread : 0;
        describe(row, tid);
        __atomic_store_n(&thread_tid[row], tid, __ATOMIC_SEQ_CST);
        raise_rows(row + 1);
    }
    if (!row)
        __atomic_fetch_add(&record.header->answer.refused, 1, __ATOMIC_RELAXED);
    return row;
}

void thread_remove(u32 row, u32 tid)
{
    u32 known = tid;
    if (!__atomic_compare_exchange_n(&thread_tid[row], &known, BEING_MADE, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return;
    record.thread[row].ended = 1;
    cpu_disarm(row, tid);
    wall_end(row, tid);
    watched[row].run = 0;
    watched[row].told_sp = 0;
    __atomic_store_n(&thread_tid[row], 0, __ATOMIC_RELEASE);
}

void thread_name(u32 row, u32 tid)
{
    char path[64], text[32], *name = record.thread[row].name;
    struct text t = {path, path + sizeof(path)};
    text_add(&t, tasks);
    text_number(&t, tid);
    text_add(&t, "/comm");
    if (text_read_file(text, sizeof(text), path) > 0) {
        text[strcspn(text, "\n")] = 0;
        memcpy(name, text, sizeof(record.thread->name) - 1);
    }
}

// An entry of a directory, as the kernel writes it.
struct entry {
    u64 inode;
    i64 next;
    u16 bytes;
    u8 type;
    char name[];
};

// A thread that begins enters itself at the same time: then at least one of the two sees two rows,
// and that which was made here is removed.  Otherwise it would be sampled twice as often.
static void add_found(u32 tid)
{
    u32 row = thread_add(tid);
    if (row && find_other_row(tid, row))
        thread_remove(row, tid);
    else if (row)
        thread_name(row, tid);
}

u32 thread_scan(void)
{
    _Alignas(struct entry) char room[DIRECTORY_BYTES];
    u32 n = 0, self = (u32)syscall(SYS_gettid);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (i64 got; fd >= 0 && (got = syscall(SYS_getdents64, fd, room, sizeof(room))) > 0;) {
        for (i64 at = 0; at < got; at += ((struct entry *)(room + at))->bytes) {
            u32 tid = (u32)text_parse_number(((struct entry *)(room + at))->name);
            if (tid == 0)
                continue;
            n++;
            if (tid != self && !find_row(tid))
                add_found(tid);
        }
    }
    if (fd >= 0)
        syscall(SYS_close, fd);
    return n;
}

void thread_reset(void)
{
    memset(thread_tid, 0, sizeof(thread_tid));
    memset(births, 0, sizeof(births));
    for (u32 row = 0; row < thread_rows; row++)
        watched[row] = (struct watched){0};
    thread_rows = 1;
    thread.row = 0;
    first_thread = &thread;
}

static void on_end(void *row)
{
    int error = errno;
    thread_remove((u32)(uintptr_t)row, (u32)syscall(SYS_gettid));
    thread.row = 0;
    errno = error;
}

void thread_resolve(void)
{
    void *address = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real_thread.create, &address, sizeof(address));
    if (!first_thread)
        first_thread = &thread;
    if (has_end_key)
        return;
    int (*create_key)(pthread_key_t *, void (*)(void *));
    address = dlsym(RTLD_DEFAULT, "pthread_setspecific");
    memcpy(&real_thread.set, &address, sizeof(address));
    address = dlsym(RTLD_DEFAULT, "pthread_key_create");
    memcpy(&create_key, &address, sizeof(address));
    has_end_key = real_thread.set && create_key && create_key(&end_key, on_end) == 0;
}

// In the new thread.
static void enter(const struct birth *b)
{
    u32 tid = (u32)syscall(SYS_gettid), row = thread_add(tid), found = find_other_row(tid, row);
    thread.row = row;
    if (!row)
        return;
    if (found)
        thread_remove(found, tid); // see add_found()
    record.thread[row].parent = b->parent;
    record.thread[row].create = b->stack;
    watched[row].run = (u64)(uintptr_t)b->run;
    watched[row].own = (u64)(uintptr_t)&thread;
    prctl(PR_GET_NAME, record.thread[row].name);
    if (has_end_key)
        real_thread.set(end_key, (void *)(uintptr_t)row);
    cpu_arm(row);
}

// What a thread runs first.  It goes on with a jump, so that no stack has it.
static void *begin(void *argument)
{
    struct birth b = *(struct birth *)argument;
    __atomic_store_n(&((struct birth *)argument)->is_taken, 0, __ATOMIC_RELEASE);
    thread.labels = b.labels;
    thread.busy++;
    if (start_is_ready())
        enter(&b);
    thread.busy--;
    return b.run(b.argument);
}

static struct birth *take_birth(void)
{
    static u32 next;
    for (u32 i = 0; i < PROBED; i++) {
        struct birth *b = &births[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % BIRTHS];
        if (__atomic_exchange_n(&b->is_taken, 1, __ATOMIC_ACQUIRE) == 0)
            return b;
    }
    return NULL;
}

static u32 creating_stack(struct context caller)
{
    u64 frame[RECORD_MAX_FRAMES];
    u16 flags;
    u32 n = unwind(frame, &flags, caller);
    struct record_stack *s = record_stack_add(&record, RECORD_CREATE, flags, frame, n);
    __atomic_fetch_add(&s->count, 1, __ATOMIC_RELAXED);
    return record_stack_offset(&record, s);
}

EXPORT SLOW int pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                               void *(*run)(void *), void *argument)
{
    static bool is_first = true;
    if (!real_thread.create)
        thread_resolve();
    if (unlikely(is_first))
        lock_begin();
    is_first = false;
    struct birth *b = signal_timer ? take_birth() : NULL;
    if (!b)
        return real_thread.create(out, attributes, run, argument);
    thread.busy++;
    b->parent = (u32)syscall(SYS_gettid);
    b->stack = start_is_ready() ? creating_stack(CALLER()) : 0;
    thread.busy--;
    b->labels = thread.labels;
    b->run = run;
    b->argument = argument;
    int error = real_thread.create(out, attributes, begin, b);
    if (error)
        __atomic_store_n(&b->is_taken, 0, __ATOMIC_RELEASE);
    return error;
}
