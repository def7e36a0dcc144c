#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "s3_call.h"
#include "xml.h"

enum { CONNECT_S = 10, CLEANUP_S = 5, CONTINUE_MS = 1, SMALL_BYTES = 1 << 20, MESSAGE_TEXT = 256 };

static size_t on_header(char *line, size_t size, size_t n, void *context)
{
    struct s3_call *c = context;
    if (n * size > 5 && memcmp(line, "HTTP/", 5) == 0)
        c->answer.header.len = 0; // those of "100 Continue" are not the answer's
    text_add(&c->answer.header, line, n * size);
    return n * size;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
    struct s3_call *c = context;
    text_add(&c->answer.body, bytes, n * size);
    return n * size;
}

static size_t read_body(char *out, size_t size, size_t n, void *context)
{
    struct s3_call *c = context;
    size_t done = c->request.part ? part_read(c->request.part, c->sent, out, n * size) : 0;
    c->sent += done;
    return done;
}

static int seek_body(void *context, curl_off_t offset, int origin)
{
    struct s3_call *c = context;
    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    c->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

// For every upload libcurl 7.88 waits for "100 Continue", and it cannot both be told not to and
// sign. The answer behind that one may come 40 ms late (Nagle's algorithm there, delayed ACKs
// here), so what is small goes as another method's body, for which it does not wait.
static void set_part(struct s3_call *c)
{
    curl_off_t n = c->request.part ? (curl_off_t)part_bytes(c->request.part) : 0;
    if (n < SMALL_BYTES) {
        curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, "PUT");
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, n);
    } else {
        curl_easy_setopt(c->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, n);
        curl_easy_setopt(c->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)CONTINUE_MS);
    }
    curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, seek_body);
    curl_easy_setopt(c->easy, CURLOPT_SEEKDATA, c);
}

static void set_body(struct s3_call *c)
{
    const struct s3_request *r = &c->request;
    if (strcmp(r->method, "PUT") == 0) {
        set_part(c);
    } else if (strcmp(r->method, "POST") == 0) {
        const char *body = r->body ? r->body : "";
        curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body);
    } else if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

static bool add_line(struct s3_call *c, const char *line)
{
    struct curl_slist *more = curl_slist_append(c->header, line);
    if (more)
        c->header = more;
    return more;
}

// libcurl 7.88 signs by these headers; it does not add the hash on its own.
static bool set_headers(struct s3_call *c, const struct s3_options *o)
{
    char token[S3_TOKEN_TEXT + 32];
    char sha256[PART_SHA256_TEXT + 32];
    snprintf(sha256, sizeof(sha256), "x-amz-content-sha256: %s",
             c->request.sha256[0] ? c->request.sha256 : "UNSIGNED-PAYLOAD");
    bool fits = add_line(c, sha256);
    for (size_t i = 0; i < S3_MOST_HEADERS && c->request.header[i][0] && fits; i++)
        fits = add_line(c, c->request.header[i]);
    snprintf(token, sizeof(token), "x-amz-security-token: %s", o->credentials.token);
    if (o->credentials.token[0] && fits)
        fits = add_line(c, token);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->header);
    return fits;
}

static void set_signature(struct s3_call *c, const struct s3_options *o)
{
    char provider[128];
    snprintf(provider, sizeof(provider), "aws:amz:%s:s3", o->region);
    curl_easy_setopt(c->easy, CURLOPT_AWS_SIGV4, provider);
    curl_easy_setopt(c->easy, CURLOPT_USERNAME, o->credentials.key_id);
    curl_easy_setopt(c->easy, CURLOPT_PASSWORD, o->credentials.secret);
}

static void set_limits(struct s3_call *c, const struct s3_options *o)
{
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, (long)o->timeout_s);
    curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, c->request.is_fresh ? 1L : 0L);
    if (c->request.is_cleanup)
        curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, (long)CLEANUP_S);
}

bool s3_transfer_begin(struct s3_call *c, const struct s3_options *o, CURL *easy)
{
    const struct s3_request *r = &c->request;
    if (!c->url[0] && !s3_url(c->url, o->endpoint, o->bucket, o->is_virtual_host, r->key, r->query,
                              &c->answer.error))
        return false;
    c->easy = easy;
    curl_easy_reset(easy); // keeps its connections
    c->sent = 0;
    c->trouble[0] = c->answer.code[0] = 0;
    c->answer.header.len = c->answer.body.len = 0;
    c->answer.tries++;
    curl_easy_setopt(c->easy, CURLOPT_URL, c->url);
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->trouble);
    curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    set_limits(c, o);
    set_signature(c, o);
    set_body(c);
    return set_headers(c, o) || err_set(&c->answer.error, "there is no memory for a request to S3");
}

static const char *times(unsigned n, char out[32])
{
    out[0] = 0;
    if (n > 1)
        snprintf(out, 32, ", tried %u times", n);
    return out;
}

static bool fail_transport(struct s3_call *c, const struct s3_options *o, CURLcode result)
{
    char text[32];
    return err_set(&c->answer.error, "S3 at %s does not answer: %s%s", o->endpoint,
                   c->trouble[0] ? c->trouble : curl_easy_strerror(result),
                   times(c->answer.tries, text));
}

// "S3 says NoSuchBucket: The specified bucket does not exist (status 404, ...)".
static bool fail_status(struct s3_call *c)
{
    struct s3_answer *a = &c->answer;
    struct str xml = text_str(&a->body);
    char message[MESSAGE_TEXT], id[64] = "", text[32];
    xml_text(xml, "Message", message, sizeof(message));
    s3_header(a, "x-amz-request-id", id, sizeof(id));
    if (a->code[0])
        err_set(&a->error, "S3 says %s%s%s (status %u%s%s%s)", a->code, *message ? ": " : "",
                message, a->status, *id ? ", request " : "", id, times(a->tries, text));
    else
        err_set(&a->error, "S3 answers with status %u%s%s%s", a->status, *id ? ", request " : "",
                id, times(a->tries, text));
    return false;
}

static bool may_help(const struct s3_answer *a)
{
    static const char *const passing[] = {"RequestTimeout", "SlowDown", "InternalError",
                                          "ServiceUnavailable", "OperationAborted"};
    for (size_t i = 0; i < ARRAY_LEN(passing); i++)
        if (strcmp(a->code, passing[i]) == 0)
            return true;
    return a->status >= 500 || a->status == 429 || a->status == 408;
}

bool s3_transfer_end(struct s3_call *c, const struct s3_options *o, CURLcode result)
{
    struct s3_answer *a = &c->answer;
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(c->header);
    c->easy = NULL;
    c->header = NULL;
    a->status = result == CURLE_OK ? (unsigned)status : 0;
    a->error.text[0] = 0;
    if (a->status == 0) {
        fail_transport(c, o, result);
        return result != CURLE_URL_MALFORMAT && result != CURLE_UNSUPPORTED_PROTOCOL;
    }
    struct str xml = text_str(&a->body), inner = xml_next(&xml, "Error");
    if (inner.ptr && (c->request.may_fail_late || a->status >= 300))
        xml_text(inner, "Code", a->code, sizeof(a->code));
    if (s3_is_good(a))
        return false;
    fail_status(c);
    return may_help(a);
}

bool s3_is_good(const struct s3_answer *a)
{
    return a->status >= 200 && a->status < 300 && !a->code[0];
}

bool s3_header(const struct s3_answer *a, const char *name, char *out, size_t cap)
{
    struct str rest = text_str(&a->header), wanted = str_of(name);
    while (rest.len) {
        struct str line = str_cut(&rest, '\n'), key = str_cut(&line, ':');
        if (!str_equal_nocase(key, wanted))
            continue;
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        line = str_trim(line);
        if (line.len >= cap)
            return false;
        memcpy(out, line.ptr, line.len);
        out[line.len] = 0;
        return true;
    }
    return false;
}
