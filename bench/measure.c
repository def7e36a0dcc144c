// "measure RUNS COMMAND...": runs a command so often, its output to nowhere; prints the least wall
// time in milliseconds and the most memory in KiB.  Fails when the command does.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static pid_t start(char **command)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execvp(command[0], command);
    _exit(127);
}

int main(int argc, char **argv)
{
    double least_ms = 0;
    long most_kib = 0;
    if (argc < 3)
        return 2;
    for (long i = strtol(argv[1], NULL, 10); i > 0; i--) {
        int status;
        struct rusage usage;
        double start_ms = now_ms();
        pid_t pid = start(argv + 2);
        if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0) {
            fprintf(stderr, "measure: %s failed\n", argv[2]);
            return 1;
        }
        double ms = now_ms() - start_ms;
        least_ms = least_ms == 0 || ms < least_ms ? ms : least_ms;
        most_kib = usage.ru_maxrss > most_kib ? usage.ru_maxrss : most_kib;
    }
    printf("%.2f %ld\n", least_ms, most_kib);
    return 0;
}
