// Threads that wait in known ways, until a line is read:
//
//   waits shares    one thread goes through rounds of computing, sleeping, waiting for a lock and
//   for a
//                   socket, and prints how long each took, in milliseconds
//   waits idle N    N threads that wait for ever, in several system calls, and count how often they
//   are
//                   interrupted
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

enum { COMPUTING, SLEEPING, LOCKING, ASKING, KINDS };

static volatile unsigned long sink;
static volatile int is_over;
static int interrupted; // atomic
static int silent[2];   // a pipe that nobody writes to
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, for_ever = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t turn;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) != 0)
        ;
}

// A server that answers each byte after 60 ms.
static void *serve(void *argument)
{
    char c;
    int fd = accept(*(int *)argument, NULL, NULL);
    pthread_setname_np(pthread_self(), "server");
    while (read(fd, &c, 1) == 1) {
        pause_ms(60);
        if (write(fd, &c, 1) != 1)
            break;
    }
    close(fd);
    return NULL;
}

// Holds the lock when the other one wants it.
static void *hold(void *argument)
{
    pthread_setname_np(pthread_self(), "holder");
    for (;;) {
        pthread_barrier_wait(&turn);
        pthread_mutex_lock(&lock);
        pthread_barrier_wait(&turn);
        pause_ms(40);
        pthread_mutex_unlock(&lock);
        if (is_over)
            return argument;
    }
}

NOINLINE static void compute(void)
{
    for (double end = now() + 30; now() < end;) {
        for (int i = 0; i < 20000; i++)
            sink += (unsigned long)i;
    }
    sink++;
}

NOINLINE static void rest(void)
{
    pause_ms(70);
    sink++;
}

NOINLINE static void take_lock(void)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    sink++;
}

NOINLINE static void query(int fd)
{
    char c = 0;
    struct pollfd p = {fd, POLLIN, 0};
    if (write(fd, &c, 1) != 1 || poll(&p, 1, -1) != 1 || read(fd, &c, 1) != 1)
        sink += 2;
    sink++;
}

// libpq's functions, from the library that is there at run time.
static struct {
    void *connection;
    void *(*connect)(const char *info);
    int (*status)(const void *connection);
    void *(*execute)(void *connection, const char *command);
    void (*clear)(void *result);
} database;

static void open_database(const char *info)
{
    void *library = dlopen("libpq.so.5", RTLD_NOW);
    static const char *const name[] = {"PQconnectdb", "PQstatus", "PQexec", "PQclear"};
    void *function[4];
    for (int i = 0; i < 4; i++) {
        function[i] = library ? dlsym(library, name[i]) : NULL;
        if (!function[i])
            exit(3);
    }
    memcpy(&database.connect, function, sizeof(function));
    database.connection = database.connect(info);
    if (database.status(database.connection) != 0)
        exit(4);
}

NOINLINE static void select_slowly(void)
{
    database.clear(database.execute(database.connection, "select pg_sleep(0.06)"));
    sink++;
}

static int listening(struct sockaddr_in *at)
{
    socklen_t n = sizeof(*at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (bind(fd, (struct sockaddr *)at, n) != 0 || listen(fd, 1) != 0 ||
        getsockname(fd, (struct sockaddr *)at, &n) != 0)
        exit(2);
    return fd;
}

static void *rounds(void *argument)
{
    double spent[KINDS] = {0}, start;
    int fd = *(int *)argument;
    pthread_setname_np(pthread_self(), "client");
    while (!is_over) {
        start = now();
        compute();
        spent[COMPUTING] += now() - start;
        start = now();
        rest();
        spent[SLEEPING] += now() - start;
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
        start = now();
        take_lock();
        spent[LOCKING] += now() - start;
        start = now();
        if (database.connection)
            select_slowly();
        else
            query(fd);
        spent[ASKING] += now() - start;
    }
    printf("compute %.0f\nrest %.0f\ntake_lock %.0f\n%s %.0f\n", spent[COMPUTING], spent[SLEEPING],
           spent[LOCKING], database.connection ? "select_slowly" : "query", spent[ASKING]);
    fflush(stdout);
    exit(0); // the holder waits for another turn
}

static void shares(void)
{
    struct sockaddr_in at;
    pthread_t server, holder, client;
    int listener = listening(&at), fd = socket(AF_INET, SOCK_STREAM, 0);
    pthread_barrier_init(&turn, NULL, 2);
    pthread_create(&server, NULL, serve, &listener);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        exit(2);
    printf("peer 127.0.0.1:%d\n", ntohs(at.sin_port));
    fflush(stdout);
    getchar();
    pthread_create(&holder, NULL, hold, NULL);
    pthread_create(&client, NULL, rounds, &fd);
    getchar();
    is_over = 1;
    pthread_join(client, NULL);
}

static void *idle(void *argument)
{
    char c;
    long kind = (long)argument % 5;
    struct timespec hour = {3600, 0};
    struct pollfd p = {silent[0], POLLIN, 0};
    struct epoll_event event;
    int epoll = kind == 4 ? epoll_create1(0) : -1;
    for (;;) {
        errno = 0;
        switch (kind) {
        case 0:
            nanosleep(&hour, NULL);
            break;
        case 1:
            poll(&p, 1, -1);
            break;
        case 2:
            sink += (unsigned long)read(silent[0], &c, 1);
            break;
        case 3:
            pthread_mutex_lock(&for_ever);
            break;
        default:
            epoll_wait(epoll, &event, 1, 3600000);
        }
        if (errno == EINTR)
            __atomic_fetch_add(&interrupted, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void idlers(long n)
{
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    pthread_mutex_lock(&for_ever);
    for (long i = 0; i < n; i++)
        pthread_create(&thread, &small, idle, (void *)i);
    puts("ready");
    fflush(stdout);
    getchar();
    printf("interrupted %d\n", interrupted);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 2 || pipe(silent) != 0)
        return 2;
    if (argc > 2 && strcmp(argv[1], "idle") == 0)
        idlers(atol(argv[2]));
    else if (argc > 2)
        open_database(argv[2]);
    if (strcmp(argv[1], "shares") == 0)
        shares();
    return 0;
}
