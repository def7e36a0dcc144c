#include "part.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
    struct budget *budget;
    size_t bytes, limit;
    EVP_MD_CTX *sha256; // of the bytes so far: they are in the cache when they come
    size_t npiece;
    void *piece[]; // room for limit bytes
};

static size_t pieces_of(size_t bytes)
{
    return (bytes + BUDGET_PIECE_BYTES - 1) / BUDGET_PIECE_BYTES;
}

struct part *part_open(struct budget *b, size_t limit_bytes)
{
    struct part *p = calloc(1, sizeof(*p) + pieces_of(limit_bytes) * sizeof(void *));
    if (!p)
        return NULL;
    p->budget = b;
    p->limit = limit_bytes;
    p->sha256 = EVP_MD_CTX_new();
    if (!p->sha256 || !EVP_DigestInit_ex(p->sha256, EVP_sha256(), NULL)) {
        part_close(p);
        return NULL;
    }
    return p;
}

void part_close(struct part *p)
{
    budget_give(p->budget, p, p->piece, p->npiece);
    EVP_MD_CTX_free(p->sha256);
    free(p);
}

size_t part_held_bytes(const struct part *p)
{
    return p->npiece * BUDGET_PIECE_BYTES;
}

bool part_is_at_edge(const struct part *p)
{
    return p->bytes == p->npiece * BUDGET_PIECE_BYTES;
}

size_t part_add(struct part *p, const void *bytes, size_t n)
{
    size_t offset = p->bytes % BUDGET_PIECE_BYTES, room = BUDGET_PIECE_BYTES - offset;
    if (part_is_at_edge(p)) {
        void *piece = p->bytes < p->limit ? budget_take(p->budget, p) : NULL;
        if (!piece)
            return 0;
        p->piece[p->npiece++] = piece;
    }
    if (room > p->limit - p->bytes)
        room = p->limit - p->bytes;
    if (n > room)
        n = room;
    memcpy((char *)p->piece[p->npiece - 1] + offset, bytes, n);
    EVP_DigestUpdate(p->sha256, bytes, n);
    p->bytes += n;
    return n;
}

size_t part_bytes(const struct part *p)
{
    return p->bytes;
}

bool part_is_full(const struct part *p)
{
    return p->bytes == p->limit;
}

size_t part_read(const struct part *p, size_t offset, void *out, size_t n)
{
    size_t done = 0;
    while (done < n && offset < p->bytes) {
        size_t at = offset % BUDGET_PIECE_BYTES, step = BUDGET_PIECE_BYTES - at;
        if (step > p->bytes - offset)
            step = p->bytes - offset;
        if (step > n - done)
            step = n - done;
        memcpy((char *)out + done, (const char *)p->piece[offset / BUDGET_PIECE_BYTES] + at, step);
        done += step;
        offset += step;
    }
    return done;
}

void part_sha256(struct part *p, char out[PART_SHA256_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_DigestFinal_ex(p->sha256, digest, &n);
    for (unsigned i = 0; i < n; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
}
