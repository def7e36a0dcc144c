#include "report/columns.h"

struct cell {
    struct str text;
    size_t width; // of its column; 0: it is in none
};

struct row {
    u32 cell, ncell; // run; the last one is in no column
    bool ends_all;   // no column goes on below it
};

// Neighbouring rows that have a column in common.
struct block {
    u32 first, last; // rows [first, last)
    u32 column;
};

struct columns {
    struct cell *cell;
    struct row *row;
    struct block *block; // those that are still to be aligned
    u32 ncell, nrow, nblock, cell_cap, row_cap, block_cap;
    struct arena *arena;
};

static void add_row(struct columns *c)
{
    struct row *row = arena_push(c->arena, c->row, c->nrow, c->row_cap);
    *row = (struct row){.cell = c->ncell};
}

static void add_cell(struct columns *c, const char *from, const char *to)
{
    struct cell *cell = arena_push(c->arena, c->cell, c->ncell, c->cell_cap);
    *cell = (struct cell){.text = {from, (size_t)(to - from)}};
    c->row[c->nrow - 1].ncell++;
}

static void split(struct columns *c, struct str text)
{
    const char *start = text.ptr, *end = text.ptr + text.len;
    add_row(c);
    for (const char *at = start; at < end; at++) {
        if (*at != '\t' && *at != '\v' && *at != '\n' && *at != '\f')
            continue;
        add_cell(c, start, at);
        start = at + 1;
        if (*at == '\n' || *at == '\f') {
            c->row[c->nrow - 1].ends_all = *at == '\f';
            add_row(c);
        }
    }
    add_cell(c, start, end);
}

// Adds the blocks of a column that lie between two rows.
static void add_blocks(struct columns *c, u32 first, u32 last, u32 column)
{
    for (u32 i = first; i < last; i++) {
        u32 start = i;
        while (i < last && c->row[i].ncell > column + 1 && !c->row[i].ends_all)
            i++;
        i += i < last && c->row[i].ncell > column + 1; // one that ends all is a block's last
        if (i > start)
            *arena_push(c->arena, c->block, c->nblock, c->block_cap) =
                (struct block){start, i--, column};
    }
}

static void align(struct columns *c, struct block b)
{
    size_t width = 0;
    for (u32 i = b.first; i < b.last; i++) {
        size_t n = str_characters(c->cell[c->row[i].cell + b.column].text) + 1;
        width = n > width ? n : width;
    }
    for (u32 i = b.first; i < b.last; i++)
        c->cell[c->row[i].cell + b.column].width = width;
    add_blocks(c, b.first, b.last, b.column + 1);
}

void columns_write(struct buf *out, struct str text, struct arena *a)
{
    struct columns c = {.arena = a};
    split(&c, text);
    add_blocks(&c, 0, c.nrow, 0);
    while (c.nblock)
        align(&c, c.block[--c.nblock]);
    for (u32 i = 0; i < c.nrow; i++) {
        if (i)
            buf_char(out, '\n');
        for (u32 k = 0; k < c.row[i].ncell; k++) {
            const struct cell *cell = &c.cell[c.row[i].cell + k];
            buf_right(out, cell->text, cell->width);
        }
    }
}
