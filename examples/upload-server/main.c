// Receives files by GraphQL multipart requests and puts them into a store.
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "debug.h"
#include "http.h"
#include "pages.h"
#include "schema.h"
#include "store_folder.h"
#include "store_s3.h"

enum { LARGE_BYTES = 128 << 10, HEAPS = 2 };
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

// Large blocks, as the parts of files are, go back to the kernel when they are freed, and threads
// share their heaps.
static void keep_memory_small(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_ARENA_MAX, HEAPS);
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
    if (*service->options->debug && !debug_serve(service->options->debug, &e))
        return fail(EXIT_FAILED, &e);
    if (!http_start(&server, service, STDOUT_FILENO, &e))
        return fail(EXIT_FAILED, &e);
    fprintf(stderr, "listening at http://%s\n", http_address(server));
    pages_return();
    sigwait(stop, &signal_number);
    http_quiesce(server);
    wait_for_requests(server, stop, service->options->grace_s);
    service->store->call->stop(service->store);
    http_stop(server);
    return EXIT_STOPPED;
}

static bool open_store(struct store **out, const struct options *o, struct metrics *metrics,
                       struct err *e)
{
    struct store_s3_options s3 = {.s3 = {.endpoint = o->s3_endpoint,
                                         .bucket = o->s3_bucket,
                                         .region = o->s3_region,
                                         .is_virtual_host = o->s3_style == OPTIONS_STYLE_HOST,
                                         .timeout_s = o->s3_timeout_s,
                                         .metrics = metrics},
                                  .prefix = o->s3_prefix,
                                  .part_bytes = o->part_size,
                                  .file_bytes = o->file_memory,
                                  .budget_bytes = o->buffer_memory};
    if (!*o->s3_endpoint)
        return store_folder_open(out, o->store, e);
    return s3_credentials_load(&s3.s3.credentials, o->s3_credentials, e) &&
           store_s3_open(out, &s3, e);
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
    keep_memory_small();
    if (!open_store(&service.store, &options, &metrics, &e))
        return fail(EXIT_FAILED, &e);
    int status = serve(&service, &stop);
    service.store->call->close(service.store);
    return status;
}
