#include "budget.h"

#include <pthread.h>
#include <stdlib.h>

struct budget {
    pthread_mutex_t mutex;
    pthread_cond_t given;
    size_t nfree;
    size_t reserve;       // pieces that only the finisher may take, so that it can always go on
    const void *finisher; // the holder that found nothing but the reserve; NULL: none
    bool is_stopped;
    _Atomic(uint64_t) *gauge;
};

struct budget *budget_open(uint64_t bytes, size_t most_pieces, _Atomic(uint64_t) *gauge)
{
    struct budget *b = calloc(1, sizeof(*b));
    size_t n = (size_t)(bytes / BUDGET_PIECE_BYTES);
    if (!b)
        return NULL;
    pthread_mutex_init(&b->mutex, NULL);
    pthread_cond_init(&b->given, NULL);
    b->nfree = n > most_pieces ? n : most_pieces;
    b->reserve = most_pieces;
    b->gauge = gauge;
    return b;
}

void budget_close(struct budget *b)
{
    pthread_cond_destroy(&b->given);
    pthread_mutex_destroy(&b->mutex);
    free(b);
}

// Many half-filled parts could use up all pieces, and none of them could ever be sent.  So the last
// pieces, enough for one part, are for one holder at a time, until it has given all of its pieces
// back: without a finisher there are never fewer free pieces than the reserve.
static bool may_take(struct budget *b, const void *holder)
{
    if (b->nfree > b->reserve || b->finisher == holder)
        return b->nfree > 0;
    if (b->finisher)
        return false;
    b->finisher = holder;
    return true;
}

void *budget_take(struct budget *b, const void *holder)
{
    pthread_mutex_lock(&b->mutex);
    while (!b->is_stopped && !may_take(b, holder))
        pthread_cond_wait(&b->given, &b->mutex);
    void *piece = b->is_stopped ? NULL : malloc(BUDGET_PIECE_BYTES);
    if (piece) {
        b->nfree--;
        atomic_fetch_add(b->gauge, BUDGET_PIECE_BYTES);
    }
    pthread_mutex_unlock(&b->mutex);
    return piece;
}

void budget_give(struct budget *b, const void *holder, void *const *piece, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(piece[i]);
    pthread_mutex_lock(&b->mutex);
    b->nfree += n;
    atomic_fetch_sub(b->gauge, n * BUDGET_PIECE_BYTES);
    if (b->finisher == holder)
        b->finisher = NULL;
    pthread_cond_broadcast(&b->given);
    pthread_mutex_unlock(&b->mutex);
}

void budget_stop(struct budget *b)
{
    pthread_mutex_lock(&b->mutex);
    b->is_stopped = true;
    pthread_cond_broadcast(&b->given);
    pthread_mutex_unlock(&b->mutex);
}
