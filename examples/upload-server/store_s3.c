#include "store_s3.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_object.h"
#include "s3_url.h"
#include "xml.h"

enum { UPLOAD_ID_TEXT = 1024, QUERY_TEXT = 4096, ETAG_TEXT = 80 };

struct store_s3 {
    struct store store;
    struct store_s3_options options;
    struct s3 *s3;
    struct budget *budget;
};

// The part that a call sends; in the put's list until the call has ended.
struct sending {
    struct store_put *put;
    struct s3_call *call;
    struct part *part;
    uint32_t number;
    char query[QUERY_TEXT];
    struct sending *next;
};

struct store_put {
    struct store_s3 *store;
    struct store_file file;
    char key[S3_KEY_TEXT];
    char upload_id[UPLOAD_ID_TEXT]; // escaped; empty: there is no multipart upload
    struct part *filling;           // NULL: no byte has come since the last part was sent
    bool is_object;                 // the object is there
    bool may_be_twice;              // uploads were begun of which no answer told
    pthread_mutex_t mutex;          // of what follows
    pthread_cond_t is_sent;
    struct sending *sending;
    uint32_t nsending;
    uint64_t sending_bytes; // of memory
    uint32_t npart;
    char (*etag)[ETAG_TEXT]; // by the part's number - 1
    struct err error;        // of the first part that could not be sent; empty: none
};

static bool fail(struct err *e, const struct store_put *p, const struct err *why)
{
    return err_set(e, "cannot store %s: %.400s", p->file.name, why->text);
}

static struct s3_request request_of(const struct store_put *p, const char *method,
                                    const char *query)
{
    return (struct s3_request){.method = method, .key = p->key, .query = query};
}

static bool s3_begin(struct store *s, struct store_put **out, const char *name,
                     const char *content_type, struct err *e)
{
    struct store_s3 *store = (struct store_s3 *)s;
    struct store_put *p = calloc(1, sizeof(*p));
    if (!p || !ulid_make(p->file.id)) {
        free(p);
        return err_set(e, "cannot store %s: there is no memory", name);
    }
    p->store = store;
    p->file.name = name;
    p->file.content_type = content_type;
    snprintf(p->key, sizeof(p->key), "%s%s", store->options.prefix, p->file.id);
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->is_sent, NULL);
    *out = p;
    return true;
}

static void free_put(struct store_put *p)
{
    if (p->filling)
        part_close(p->filling);
    pthread_cond_destroy(&p->is_sent);
    pthread_mutex_destroy(&p->mutex);
    free(p->etag);
    free(p);
}

// CreateMultipartUpload
static bool create(struct store_put *p, struct err *e)
{
    struct s3_request r = request_of(p, "POST", "uploads=");
    r.is_fresh = true;
    char id[UPLOAD_ID_TEXT / 3];
    if (!s3_object_describe(&r, &p->file, e))
        return false;
    struct s3_call *c = s3_ask(p->store->s3, &r, e);
    bool is_good = c && s3_is_good(s3_answer_of(c));
    p->may_be_twice = c && (s3_answer_of(c)->tries > 1 || !is_good);
    if (is_good && !(xml_text(text_str(&s3_answer_of(c)->body), "UploadId", id, sizeof(id)) &&
                     id[0] && s3_escape(p->upload_id, sizeof(p->upload_id), id, false)))
        is_good = err_set(e, "S3 does not say the id of an upload that it began");
    if (c)
        s3_free(c);
    return is_good;
}

static void note_etag(struct store_put *p, const struct sending *s)
{
    const struct s3_answer *a = s3_answer_of(s->call);
    if (!s3_is_good(a)) {
        if (!p->error.text[0])
            p->error = a->error;
    } else if (!s3_header(a, "ETag", p->etag[s->number - 1], ETAG_TEXT)) {
        err_set(&p->error, "S3 does not say the ETag of a part");
    }
}

// A part was sent, or could not be.  On S3's thread, so that its memory is free for others even
// while this file's client is slow.
static void on_part(void *context, struct s3_call *c)
{
    struct sending *s = context, **at;
    struct store_put *p = s->put;
    pthread_mutex_lock(&p->mutex);
    note_etag(p, s);
    p->sending_bytes -= part_held_bytes(s->part);
    part_close(s->part);
    for (at = &p->sending; *at != s; at = &(*at)->next)
        ;
    *at = s->next;
    p->nsending--;
    pthread_cond_broadcast(&p->is_sent);
    s3_free(c);
    free(s);
    pthread_mutex_unlock(&p->mutex);
}

// With the put's lock held.
static bool grow_etags(struct store_put *p)
{
    uint32_t n = p->npart;
    if (n & (n - 1))
        return true;
    void *more = reallocarray(p->etag, n ? 2 * (size_t)n : 1, sizeof(*p->etag));
    if (more)
        p->etag = more;
    return more;
}

// With the put's lock held: begins to send the part that was filled, which is not the caller's any
// more.
static bool start_part(struct store_put *p, struct err *e)
{
    struct sending *s = p->npart < STORE_S3_MOST_PARTS ? calloc(1, sizeof(*s)) : NULL;
    if (p->npart == STORE_S3_MOST_PARTS)
        return err_set(e, "it has more than %d parts of %llu bytes", STORE_S3_MOST_PARTS,
                       (unsigned long long)p->store->options.part_bytes);
    if (!s || !grow_etags(p)) {
        free(s);
        return err_set(e, "there is no memory");
    }
    *s = (struct sending){.put = p, .part = p->filling, .number = ++p->npart, .next = p->sending};
    snprintf(s->query, sizeof(s->query), "partNumber=%u&uploadId=%s", s->number, p->upload_id);
    struct s3_request r = request_of(p, "PUT", s->query);
    r.part = s->part;
    part_sha256(s->part, r.sha256);
    s->call = s3_start(p->store->s3, &r, on_part, s);
    if (!s->call) {
        free(s);
        return err_set(e, "there is no memory");
    }
    p->filling = NULL;
    p->sending = s;
    p->nsending++;
    p->sending_bytes += part_held_bytes(s->part);
    return true;
}

// Until at most so much memory is being sent, or a part has failed.
static bool wait_for_parts(struct store_put *p, uint64_t most_bytes, struct err *e)
{
    pthread_mutex_lock(&p->mutex);
    while (p->sending_bytes > most_bytes && !p->error.text[0])
        pthread_cond_wait(&p->is_sent, &p->mutex);
    bool is_good = !p->error.text[0];
    if (!is_good)
        *e = p->error;
    pthread_mutex_unlock(&p->mutex);
    return is_good;
}

// UploadPart
static bool send_part(struct store_put *p, struct err *e)
{
    pthread_mutex_lock(&p->mutex);
    bool is_started = start_part(p, e);
    pthread_mutex_unlock(&p->mutex);
    return is_started;
}

static bool open_part(struct store_put *p, struct err *e)
{
    p->filling = part_open(p->store->budget, (size_t)p->store->options.part_bytes);
    return p->filling || err_set(e, "there is no memory");
}

// The first part waits for the byte behind it, since a file of one part needs no multipart upload.
static bool make_room(struct store_put *p, struct err *e)
{
    uint64_t most = p->store->options.file_bytes;
    if (p->filling && part_is_full(p->filling))
        if ((!p->upload_id[0] && !create(p, e)) || !send_part(p, e))
            return false;
    if (!p->filling && !open_part(p, e))
        return false;
    uint64_t held = part_held_bytes(p->filling) + BUDGET_PIECE_BYTES;
    return !part_is_at_edge(p->filling) || wait_for_parts(p, most > held ? most - held : 0, e);
}

static bool s3_write(struct store_put *p, const void *bytes, size_t n, struct err *e)
{
    struct err why;
    const char *at = bytes;
    while (n > 0) {
        if (!make_room(p, &why))
            return fail(e, p, &why);
        size_t done = part_add(p->filling, at, n);
        if (done == 0)
            return err_set(e, "cannot store %s: the server has no memory for it, or stops",
                           p->file.name);
        at += done;
        n -= done;
        p->file.size += done;
        if (p->upload_id[0] && part_is_full(p->filling) && !send_part(p, &why))
            return fail(e, p, &why);
    }
    return true;
}

// PutObject
static bool put_object(struct store_put *p, struct err *e)
{
    struct s3_request r = request_of(p, "PUT", "");
    if (!s3_object_describe(&r, &p->file, e))
        return false;
    r.part = p->filling;
    if (r.part)
        part_sha256(r.part, r.sha256);
    struct s3_call *c = s3_ask(p->store->s3, &r, e);
    // A failure without an answer may still have made the object.
    p->is_object = c && (s3_is_good(s3_answer_of(c)) || s3_answer_of(c)->status == 0);
    bool is_good = c && s3_is_good(s3_answer_of(c));
    if (c)
        s3_free(c);
    if (p->filling)
        part_close(p->filling);
    p->filling = NULL;
    return is_good;
}

// A file of one part is there from now on under a key that nobody knows yet.
static bool s3_finish(struct store_put *p, struct err *e)
{
    struct err why;
    bool is_sent = p->upload_id[0]
                       ? (!p->filling || send_part(p, &why)) && wait_for_parts(p, 0, &why)
                       : put_object(p, &why);
    return is_sent || fail(e, p, &why);
}

static char *completion(const struct store_put *p)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return NULL;
    fputs("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", f);
    for (uint32_t i = 0; i < p->npart; i++)
        fprintf(f, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1, p->etag[i]);
    fputs("</CompleteMultipartUpload>", f);
    return fclose(f) == 0 ? text : NULL;
}

// When the answer to the first try was lost, the second one (libcurl's own, maybe) is told that
// there is no such upload; then the object says whether it was completed.
static bool is_completed(struct store_put *p)
{
    struct s3_request r = request_of(p, "HEAD", "");
    struct err ignored;
    struct store_file there = {0};
    struct s3_call *c = s3_ask(p->store->s3, &r, &ignored);
    bool is_there = c && s3_is_good(s3_answer_of(c));
    if (is_there)
        there.size = s3_object_size(s3_answer_of(c));
    if (c)
        s3_free(c);
    return is_there && there.size == p->file.size;
}

// CompleteMultipartUpload
static bool complete(struct store_put *p, struct err *e)
{
    char query[QUERY_TEXT], *body = completion(p);
    snprintf(query, sizeof(query), "uploadId=%s", p->upload_id);
    struct s3_request r = request_of(p, "POST", query);
    r.body = body;
    r.may_fail_late = true;
    bool fits = body && s3_add_header(&r, "Content-Type: application/xml");
    struct s3_call *c = fits ? s3_ask(p->store->s3, &r, e) : NULL;
    bool is_good = c && s3_is_good(s3_answer_of(c));
    if (!c)
        err_set(e, "there is no memory");
    else if (!is_good && s3_answer_of(c)->status == 404)
        is_good = is_completed(p);
    if (c)
        s3_free(c);
    free(body);
    return is_good;
}

// AbortMultipartUpload of an escaped id, or DeleteObject when it is empty; what cannot be told to
// S3 now is for the bucket's lifecycle rules.
static void erase(struct store_put *p, const char *upload_id)
{
    char query[QUERY_TEXT] = "";
    struct err e = {"there is no memory"};
    if (*upload_id)
        snprintf(query, sizeof(query), "uploadId=%s", upload_id);
    struct s3_request r = request_of(p, "DELETE", query);
    r.is_cleanup = true;
    struct s3_call *c = s3_ask(p->store->s3, &r, &e);
    if (!c || (!s3_is_good(s3_answer_of(c)) && s3_answer_of(c)->status != 404))
        fprintf(stderr, "upload-server: cannot remove what was sent of %s: %s.\n", p->key, e.text);
    if (c)
        s3_free(c);
}

// The uploads of this key but the one that is known.
static void erase_others(struct store_put *p)
{
    char query[QUERY_TEXT], prefix[3 * S3_KEY_TEXT], id[UPLOAD_ID_TEXT / 3],
        escaped[UPLOAD_ID_TEXT];
    struct err ignored;
    s3_escape(prefix, sizeof(prefix), p->key, false);
    snprintf(query, sizeof(query), "prefix=%s&uploads=", prefix);
    struct s3_request r = {.method = "GET", .key = "", .query = query, .is_cleanup = true};
    struct s3_call *c = s3_ask(p->store->s3, &r, &ignored);
    struct str rest = c && s3_is_good(s3_answer_of(c)) ? text_str(&s3_answer_of(c)->body) : STR("");
    for (struct str inner; (inner = xml_next(&rest, "Upload")).ptr;)
        if (xml_text(inner, "UploadId", id, sizeof(id)) && id[0] &&
            s3_escape(escaped, sizeof(escaped), id, false) && strcmp(escaped, p->upload_id) != 0)
            erase(p, escaped);
    if (c)
        s3_free(c);
}

// Leaves nothing of a file, or of a file that is complete nothing but the object.
static void tidy_up(struct store_put *p, bool is_complete)
{
    if (!is_complete && (p->upload_id[0] || p->is_object))
        erase(p, p->upload_id);
    if (p->may_be_twice)
        erase_others(p);
}

static void s3_abort(struct store_put *p)
{
    pthread_mutex_lock(&p->mutex);
    for (struct sending *s = p->sending; s; s = s->next)
        s3_cancel(s->call);
    while (p->nsending)
        pthread_cond_wait(&p->is_sent, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
    tidy_up(p, false);
    free_put(p);
}

static bool s3_publish(struct store_put *p, struct store_file *out, struct err *e)
{
    struct err why;
    if (p->upload_id[0] && !complete(p, &why)) {
        fail(e, p, &why);
        s3_abort(p);
        return false;
    }
    *out = p->file;
    tidy_up(p, true);
    free_put(p);
    return true;
}

static bool s3_list(struct store *s, bool (*each)(void *context, const struct store_file *f),
                    void *context, struct err *e)
{
    struct store_s3 *store = (struct store_s3 *)s;
    return s3_object_list(store->s3, store->options.prefix, STORE_S3_MOST_LISTED, each, context, e);
}

static void s3_stop_store(struct store *s)
{
    struct store_s3 *store = (struct store_s3 *)s;
    budget_stop(store->budget);
    s3_stop(store->s3);
}

static void s3_close_store(struct store *s)
{
    struct store_s3 *store = (struct store_s3 *)s;
    s3_close(store->s3);
    budget_close(store->budget);
    free(store);
}

// By a list, and not by HeadBucket, whose errors have no text.
static bool ask_for_bucket(struct store_s3 *store, struct err *e)
{
    struct s3_request r = {.method = "GET", .key = "", .query = "list-type=2&max-keys=1"};
    struct err why;
    struct s3_call *c = s3_ask(store->s3, &r, &why);
    bool is_there = c && s3_is_good(s3_answer_of(c));
    if (!is_there)
        err_set(e, "cannot store into the bucket %s: %.400s", store->options.s3.bucket,
                c ? why.text : "there is no memory");
    if (c)
        s3_free(c);
    return is_there;
}

bool store_s3_open(struct store **out, const struct store_s3_options *o, struct err *e)
{
    static const struct store_class class = {.begin = s3_begin,
                                             .write = s3_write,
                                             .finish = s3_finish,
                                             .publish = s3_publish,
                                             .abort = s3_abort,
                                             .list = s3_list,
                                             .stop = s3_stop_store,
                                             .close = s3_close_store};
    struct store_s3 *store = calloc(1, sizeof(*store));
    size_t pieces = (size_t)((o->part_bytes + BUDGET_PIECE_BYTES - 1) / BUDGET_PIECE_BYTES);
    if (!store)
        return err_set(e, "there is no memory");
    store->store.call = &class;
    store->options = *o;
    store->budget = budget_open(o->budget_bytes, pieces, &o->s3.metrics->part_bytes);
    if (!store->budget || !s3_open(&store->s3, &o->s3, e)) {
        if (store->budget)
            budget_close(store->budget);
        free(store);
        return false;
    }
    if (!ask_for_bucket(store, e)) {
        s3_close_store(&store->store);
        return false;
    }
    *out = &store->store;
    return true;
}
