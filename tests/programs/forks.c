// "forks MODE": what the record of a parent must survive.  The parent holds 8 MiB from
// parent_holds, the child 16 MiB from child_holds; the one that is named dies by SIGKILL, the other
// ends as it should.
#define _GNU_SOURCE
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

NOINLINE static void *parent_holds(void)
{
    void *p = malloc(8 << 20);
    __asm__ volatile("" : "+r"(p));
    return p;
}

NOINLINE static void *child_holds(void)
{
    void *p = malloc(16 << 20);
    __asm__ volatile("" : "+r"(p));
    return p;
}

static void wait_for(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    void *inherited = parent_holds();
    if (strcmp(mode, "exec") == 0) {
        execl("/proc/self/exe", argv[0], "die", NULL);
    } else if (strcmp(mode, "exec-bare") == 0) {
        char *const nothing[] = {NULL};
        execle("/bin/sleep", "sleep", "1", NULL, nothing);
    } else if (strcmp(mode, "vfork") == 0) {
        pid_t pid = vfork();
        if (pid == 0) {
            execl("/no/such/program", "x", NULL);
            _exit(1);
        }
        wait_for(pid);
        extern char **environ;
        char *const arguments[] = {"true", NULL};
        if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) == 0)
            wait_for(pid);
    } else {
        // A fork that the C library does not know of, in the second case.
        pid_t pid = strcmp(mode, "bare-child") == 0 ? (pid_t)syscall(SYS_fork) : fork();
        if (pid == 0) {
            free(inherited);
            child_holds();
            if (strstr(mode, "child"))
                kill(getpid(), SIGKILL);
            _exit(0);
        }
        wait_for(pid);
        if (strstr(mode, "child"))
            return 0;
    }
    kill(getpid(), SIGKILL);
}
