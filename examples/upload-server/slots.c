#include "slots.h"

uint32_t slots_take(struct slots *s)
{
    for (uint32_t i = 0; i < SLOTS / 64; i++) {
        uint64_t taken = atomic_load(&s->taken[i]);
        while (taken != UINT64_MAX) {
            uint32_t bit = (uint32_t)__builtin_ctzll(~taken);
            if (atomic_compare_exchange_weak(&s->taken[i], &taken, taken | (UINT64_C(1) << bit)))
                return i * 64 + bit + 1;
        }
    }
    return 0;
}

void slots_give(struct slots *s, uint32_t number)
{
    if (number)
        atomic_fetch_and(&s->taken[(number - 1) / 64], ~(UINT64_C(1) << (number - 1) % 64));
}
