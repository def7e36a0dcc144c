#include "upload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 << 10 };

// -1: errno says why.
static int open_temp_file(const char *folder)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/upload-server-XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static void begin(struct upload *u)
{
    const struct service *s = u->service;
    if (u->kind == UPLOAD_STORED)
        s->store->call->begin(s->store, &u->put, u->filename, u->content_type, &u->error);
    else if (u->kind == UPLOAD_IN_TEMP_FILE)
        u->fd = open_temp_file(s->options->temp);
}

struct upload *upload_open(enum upload_kind kind, const struct multipart_part *part,
                           const struct service *s)
{
    struct upload *u = malloc(sizeof(*u));
    if (!u)
        return NULL;
    *u = (struct upload){.kind = kind,
                         .fd = -1,
                         .service = s,
                         .key = str_utf8(part->name),
                         .filename = str_utf8(part->filename),
                         .content_type = str_utf8(part->content_type)};
    read_all_init(&u->memory, &s->metrics->buffer_bytes);
    if (!u->key || !u->filename || !u->content_type) {
        upload_close(u);
        return NULL;
    }
    begin(u);
    return u;
}

void upload_close(struct upload *u)
{
    if (u->put)
        u->service->store->call->abort(u->put);
    if (u->fd >= 0)
        close(u->fd);
    read_all_free(&u->memory);
    free(u->key);
    free(u->filename);
    free(u->content_type);
    free(u);
}

ssize_t upload_read(void *reader, void *out, size_t n)
{
    struct upload_reader *r = reader;
    const struct upload *u = r->upload;
    ssize_t done;
    if (u->kind == UPLOAD_IN_TEMP_FILE) {
        do
            done = pread(u->fd, out, n, (off_t)r->at);
        while (done < 0 && errno == EINTR);
    } else {
        uint64_t left = u->size - r->at;
        done = (ssize_t)(n < left ? n : left);
        if (done > 0)
            memcpy(out, u->memory.data + r->at, (size_t)done);
    }
    r->at += done > 0 ? (uint64_t)done : 0;
    return done;
}

// Holds the file as a whole once more: what the Go server of the story did before it was mended.
__attribute__((noinline)) static bool put_readall(const struct upload *u, struct store_put *p,
                                                  struct err *e)
{
    struct read_all whole;
    struct upload_reader reader = {.upload = u};
    read_all_init(&whole, &u->service->metrics->buffer_bytes);
    bool is_read = read_all(&whole, upload_read, &reader);
    if (!is_read)
        err_errno(e, errno, "cannot read %s", u->filename);
    bool is_put = is_read && u->service->store->call->write(p, whole.data, whole.len, e);
    read_all_free(&whole);
    return is_put;
}

static bool put_stream(const struct upload *u, struct store_put *p, struct err *e)
{
    char piece[PIECE_BYTES];
    struct upload_reader reader = {.upload = u};
    for (;;) {
        ssize_t n = upload_read(&reader, piece, sizeof(piece));
        if (n < 0)
            return err_errno(e, errno, "cannot read %s", u->filename);
        if (n == 0)
            return true;
        if (!u->service->store->call->write(p, piece, (size_t)n, e))
            return false;
    }
}

static bool publish_copy(const struct upload *u, struct store_file *out, struct err *e)
{
    static bool (*const put[])(const struct upload *u, struct store_put *p, struct err *e) = {
        [OPTIONS_PUT_STREAM] = put_stream, [OPTIONS_PUT_READALL] = put_readall};
    struct store *store = u->service->store;
    struct store_put *p;
    if (!store->call->begin(store, &p, u->filename, u->content_type, e))
        return false;
    if (!put[u->service->options->put](u, p, e) || !store->call->finish(p, e)) {
        store->call->abort(p);
        return false;
    }
    return store->call->publish(p, out, e);
}

static bool publish_stored(struct upload *u, struct store_file *out, struct err *e)
{
    if (u->put) {
        struct store_put *p = u->put;
        u->put = NULL;
        if (!u->service->store->call->publish(p, &u->file, &u->error))
            u->file.id[0] = 0;
    }
    if (!u->file.id[0])
        return err_set(e, "%s", u->error.text);
    *out = u->file;
    return true;
}

bool upload_publish(struct upload *u, struct store_file *out, struct err *e)
{
    bool is_known = u->file.id[0];
    bool is_there = u->kind == UPLOAD_STORED ? publish_stored(u, out, e) : publish_copy(u, out, e);
    if (is_there && !is_known)
        atomic_fetch_add(&u->service->metrics->files, 1);
    return is_there;
}
