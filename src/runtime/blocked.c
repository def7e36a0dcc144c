// What a blocked thread waits for: the system call that it is in and its arguments, from /proc, and
// what is at the other end of the descriptor or holds the lock.
#include "runtime/runtime.h"

#include <arpa/inet.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { FDSET_WORDS = 16, CONTENDED = 2, NONE = -1 };

static int process = NONE; // descriptor of the process, in the sampler's own table

void blocked_begin(void)
{
    process = (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static const char *parse_hex(u64 *out, const char *at)
{
    *out = 0;
    at += strspn(at, " ");
    if (strncmp(at, "0x", 2) == 0)
        at += 2;
    for (;; at++) {
        u64 digit = *at >= '0' && *at <= '9'   ? (u64)(*at - '0')
                    : *at >= 'a' && *at <= 'f' ? (u64)(*at - 'a') + 10
                                               : 16;
        if (digit == 16)
            return at;
        *out = *out << 4 | digit;
    }
}

static void task_path(struct text *t, u32 tid, const char *file)
{
    text_add(t, "/proc/self/task/");
    text_number(t, tid);
    text_add(t, file);
}

// "7 0x7f.. 0x1 0xffffffff 0x.. 0x.. 0x.. 0xSP 0xPC", "-1 0xSP 0xPC", or "running".
bool blocked_read(struct blocked_call *call, u32 tid)
{
    char path[64], text[256];
    struct text t = {path, path + sizeof(path)};
    task_path(&t, tid, "/syscall");
    if (text_read_file(text, sizeof(text), path) <= 0 || *text == 'r')
        return false;
    *call = (struct blocked_call){.number = NONE};
    const char *at = text;
    if (*at == '-') {
        at += strcspn(at, " ");
    } else {
        call->number = (i32)text_parse_number(at);
        at += strcspn(at, " ");
        for (u32 i = 0; i < ARRAY_LEN(call->argument); i++)
            at = parse_hex(&call->argument[i], at);
    }
    at = parse_hex(&call->sp, at);
    parse_hex(&call->pc, at);
    return call->sp != 0;
}

// The only descriptor among those of select(); NONE when there are more.
static i32 only_of_sets(const struct blocked_call *call)
{
    i32 found = NONE;
    for (u32 set = 1; set <= 2; set++) {
        u64 word[FDSET_WORDS];
        if (call->argument[set] == 0 || !stack_copy(word, call->argument[set], sizeof(word)))
            continue;
        for (u32 fd = 0; fd < call->argument[0] && fd < FDSET_WORDS * 64; fd++) {
            if (!(word[fd / 64] >> fd % 64 & 1) || (i32)fd == found)
                continue;
            if (found != NONE)
                return NONE;
            found = (i32)fd;
        }
    }
    return found;
}

// The descriptor that a call waits on.
static i32 descriptor_of(const struct blocked_call *call)
{
    struct pollfd first;
    switch (call->number) {
    case SYS_read:
    case SYS_write:
    case SYS_readv:
    case SYS_writev:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_connect:
    case SYS_ioctl:
    case SYS_fcntl:
    case SYS_flock:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_ftruncate:
    case SYS_fallocate:
    case SYS_getdents64:
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
        return (i32)call->argument[0];
    case SYS_sendfile:
    case SYS_splice:
        return (i32)call->argument[1];
    case SYS_poll:
    case SYS_ppoll:
        if (call->argument[1] != 1 || !stack_copy(&first, call->argument[0], sizeof(first)))
            return NONE;
        return first.fd;
    case SYS_select:
    case SYS_pselect6:
        return only_of_sets(call);
    default:
        return NONE;
    }
}

bool blocked_may_poke(const struct blocked_call *call)
{
    switch (call->number) {
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_pwritev2:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_sendfile:
    case SYS_splice:
    case SYS_vmsplice:
    case SYS_tee:
    case SYS_copy_file_range:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_getrandom:
    case SYS_io_getevents:
    case SYS_io_uring_enter:
    case NONE:
        return false;
    case SYS_recvfrom:
        return !(call->argument[3] & MSG_WAITALL);
    default:
        return true;
    }
}

static void hex_group(struct text *t, u32 n)
{
    char digits[5], *at = digits + sizeof(digits);
    *--at = 0;
    do
        *--at = "0123456789abcdef"[n & 15];
    while (n >>= 4);
    text_add(t, at);
}

// Without "::" for the longest run of zeros, but for "::1".
static void add_v6(struct text *t, const struct in6_addr *a)
{
    if (IN6_IS_ADDR_LOOPBACK(a)) {
        text_add(t, "::1");
        return;
    }
    for (u32 i = 0; i < 16; i += 2) {
        text_add(t, i ? ":" : "");
        hex_group(t, (u32)a->s6_addr[i] << 8 | a->s6_addr[i + 1]);
    }
}

static void add_v4(struct text *t, const u8 *byte)
{
    for (u32 i = 0; i < 4; i++) {
        text_add(t, i ? "." : "");
        text_number(t, byte[i]);
    }
}

// "127.0.0.1:5432", "[::1]:5432", "/run/socket", "@abstract".  False when there is no address.
static bool add_address(struct text *t, const struct sockaddr_storage *address, socklen_t n)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;
    const struct sockaddr_un *local = (const void *)address;
    if (address->ss_family == AF_UNIX) {
        if (n <= offsetof(struct sockaddr_un, sun_path))
            return false;
        bool is_abstract = local->sun_path[0] == 0;
        text_add(t, is_abstract ? "@" : "");
        text_add(t, local->sun_path + is_abstract);
        return true;
    }
    if (address->ss_family == AF_INET) {
        add_v4(t, (const u8 *)&v4->sin_addr);
    } else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        add_v4(t, v6->sin6_addr.s6_addr + 12);
    } else if (address->ss_family == AF_INET6) {
        text_add(t, "[");
        add_v6(t, &v6->sin6_addr);
        text_add(t, "]");
    } else {
        return false;
    }
    text_add(t, ":");
    text_number(t, ntohs(v4->sin_port)); // at the same place in both
    return true;
}

// The other end; for a socket that has none, "on " and its own.
static void describe_socket(struct text *t, int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t n = sizeof(address) - 1;
    if (syscall(SYS_getpeername, fd, &address, &n) == 0 && add_address(t, &address, n))
        return;
    address = (struct sockaddr_storage){0};
    n = sizeof(address) - 1;
    if (syscall(SYS_getsockname, fd, &address, &n) == 0 && address.ss_family) {
        text_add(t, "on ");
        add_address(t, &address, n);
    }
}

// The end of the file's name.
static void describe_file(struct record_wait *w, u32 tid, i32 fd)
{
    char path[64], name[512];
    struct text t = {path, path + sizeof(path)};
    task_path(&t, tid, "/fd/");
    text_number(&t, (u64)fd);
    i64 n = syscall(SYS_readlink, path, name, sizeof(name) - 1);
    if (n <= 0)
        return;
    name[n] = 0;
    i64 skipped = n > (i64)sizeof(w->peer) - 1 ? n - (i64)sizeof(w->peer) + 1 : 0;
    memcpy(w->peer, name + skipped, (size_t)(n - skipped));
}

static void describe_descriptor(struct record_wait *w, u32 tid, i32 fd)
{
    struct stat st;
    int copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
    if (copy < 0)
        return;
    if (fstat(copy, &st) == 0) {
        struct text t = {w->peer, w->peer + sizeof(w->peer)};
        w->kind = S_ISSOCK(st.st_mode)                         ? RECORD_WAIT_SOCKET
                  : S_ISFIFO(st.st_mode)                       ? RECORD_WAIT_PIPE
                  : S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ? RECORD_WAIT_DEVICE
                  : S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? RECORD_WAIT_FILE
                                                               : RECORD_WAIT_EVENT;
        if (w->kind == RECORD_WAIT_SOCKET)
            describe_socket(&t, copy);
        else if (w->kind == RECORD_WAIT_FILE || w->kind == RECORD_WAIT_DEVICE)
            describe_file(w, tid, fd);
    }
    syscall(SYS_close, copy);
}

// Only numbers of threads that there are.
static u32 thread_if_known(u32 tid)
{
    return thread_is_known(tid) ? tid : 0;
}

// glibc's mutexes hold their owner's number, two words behind the one that is waited on; a join
// waits on the number itself.
static void describe_lock(struct record_wait *w, const struct blocked_call *call)
{
    u32 command = (u32)call->argument[1] & (u32)FUTEX_CMD_MASK, value = (u32)call->argument[2],
        word[3];
    w->kind = RECORD_WAIT_LOCK;
    w->lock = call->argument[0];
    if (command == FUTEX_WAIT && value == CONTENDED) {
        if (stack_copy(word, w->lock, sizeof(word)) && word[0] == CONTENDED)
            w->owner = thread_if_known(word[2]);
    } else if (command == FUTEX_LOCK_PI) {
        if (stack_copy(word, w->lock, sizeof(*word)))
            w->owner = thread_if_known(*word & FUTEX_TID_MASK);
    } else {
        w->owner = thread_if_known(value);
    }
}

u32 blocked_describe(const struct blocked_call *call, u32 tid)
{
    struct record_wait w = {.state = RECORD_BLOCKED, .call = (i16)call->number};
    i32 fd = descriptor_of(call);
    if (call->number == SYS_futex)
        describe_lock(&w, call);
    else if (fd >= 0)
        describe_descriptor(&w, tid, fd);
    u32 row = record_wait_add(&record, &w);
    if (row != RECORD_BLOCKED)
        return row;
    // The table is full: without what differs most.
    w.lock = w.owner = 0;
    memset(w.peer, 0, sizeof(w.peer));
    return record_wait_add(&record, &w);
}
