// Receives files by GraphQL multipart requests and puts them into a store.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "schema.h"
#include "store_folder.h"

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int fail(int status, const struct err *e)
{
    fprintf(stderr, "upload-server: %s.\n", e->text);
    return status;
}

// A connection takes a descriptor, each of its files another.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// The signals that stop the server.  All threads block them, so that main can wait for them.
static sigset_t block_signals(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    return stop;
}

// Until no request is under way, the time is over, or a second signal says that there is no time.
static void wait_for_requests(const struct http_server *server, const sigset_t *stop,
                              uint64_t grace_s)
{
    static const struct timespec pause = {.tv_nsec = 10000000};
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (http_is_idle(server) || sigtimedwait(stop, NULL, &pause) > 0)
            return;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((uint64_t)(now.tv_sec - start.tv_sec) < grace_s);
}

static int serve(const struct service *service, const sigset_t *stop)
{
    struct http_server *server;
    struct err e;
    int signal_number;
    if (!http_start(&server, service, STDOUT_FILENO, &e))
        return fail(EXIT_FAILED, &e);
    fprintf(stderr, "listening at http://%s\n", http_address(server));
    sigwait(stop, &signal_number);
    http_quiesce(server);
    wait_for_requests(server, stop, service->options->grace_s);
    http_stop(server);
    return EXIT_STOPPED;
}

int main(int argc, char **argv)
{
    struct options options;
    struct metrics metrics = {0};
    struct service service = {.options = &options, .metrics = &metrics, .schema = &schema_uploads};
    struct err e;
    if (!options_parse(&options, argc, argv, &e))
        return fail(EXIT_USAGE, &e);
    if (options.help) {
        options_print_help(stdout);
        return EXIT_STOPPED;
    }
    sigset_t stop = block_signals();
    raise_descriptor_limit();
    if (!store_folder_open(&service.store, options.store, &e))
        return fail(EXIT_FAILED, &e);
    int status = serve(&service, &stop);
    service.store->call->close(service.store);
    return status;
}
