// A program that does what profilers by signals stumble over, for so many seconds: "turmoil
// SECONDS".  Prints how many of its expectations were broken.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static volatile unsigned long sink;
static volatile int is_over;
static __thread volatile sig_atomic_t handled;
static int broken; // atomic
static const char *program, *plugin;

static void expect(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s (%s)\n", what, strerror(errno));
    __atomic_fetch_add(&broken, 1, __ATOMIC_RELAXED);
}

static void spin(long n)
{
    for (long i = 0; i < n; i++)
        sink += (unsigned long)i;
}

static void *brief(void *argument)
{
    spin(20000);
    return argument;
}

// Threads that live for some microseconds.
static void *come_and_go(void *argument)
{
    while (!is_over) {
        pthread_t t[4];
        int value[4];
        for (int i = 0; i < 4; i++)
            expect(pthread_create(&t[i], NULL, brief, &value[i]) == 0, "a thread");
        for (int i = 0; i < 4; i++) {
            void *result;
            expect(pthread_join(t[i], &result) == 0 && result == &value[i], "its result");
        }
    }
    return argument;
}

static int ended_well(pid_t pid)
{
    int status;
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    return got == pid && status == 0;
}

// Children that go on as copies, and those that become another program.
static void *have_children(void *argument)
{
    char *const words[] = {(char *)program, "child", NULL};
    while (!is_over) {
        pid_t pid = fork();
        if (pid == 0) {
            spin(100000);
            _exit(0);
        }
        expect(ended_well(pid), "a forked child");
        pid = fork();
        if (pid == 0) {
            execve(program, words, environ);
            _exit(1);
        }
        expect(ended_well(pid), "a child that calls exec");
        expect(posix_spawn(&pid, program, NULL, NULL, words, environ) == 0 && ended_well(pid),
               "posix_spawn()");
    }
    return argument;
}

static void *load_and_unload(void *argument)
{
    while (!is_over) {
        void *library = dlopen(plugin, RTLD_NOW);
        void *(*allocate)(size_t);
        void *function = library ? dlsym(library, "plugin_allocate") : NULL;
        expect(function != NULL, "dlopen()");
        if (!function)
            break;
        memcpy(&allocate, &function, sizeof(allocate));
        free(allocate(100));
        spin(20000);
        dlclose(library);
    }
    return argument;
}

static void on_signal(int signal)
{
    (void)signal;
    handled++;
}

// Each signal that can be handled reaches its handler, whoever else uses it.
static void *use_signals(void *argument)
{
    while (!is_over) {
        for (int signal = 1; signal <= SIGRTMAX; signal++) {
            struct sigaction action = {.sa_handler = on_signal}, old, now;
            if (signal == SIGKILL || signal == SIGSTOP || signal == SIGCHLD || signal == SIGALRM ||
                (signal >= 32 && signal < SIGRTMIN))
                continue;
            int before = handled;
            expect(sigaction(signal, &action, &old) == 0, "sigaction()");
            expect(sigaction(signal, NULL, &now) == 0 && now.sa_handler == on_signal, "its result");
            raise(signal);
            expect(handled > before, "a signal reaches its handler");
            expect(sigaction(signal, &old, NULL) == 0, "sigaction() back");
        }
    }
    return argument;
}

// A mask is what it was set to; what is waited for is nothing of others'.
static void *block_signals(void *argument)
{
    sigset_t all, now;
    const struct timespec little = {.tv_nsec = 1000000};
    sigfillset(&all);
    expect(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0, "pthread_sigmask()");
    while (!is_over) {
        expect(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0, "pthread_sigmask()");
        for (int signal = 1; signal <= SIGRTMAX; signal++) {
            if (signal != SIGKILL && signal != SIGSTOP && (signal < 32 || signal >= SIGRTMIN))
                expect(sigismember(&now, signal) == 1, "a signal is blocked");
        }
        siginfo_t info;
        spin(20000);
        expect(sigtimedwait(&all, &info, &little) < 0 || info.si_code != SI_TIMER,
               "no signal is of a timer");
    }
    return argument;
}

static void *interrupt(void *argument)
{
    const struct timespec little = {.tv_nsec = 1000000};
    while (!is_over) {
        kill(getpid(), SIGALRM);
        nanosleep(&little, NULL);
    }
    return argument;
}

int main(int argc, char **argv)
{
    static void *(*const role[])(void *) = {come_and_go,   have_children, load_and_unload,
                                            block_signals, interrupt,     use_signals};
    pthread_t thread[6];
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        spin(100000);
        return 0;
    }
    program = argv[0];
    plugin = argc > 2 ? argv[2] : "";
    signal(SIGALRM, on_signal);
    for (int i = 0; i < 6; i++)
        pthread_create(&thread[i], NULL, role[i], NULL);
    time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);
    while (time(NULL) < end)
        spin(1000000);
    is_over = 1;
    for (int i = 0; i < 6; i++)
        pthread_join(thread[i], NULL);
    printf("%d broken\n", broken);
    return 0;
}
