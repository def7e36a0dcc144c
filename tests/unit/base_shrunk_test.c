// Binaries that become shorter while they are read, as a linker does to them.
#include "base/shrunk.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "object/symbols.h"

enum { MOST_LINES = 16, PAGE = 4096 };

// Asks for addresses all over the file, whose end is cut off while it is open.
static void ask_of(int copy, const char *path, u64 bytes, struct arena *a)
{
    struct symbols *s;
    struct symbol_line line[MOST_LINES];
    struct err e;
    if (!ok(symbols_open(&s, path, STR(""), false, a, &e), "a program is opened"))
        return;
    bool is_cut = ftruncate(copy, PAGE) == 0;
    for (u64 address = 0; address < bytes; address += 1000)
        symbols_find(s, address, line, MOST_LINES, a);
    symbols_close(s);
    ok(is_cut && shrunk_happened(), "one that is cut off then costs names, and not the process");
}

static void test_program(struct arena *a)
{
    char path[] = "/tmp/sonde-shrunk-XXXXXX";
    struct stat st;
    int self = open("/proc/self/exe", O_RDONLY), copy = mkstemp(path);
    if (!ok(self >= 0 && copy >= 0 && fstat(self, &st) == 0 &&
                sendfile(copy, self, NULL, (size_t)st.st_size) == st.st_size,
            "a program is copied"))
        return;
    ask_of(copy, path, (u64)st.st_size, a);
    unlink(path);
    close(self);
    close(copy);
}

static void test_other_error(void)
{
    pid_t child = fork();
    if (child == 0) {
        raise(SIGBUS);
        _exit(0);
    }
    int status = 0;
    ok(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGBUS,
       "another error of that kind ends the process as before");
}

static void test_zeros(void)
{
    int fd = memfd_create("shrunk", 0);
    if (!ok(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0, "a file is made"))
        return;
    volatile char *at = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    ok(at != MAP_FAILED && ftruncate(fd, 0) == 0 && at[2 * PAGE] == 0 && at[0] == 0,
       "what is gone reads as zeros");
    munmap((void *)at, 3 * PAGE);
    close(fd);
}

int main(void)
{
    struct arena a;
    arena_init(&a, SIZE_MAX);
    ok(!shrunk_happened(), "nothing has happened yet");
    shrunk_survive();
    test_program(&a);
    test_zeros();
    test_other_error();
    arena_free(&a);
    return done();
}
