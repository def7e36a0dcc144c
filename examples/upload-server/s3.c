#include "s3.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "s3_engine.h"

enum { ENGINES = 2, MOST_KEPT = 32 };

struct s3 {
    struct s3_options options;
    struct s3_engine *engine[ENGINES]; // so that no single thread sends all the bytes
    atomic_uint next;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t stopped;
    bool is_stopped;
    CURL *kept[MOST_KEPT]; // handles with their connections, for s3_ask()
    unsigned nkept;
};

static bool open_engines(struct s3 *s)
{
    for (size_t i = 0; i < ENGINES; i++)
        if (!(s->engine[i] = s3_engine_open(&s->options)))
            return false;
    return true;
}

bool s3_open(struct s3 **out, const struct s3_options *o, struct err *e)
{
    pthread_condattr_t monotonic;
    struct s3 *s = calloc(1, sizeof(*s));
    if (!s || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(s);
        return err_set(e, "cannot start libcurl");
    }
    s->options = *o;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!open_engines(s)) {
        s3_close(s);
        return err_set(e, "cannot start a thread for S3");
    }
    *out = s;
    return true;
}

void s3_stop(struct s3 *s)
{
    pthread_mutex_lock(&s->mutex);
    s->is_stopped = true;
    pthread_cond_broadcast(&s->stopped);
    pthread_mutex_unlock(&s->mutex);
    for (size_t i = 0; i < ENGINES; i++)
        s3_engine_stop(s->engine[i]);
}

void s3_close(struct s3 *s)
{
    for (size_t i = 0; i < ENGINES; i++)
        if (s->engine[i])
            s3_engine_close(s->engine[i]);
    for (unsigned i = 0; i < s->nkept; i++)
        curl_easy_cleanup(s->kept[i]);
    pthread_cond_destroy(&s->stopped);
    pthread_mutex_destroy(&s->mutex);
    curl_global_cleanup();
    free(s);
}

static struct s3_call *make(const struct s3_request *r)
{
    struct s3_call *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->request = *r;
    text_init(&c->answer.header, S3_MOST_ANSWER);
    text_init(&c->answer.body, S3_MOST_ANSWER);
    return c;
}

struct s3_call *s3_start(struct s3 *s, const struct s3_request *r,
                         void (*done)(void *context, struct s3_call *c), void *context)
{
    struct s3_call *c = make(r);
    if (!c)
        return NULL;
    c->done = done;
    c->context = context;
    s3_engine_start(s->engine[atomic_fetch_add(&s->next, 1) % ENGINES], c);
    return c;
}

void s3_cancel(struct s3_call *c)
{
    s3_engine_cancel(c);
}

static CURL *take_kept(struct s3 *s)
{
    pthread_mutex_lock(&s->mutex);
    CURL *easy = s->nkept ? s->kept[--s->nkept] : NULL;
    pthread_mutex_unlock(&s->mutex);
    return easy ? easy : curl_easy_init();
}

static void keep(struct s3 *s, CURL *easy)
{
    pthread_mutex_lock(&s->mutex);
    bool has_room = s->nkept < MOST_KEPT;
    if (has_room)
        s->kept[s->nkept++] = easy;
    pthread_mutex_unlock(&s->mutex);
    if (!has_room)
        curl_easy_cleanup(easy);
}

static bool is_stopped(struct s3 *s)
{
    pthread_mutex_lock(&s->mutex);
    bool stopped = s->is_stopped;
    pthread_mutex_unlock(&s->mutex);
    return stopped;
}

// libcurl calls it some times a second.
static int on_progress(void *context, curl_off_t down, curl_off_t downed, curl_off_t up,
                       curl_off_t upped)
{
    (void)down, (void)downed, (void)up, (void)upped;
    return is_stopped(context);
}

// False: the server stops.
static bool wait_ms(struct s3 *s, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000 + (until.tv_nsec + ms % 1000 * 1000000) / 1000000000;
    until.tv_nsec = (until.tv_nsec + ms % 1000 * 1000000) % 1000000000;
    pthread_mutex_lock(&s->mutex);
    while (!s->is_stopped && pthread_cond_timedwait(&s->stopped, &s->mutex, &until) == 0)
        ;
    bool goes_on = !s->is_stopped;
    pthread_mutex_unlock(&s->mutex);
    return goes_on;
}

// One try; returns whether another one may help.
static bool try_once(struct s3 *s, struct s3_call *c, CURL *easy)
{
    if (!s3_transfer_begin(c, &s->options, easy)) {
        curl_slist_free_all(c->header);
        return false;
    }
    if (!c->request.is_cleanup) {
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, s);
    }
    return s3_transfer_end(c, &s->options, curl_easy_perform(easy));
}

static void try_all(struct s3 *s, struct s3_call *c, CURL *easy)
{
    struct metrics *m = s->options.metrics;
    while (try_once(s, c, easy)) {
        bool stopped = is_stopped(s), is_wanted = !stopped || c->request.is_cleanup;
        if (!is_wanted || c->answer.tries >= (stopped ? S3_TRIES_WHEN_STOPPED : S3_MOST_TRIES))
            break;
        wait_ms(s, s3_delay_ms(&c->answer));
        atomic_fetch_add(&m->s3_retries, 1);
    }
    atomic_fetch_add(&m->s3_requests, 1);
    atomic_fetch_add(&m->s3_failures, !s3_is_good(&c->answer));
}

struct s3_call *s3_ask(struct s3 *s, const struct s3_request *r, struct err *e)
{
    struct s3_call *c = make(r);
    CURL *easy = c ? take_kept(s) : NULL;
    if (!easy) {
        free(c);
        err_set(e, "there is no memory for a request to S3");
        return NULL;
    }
    if (!r->is_cleanup && is_stopped(s))
        err_set(&c->answer.error, "a request to S3 was broken off");
    else
        try_all(s, c, easy);
    keep(s, easy);
    if (!s3_is_good(&c->answer))
        *e = c->answer.error;
    return c;
}

const struct s3_answer *s3_answer_of(const struct s3_call *c)
{
    return &c->answer;
}

const struct s3_request *s3_request_of(const struct s3_call *c)
{
    return &c->request;
}

void s3_free(struct s3_call *c)
{
    text_free(&c->answer.header);
    text_free(&c->answer.body);
    free(c);
}

bool s3_add_header(struct s3_request *r, const char *format, ...)
{
    for (size_t i = 0; i < S3_MOST_HEADERS; i++) {
        if (r->header[i][0])
            continue;
        va_list args;
        va_start(args, format);
        int n = vsnprintf(r->header[i], S3_HEADER_TEXT, format, args);
        va_end(args);
        return n >= 0 && n < S3_HEADER_TEXT;
    }
    return false;
}
