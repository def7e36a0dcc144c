// HTTP by libcurl.
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "sonde/fetch.h"

enum {
    DEFAULT_TIMEOUT_S = 60,
    GRACE_S = 5,
    PROGRESS_AFTER_S = 1,
    METHOD_NOT_ALLOWED = 405,
    MOST_QUERY_BYTES = 4000, // of a URL
};

struct transfer {
    struct buf body;
    struct str url;
    const struct str *question; // to be POSTed; NULL: a GET
    long code;                  // HTTP's; 0: no answer
    char status[128];           // "404 Not Found"
    bool is_pprof_error;        // the server says that the body explains the error
    bool is_text;
    i64 seconds; // that the profile takes; 0: none
    struct timespec start;
    time_t shown_s; // when progress was shown last, after the start; 0: not yet
};

static size_t on_body(char *data, size_t size, size_t n, void *transfer)
{
    struct transfer *t = transfer;
    buf_add(&t->body, (struct str){data, size * n});
    return t->body.full ? 0 : size * n;
}

static bool is_header(struct str name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.ptr, wanted, name.len) == 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *transfer)
{
    struct transfer *t = transfer;
    struct str line = {data, size * n};
    if (str_starts(line, STR("HTTP/"))) {
        str_cut(&line, ' ');
        line = str_trim(line);
        snprintf(t->status, sizeof(t->status), "%.*s", STR_ARG(line));
        return size * n;
    }
    struct str name = str_cut(&line, ':');
    t->is_pprof_error |= is_header(name, "X-Go-Pprof");
    t->is_text |= is_header(name, "Content-Type") && str_find(line, STR("text/plain")) >= 0;
    return size * n;
}

// On a terminal, once a second: how much has come, or how long it still takes.
static int on_progress(void *transfer, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up_now)
{
    struct transfer *t = transfer;
    struct timespec at;
    (void)up_total;
    (void)up_now;
    clock_gettime(CLOCK_MONOTONIC, &at);
    time_t passed_s = at.tv_sec - t->start.tv_sec;
    if (passed_s < PROGRESS_AFTER_S || passed_s == t->shown_s)
        return 0;
    t->shown_s = passed_s;
    if (now == 0 && t->seconds)
        fprintf(stderr, "\r%lld of %lld s ", (long long)passed_s, (long long)t->seconds);
    else if (total)
        fprintf(stderr, "\r%.1f of %.1f MB ", (double)now / 0x1p20, (double)total / 0x1p20);
    else if (now)
        fprintf(stderr, "\r%.1f MB ", (double)now / 0x1p20);
    return 0;
}

static bool check(struct transfer *t, CURL *curl, CURLcode code, const char *reason,
                  const struct sourcing *s, struct err *e)
{
    const char *what = t->question ? "http post" : "http fetch";
    if (t->body.full)
        return err_set(e, EFBIG, "%.*s: larger than %llu MiB; -max_size=SIZE allows more",
                       STR_ARG(t->url), (unsigned long long)s->most_bytes >> 20);
    if (code != CURLE_OK)
        return err_set(e, EIO, "%.*s: %s: %s", STR_ARG(t->url), what,
                       *reason ? reason : curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &t->code);
    if (t->code == 200)
        return true;
    struct str text = t->is_pprof_error && t->is_text ? str_trim(buf_str(&t->body)) : STR("");
    return err_set(e, EIO, "%.*s: server response: %s%s%.*s", STR_ARG(t->url), t->status,
                   text.len ? " - " : "", STR_ARG(text));
}

// The url with seconds=N in its query, in place of one that is there.  *seconds: what it then says;
// 0: nothing.
static struct str with_seconds(struct str url, i64 wanted, i64 *seconds, struct arena *a)
{
    struct str query = url, base = str_cut(&query, '?');
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    buf_add(&out, base);
    const char *separator = "?";
    *seconds = wanted > 0 ? wanted : 0;
    while (query.len) {
        struct str part = str_cut(&query, '&');
        bool is_it = str_starts(part, STR("seconds="));
        if (is_it && wanted > 0)
            continue;
        if (is_it && (!str_i64(seconds, str_skip(part, 8)) || *seconds < 0))
            *seconds = 0;
        buf_printf(&out, "%s%.*s", separator, STR_ARG(part));
        separator = "&";
    }
    if (wanted > 0)
        buf_printf(&out, "%sseconds=%lld", separator, (long long)wanted);
    struct str result = arena_str(a, buf_str(&out));
    buf_free(&out);
    return result;
}

static void set_text(CURL *curl, CURLoption option, struct str value, struct arena *a)
{
    if (value.len)
        curl_easy_setopt(curl, option, arena_str(a, value).ptr);
}

static void set_tls(CURL *curl, const struct sourcing *s, bool is_insecure, struct arena *a)
{
    set_text(curl, CURLOPT_SSLCERT, s->tls_cert, a);
    set_text(curl, CURLOPT_SSLKEY, s->tls_key, a);
    set_text(curl, CURLOPT_CAINFO, s->tls_ca, a);
    if (is_insecure) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

// "unix:SOCKET:/path": where to connect to; the URL is then any host's.
static struct str set_socket(CURL *curl, struct str url, struct arena *a)
{
    struct str path = str_skip(url, sizeof("unix:") - 1), socket = str_cut(&path, ':');
    set_text(curl, CURLOPT_UNIX_SOCKET_PATH, socket, a);
    return arena_printf(a, "http://localhost%s%.*s", path.len ? "" : "/", STR_ARG(path));
}

static bool is_on_this_machine(struct str url)
{
    struct str rest = str_skip(url, sizeof("http://") - 1), host = str_cut(&rest, '/');
    struct str name = str_starts(host, STR("[::1]")) ? STR("localhost") : str_cut(&host, ':');
    return str_starts(url, STR("http://")) &&
           (str_equal(name, STR("localhost")) || str_equal(name, STR("127.0.0.1")));
}

// The server's token, where nobody else can read it on its way.  libcurl gives it to no other host
// that it is sent to.
static void set_token(CURL *curl, struct str url)
{
    const char *token = getenv("SONDE_TOKEN");
    if (!token || (!str_starts(url, STR("https://")) && !is_on_this_machine(url)))
        return;
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token);
}

static void set_up(CURL *curl, struct transfer *t, const struct sourcing *s, char *reason,
                   struct arena *a)
{
    const struct str insecure = STR("https+insecure://");
    bool is_insecure = str_starts(t->url, insecure);
    struct str url = is_insecure
                         ? arena_printf(a, "https://%.*s", STR_ARG(str_skip(t->url, insecure.len)))
                     : str_starts(t->url, STR("unix:")) ? set_socket(curl, t->url, a)
                                                        : t->url;
    i64 timeout_s = s->timeout_s > 0 ? s->timeout_s
                    : t->seconds     ? t->seconds + t->seconds / 2
                                     : DEFAULT_TIMEOUT_S;
    curl_easy_setopt(curl, CURLOPT_URL, url.ptr);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)timeout_s + GRACE_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "sonde/" SONDE_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    if (isatty(STDERR_FILENO)) {
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    }
    if (t->question) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->question->len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, t->question->ptr);
    }
    set_tls(curl, s, is_insecure, a);
    set_token(curl, url);
}

// "1m30s", as Go prints a duration.
static void print_wait(i64 seconds)
{
    fputs("Please wait... (", stderr);
    if (seconds >= 3600)
        fprintf(stderr, "%lldh", (long long)seconds / 3600);
    if (seconds >= 60)
        fprintf(stderr, "%lldm", (long long)seconds / 60 % 60);
    fprintf(stderr, "%llds)\n", (long long)seconds % 60);
}

// Fills t->body; the caller frees it.
static bool run(struct transfer *t, const struct sourcing *s, struct arena *a, struct err *e)
{
    char reason[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    buf_init(&t->body, s->most_bytes);
    if (!curl)
        return err_errno(e, ENOMEM, "%.*s", STR_ARG(t->url));
    clock_gettime(CLOCK_MONOTONIC, &t->start);
    set_up(curl, t, s, reason, a);
    bool done = check(t, curl, curl_easy_perform(curl), reason, s, e);
    if (t->shown_s)
        fputs("\r\033[K", stderr);
    curl_easy_cleanup(curl);
    return done;
}

static struct str take_body(struct transfer *t, struct arena *a)
{
    struct str body = arena_str(a, buf_str(&t->body));
    buf_free(&t->body);
    return body;
}

bool download(struct str *body, struct str url, const struct sourcing *s, struct arena *a,
              struct err *e)
{
    struct transfer t = {0};
    t.url = with_seconds(url, s->seconds, &t.seconds, a);
    fprintf(stderr, "Fetching profile over HTTP from %.*s\n", STR_ARG(t.url));
    if (s->seconds > 0)
        print_wait(s->seconds);
    bool done = run(&t, s, a, e);
    *body = take_body(&t, a);
    return done;
}

// The first n bytes of *rest at most, up to a '+', are cut off.
static struct str cut_words(struct str *rest, size_t n)
{
    struct str part = *rest;
    if (part.len > n)
        part.len = n;
    while (part.len < rest->len && part.len && part.ptr[part.len] != '+')
        part.len--;
    *rest = str_skip(*rest, part.len + 1);
    return part;
}

static bool ask_by_get(struct str *answer, struct str url, struct str question,
                       const struct sourcing *s, struct arena *a, struct err *e)
{
    struct buf all;
    bool done = true;
    buf_init(&all, s->most_bytes);
    while (question.len && done) {
        struct transfer t = {0};
        struct str words = cut_words(&question, MOST_QUERY_BYTES);
        t.url = arena_printf(a, "%.*s?%.*s", STR_ARG(url), STR_ARG(words));
        done = run(&t, s, a, e);
        buf_add(&all, buf_str(&t.body));
        buf_free(&t.body);
    }
    *answer = arena_str(a, buf_str(&all));
    buf_free(&all);
    return done;
}

bool download_answer(struct str *answer, struct str url, struct str question,
                     const struct sourcing *s, struct arena *a, struct err *e)
{
    struct transfer t = {.url = url, .question = &question};
    bool done = run(&t, s, a, e);
    *answer = take_body(&t, a);
    return done || (t.code == METHOD_NOT_ALLOWED && ask_by_get(answer, url, question, s, a, e));
}
