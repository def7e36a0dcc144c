// The one interner: keys of any bytes get rows 1, 2, 3 ... in the order of their first appearance;
// row 0 means none.
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/arena.h"

struct table {
    struct arena *arena; // holds the keys and the index
    struct str *key;     // key[row]; key[0] is empty
    u32 nkey;            // rows in use, row 0 included
    u32 key_cap;
    struct table_slot {
        u32 row; // 0: free
        u32 hash;
    } * slot; // open addressing
    u32 mask; // slots - 1
};

void table_init(struct table *t, struct arena *a);

// Row of key, or 0 when it was never added.
u32 table_find(const struct table *t, struct str key);

// The same for n keys at once, in a fraction of the time: memory is asked for ahead.
void table_find_many(const struct table *t, const struct str *key, u32 n, u32 *row);

// Row of key, which is copied when it is new.
u32 table_add(struct table *t, struct str key);

// The same without the copy: the key's bytes must outlive the table.
u32 table_add_shared(struct table *t, struct str key);

#endif
