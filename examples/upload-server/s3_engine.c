#include "s3_engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum {
    FIRST_DELAY_MS = 100, // doubles with each try
    MOST_DELAY_MS = 5000,
    MOST_ASKED_DELAY_S = 20, // that a server can ask for by Retry-After
    IDLE_MS = 1000
};

struct s3_engine {
    const struct s3_options *options;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t mutex;           // of what follows
    struct s3_call *waiting, **tail; // oldest first
    bool is_stopped, is_closing;
    struct s3_call *active; // from here on the thread's own
    unsigned nactive;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void enqueue(struct s3_engine *s, struct s3_call *c)
{
    c->next = NULL;
    pthread_mutex_lock(&s->mutex);
    *s->tail = c;
    s->tail = &c->next;
    pthread_mutex_unlock(&s->mutex);
}

// A random part of a time that doubles, so that clients that failed together do not come back
// together: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
int64_t s3_delay_ms(const struct s3_answer *a)
{
    uint32_t random = 0;
    char asked[16];
    uint64_t seconds;
    int64_t most = (int64_t)FIRST_DELAY_MS << a->tries;
    if (s3_header(a, "Retry-After", asked, sizeof(asked)) && str_u64(&seconds, str_of(asked)))
        return (int64_t)(seconds < MOST_ASKED_DELAY_S ? seconds : MOST_ASKED_DELAY_S) * 1000;
    if (getrandom(&random, sizeof(random), 0) < 0)
        return most;
    return 1 + random % (most < MOST_DELAY_MS ? most : MOST_DELAY_MS);
}

static void finish(struct s3_engine *s, struct s3_call *c)
{
    struct metrics *m = s->options->metrics;
    atomic_fetch_add(&m->s3_requests, 1);
    atomic_fetch_add(&m->s3_failures, !s3_is_good(&c->answer));
    c->done(c->context, c);
}

static bool is_unwanted(const struct s3_call *c, bool is_stopped)
{
    return atomic_load(&c->is_cancelled) || (is_stopped && !c->request.is_cleanup);
}

static void drop(struct s3_engine *s, struct s3_call *c)
{
    c->answer.status = 0;
    err_set(&c->answer.error, "a request to S3 was broken off");
    finish(s, c);
}

static void settle(struct s3_engine *s, struct s3_call *c, CURLcode result)
{
    CURL *easy = c->easy;
    bool may_help = s3_transfer_end(c, s->options, result);
    curl_easy_cleanup(easy);
    pthread_mutex_lock(&s->mutex);
    unsigned most = s->is_stopped ? S3_TRIES_WHEN_STOPPED : S3_MOST_TRIES;
    pthread_mutex_unlock(&s->mutex);
    if (!may_help || c->answer.tries >= most) {
        finish(s, c);
        return;
    }
    atomic_fetch_add(&s->options->metrics->s3_retries, 1);
    c->due_ms = now_ms() + s3_delay_ms(&c->answer);
    enqueue(s, c);
}

static void leave(struct s3_engine *s, struct s3_call *c)
{
    struct s3_call **at = &s->active;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    s->nactive--;
    curl_multi_remove_handle(s->multi, c->easy);
}

static void begin(struct s3_engine *s, struct s3_call *c)
{
    CURL *easy = curl_easy_init();
    if (!easy || !s3_transfer_begin(c, s->options, easy)) {
        curl_easy_cleanup(easy);
        curl_slist_free_all(c->header);
        finish(s, c);
        return;
    }
    c->next = s->active;
    s->active = c;
    s->nactive++;
    curl_multi_add_handle(s->multi, c->easy);
}

// Takes what is due, or not wanted any more, out of the queue.  Returns the time until more is due.
static int64_t take_due(struct s3_engine *s, struct s3_call **due)
{
    int64_t now = now_ms(), left = IDLE_MS;
    unsigned room = S3_MOST_ACTIVE - s->nactive;
    pthread_mutex_lock(&s->mutex);
    for (struct s3_call **at = &s->waiting; *at;) {
        struct s3_call *c = *at;
        bool is_unwanted_now = is_unwanted(c, s->is_stopped);
        if (!is_unwanted_now && (c->due_ms > now || room == 0)) {
            left = c->due_ms > now && c->due_ms - now < left ? c->due_ms - now : left;
            at = &c->next;
            continue;
        }
        room -= !is_unwanted_now;
        *at = c->next;
        c->next = NULL;
        *due = c;
        due = &c->next;
    }
    s->tail = &s->waiting;
    while (*s->tail)
        s->tail = &(*s->tail)->next;
    pthread_mutex_unlock(&s->mutex);
    return left;
}

static int64_t start_due(struct s3_engine *s, bool is_stopped)
{
    struct s3_call *due = NULL;
    int64_t left = take_due(s, &due);
    while (due) {
        struct s3_call *c = due;
        due = c->next;
        if (is_unwanted(c, is_stopped))
            drop(s, c);
        else
            begin(s, c);
    }
    return left;
}

static void drop_unwanted(struct s3_engine *s, bool is_stopped)
{
    for (struct s3_call *c = s->active, *next; c; c = next) {
        next = c->next;
        if (!is_unwanted(c, is_stopped))
            continue;
        leave(s, c);
        CURL *easy = c->easy;
        s3_transfer_end(c, s->options, CURLE_ABORTED_BY_CALLBACK);
        curl_easy_cleanup(easy);
        drop(s, c);
    }
}

static void collect(struct s3_engine *s)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(s->multi, &left));) {
        struct s3_call *c = NULL;
        CURLcode result = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        leave(s, c);
        settle(s, c, result);
    }
}

static void *run(void *context)
{
    struct s3_engine *s = context;
    for (;;) {
        pthread_mutex_lock(&s->mutex);
        bool is_stopped = s->is_stopped, is_over = s->is_closing && !s->waiting && !s->active;
        pthread_mutex_unlock(&s->mutex);
        if (is_over)
            return NULL;
        int running;
        drop_unwanted(s, is_stopped);
        int64_t left = start_due(s, is_stopped);
        curl_multi_perform(s->multi, &running);
        collect(s);
        curl_multi_poll(s->multi, NULL, 0, (int)left, NULL);
    }
}

struct s3_engine *s3_engine_open(const struct s3_options *o)
{
    struct s3_engine *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->options = o;
    s->tail = &s->waiting;
    s->multi = curl_multi_init();
    pthread_mutex_init(&s->mutex, NULL);
    if (!s->multi || pthread_create(&s->thread, NULL, run, s) != 0) {
        curl_multi_cleanup(s->multi);
        free(s);
        return NULL;
    }
    curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)S3_MOST_ACTIVE);
    return s;
}

static void set(struct s3_engine *s, bool *flag)
{
    pthread_mutex_lock(&s->mutex);
    *flag = true;
    pthread_mutex_unlock(&s->mutex);
    curl_multi_wakeup(s->multi);
}

void s3_engine_stop(struct s3_engine *s)
{
    set(s, &s->is_stopped);
}

void s3_engine_close(struct s3_engine *s)
{
    set(s, &s->is_closing);
    pthread_join(s->thread, NULL);
    curl_multi_cleanup(s->multi);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

void s3_engine_start(struct s3_engine *s, struct s3_call *c)
{
    c->engine = s;
    enqueue(s, c);
    curl_multi_wakeup(s->multi);
}

void s3_engine_cancel(struct s3_call *c)
{
    atomic_store(&c->is_cancelled, true);
    curl_multi_wakeup(c->engine->multi);
}
