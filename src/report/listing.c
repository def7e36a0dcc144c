#include "report/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/routine.h"

enum {
    MOST_RANGES = 25,   // of addresses, those that hold most
    AROUND_BYTES = 500, // of each address with samples
    NEAR_BYTES = 32,    // to an instruction whose line one without a line is shown in
};

// An address that samples have.
struct address {
    u64 address;
    i64 flat, cum;
    u32 location;   // of the function that is asked for
    bool is_wanted; // there is one
};

// Addresses of one binary that are close to each other.
struct address_range {
    u64 first, end; // of the process
    u64 distance;   // from linked addresses to those of the process
    struct binary *binary;
    i64 score;
};

struct builder {
    struct listing out;
    const struct report *r;
    struct binaries *binaries;
    struct table addresses; // -> row of address
    struct address *address;
    u32 naddress, address_cap;
    struct table interest; // names of functions that are asked for and have samples
    struct listing_names names;
    struct table files; // name -> row of out.file
    u64 asked;          // address, where has_asked
    bool has_asked;
    u64 next_address; // for locations without one
    u64 *made_up;     // by location: the address that it got; 0: none
};

static void init(struct builder *b, struct binaries *binaries, const struct report *r)
{
    struct arena *a = r->arena;
    *b = (struct builder){.r = r, .binaries = binaries, .next_address = 1};
    table_init(&b->addresses, a);
    table_init(&b->interest, a);
    table_init(&b->names.system, a);
    table_init(&b->files, a);
    arena_push(a, b->address, b->naddress, b->address_cap);
    arena_push(a, b->names.pretty, b->names.npretty, b->names.pretty_cap);
    arena_push(a, b->out.file, b->out.nfile, b->out.file_cap);
    arena_push(a, b->out.instruction, b->out.ninstruction, b->out.instruction_cap);
    b->has_asked = routine_address(&b->asked, r);
    b->made_up = arena_new(a, u64, r->p.nlocation);
    for (u32 row = 1; row < r->p.nmapping; row++) {
        if (b->next_address < r->p.mapping[row].limit)
            b->next_address = r->p.mapping[row].limit;
    }
}

// The location's address; one behind all mappings when it has none.
static u64 address_of(struct builder *b, u32 location)
{
    u64 address = b->r->p.location[location].address;
    if (address)
        return address;
    if (b->made_up[location] == 0)
        b->made_up[location] = b->next_address++;
    return b->made_up[location];
}

static struct address *find_address(const struct builder *b, u64 address)
{
    u32 row = table_find(&b->addresses, (struct str){(char *)&address, sizeof(address)});
    return row ? &b->address[row] : NULL;
}

static struct address *add_address(struct builder *b, u64 address)
{
    u32 row = table_add(&b->addresses, (struct str){(char *)&address, sizeof(address)});
    if (row == b->naddress)
        arena_push(b->r->arena, b->address, b->naddress, b->address_cap)->address = address;
    return &b->address[row];
}

// Remembers that the function of a location's line is asked for.
static void mark(struct builder *b, struct address *at, u32 location, const struct line *line)
{
    const struct profile *p = &b->r->p;
    const struct function *f = &p->function[line->function];
    if (line->function == 0)
        return;
    table_add(&b->interest, profile_string(p, f->name));
    if (f->system_name)
        table_add(&b->interest, profile_string(p, f->system_name));
    if (!at->is_wanted)
        at->location = location;
    at->is_wanted = true;
}

static bool matches(const struct builder *b, const struct line *line)
{
    const struct profile *p = &b->r->p;
    const struct function *f = &p->function[line->function];
    const struct regex *wanted = b->r->wanted;
    return line->function && (regex_match(wanted, profile_string(p, f->name)) ||
                              regex_match(wanted, profile_string(p, f->system_name)) ||
                              regex_match(wanted, profile_string(p, f->filename)));
}

static void remember_name(struct builder *b, const struct line *line)
{
    struct listing_names *n = &b->names;
    const struct function *f = &b->r->p.function[line->function];
    if (line->function == 0)
        return;
    u32 row = table_add(&n->system, profile_string(&b->r->p, f->system_name));
    if (row == n->npretty)
        arena_push(b->r->arena, n->pretty, n->npretty, n->pretty_cap);
    n->pretty[row] = profile_string(&b->r->p, f->name);
}

// Which lines of a location are asked for; with an address, or nothing, the outermost.
static void mark_wanted(struct builder *b, struct address *at, u32 location)
{
    const struct profile *p = &b->r->p;
    const struct location *l = &p->location[location];
    const struct line *line = p->line + l->line;
    if (!b->r->wanted || (b->has_asked && at->address == b->asked)) {
        if (l->nline)
            mark(b, at, location, &line[l->nline - 1]);
        return;
    }
    struct str file = profile_string(p, p->mapping[l->mapping].filename);
    bool is_file = l->mapping && regex_match(b->r->wanted, file);
    for (u32 i = 0; i < l->nline; i++) {
        if ((i == 0 && is_file) || matches(b, &line[i]))
            mark(b, at, location, &line[i]);
    }
}

// Locations are looked at once, samples only add.
static void add_samples(struct builder *b)
{
    const struct profile *p = &b->r->p;
    bool *is_seen = arena_new(b->r->arena, bool, p->nlocation);
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        const i64 *values = profile_values(p, i);
        i64 value = divided(values[b->r->values.type], b->r->values.mean ? values[0] : 0);
        for (u32 k = s->nframe; k > 0; k--) {
            u32 location = p->frame[s->frame + k - 1];
            struct address *at = add_address(b, address_of(b, location));
            at->cum += value;
            at->flat += k == 1 ? value : 0;
            if (is_seen[location])
                continue;
            is_seen[location] = true;
            for (u32 n = 0; n < p->location[location].nline; n++)
                remember_name(b, &p->line[p->location[location].line + n]);
            mark_wanted(b, at, location);
        }
    }
}

// pprof's names for the folder that a build was sandboxed in are left out.
static struct str clean_name(struct str name, struct arena *a)
{
    if (str_starts(name, STR("/proc/self/cwd/")))
        name = str_skip(name, sizeof("/proc/self/cwd/") - 1);
    if (str_starts(name, STR("./")))
        name = str_skip(name, 2);
    return path_clean(name, a);
}

// The file of a line; code without a file has one of its own for each function.
static struct listing_file *find_file(struct builder *b, const struct symbol_line *line,
                                      struct binary *binary, u64 linked)
{
    struct arena *a = b->r->arena;
    struct str name = clean_name(line->filename, a);
    struct str key = name.len ? name : arena_printf(a, "%c%.*s", 0, STR_ARG(line->function));
    u32 row = table_add(&b->files, key);
    if (row == b->out.nfile) {
        struct listing_file *f = arena_new(a, struct listing_file, 1);
        f->name = name;
        if (binary)
            f->folder = symbols_folder(binary->symbols, linked);
        *arena_push(a, b->out.file, b->out.nfile, b->out.file_cap) = f;
    }
    return b->out.file[row];
}

// Calls from the function of frame[n] down to the code, outermost first.
static const struct listing_call *calls_above(struct builder *b, const struct symbol_line *frame,
                                              u32 n)
{
    struct listing_call *call = arena_new(b->r->arena, struct listing_call, n);
    for (u32 i = 0; i < n; i++)
        call[i] = (struct listing_call){frame[n - 1 - i].filename, frame[n - 1 - i].line};
    return call;
}

// Shows an instruction below the lines of each function of its stack that is asked for.
static void add_entries(struct builder *b, u32 instruction, const struct symbol_line *frame, u32 n,
                        struct binary *binary)
{
    u64 linked = b->out.instruction[instruction].linked;
    for (u32 i = 0; i < n; i++) {
        if (!table_find(&b->interest, frame[i].function))
            continue;
        struct listing_file *f = find_file(b, &frame[i], binary, linked);
        *arena_push(b->r->arena, f->entry, f->nentry, f->entry_cap) = (struct listing_entry){
            frame[i].line, instruction, frame[i].function, calls_above(b, frame, i), i};
    }
}

static u32 add_instruction(struct builder *b, u64 address, u64 linked, u32 length, struct str text,
                           const struct symbol_line *innermost)
{
    struct listing_instruction *i =
        arena_push(b->r->arena, b->out.instruction, b->out.ninstruction, b->out.instruction_cap);
    *i = (struct listing_instruction){address, linked, length, text, {0}, 0, 0, 0};
    if (innermost) {
        i->file = innermost->filename;
        i->line = innermost->line;
    }
    // Samples are also taken behind a call, before the next instruction.
    for (u64 k = address; k < address + length; k++) {
        const struct address *at = find_address(b, k);
        i->flat += at ? at->flat : 0;
        i->cum += at ? at->cum : 0;
    }
    return b->out.ninstruction - 1;
}

// Addresses that are in no binary that can be read: the profile knows their lines.
static void add_unread(struct builder *b, const struct address *at)
{
    const struct profile *p = &b->r->p;
    const struct location *l = &p->location[at->location];
    struct symbol_line *frame = arena_new(b->r->arena, struct symbol_line, l->nline);
    u32 n = 0;
    for (u32 i = 0; i < l->nline; i++) {
        const struct line *line = &p->line[l->line + i];
        const struct function *f = &p->function[line->function];
        if (line->function)
            frame[n++] = (struct symbol_line){.function = profile_string(p, f->name),
                                              .filename = profile_string(p, f->filename),
                                              .line = line->line};
    }
    u32 row = add_instruction(b, at->address, at->address, 1, STR(""), n ? &frame[0] : NULL);
    add_entries(b, row, frame, n, NULL);
}

static void add_trouble(struct builder *b, const struct err *e)
{
    for (u32 i = 0; i < b->out.ntrouble; i++) {
        if (strcmp(b->out.trouble[i].text, e->text) == 0)
            return;
    }
    *arena_push(b->r->arena, b->out.trouble, b->out.ntrouble, b->out.trouble_cap) = *e;
}

// The binary of a wanted address, and how far it lies from its linked one; NULL when it cannot be
// read.
static struct binary *binary_at(struct builder *b, const struct address *at, u64 *distance)
{
    const struct location *l = &b->r->p.location[at->location];
    struct binary *binary = binaries_find(b->binaries, l->mapping);
    u64 linked;
    if (binary && !binary->symbols)
        add_trouble(b, &binary->error);
    if (!binary || !binary_linked(binary, &b->r->p.mapping[l->mapping], at->address, &linked))
        return NULL;
    *distance = at->address - linked;
    return binary;
}

static int by_address(const void *a, const void *b)
{
    const struct address *l = a, *r = b;
    return (l->address > r->address) - (l->address < r->address);
}

static struct address *wanted_addresses(const struct builder *b, u32 *n)
{
    struct address *wanted = arena_new(b->r->arena, struct address, b->naddress);
    *n = 0;
    for (u32 i = 1; i < b->naddress; i++) {
        if (b->address[i].is_wanted)
            wanted[(*n)++] = b->address[i];
    }
    qsort(wanted, *n, sizeof(*wanted), by_address);
    return wanted;
}

// What is around an address, inside of its mapping.
static struct address_range range_around(const struct builder *b, const struct address *at,
                                         struct binary *binary, u64 distance)
{
    const struct mapping *m = &b->r->p.mapping[b->r->p.location[at->location].mapping];
    u64 limit = m->limit ? m->limit : UINT64_MAX, address = at->address;
    struct address_range range = {.distance = distance, .binary = binary, .score = at->flat};
    range.first = address - m->start >= AROUND_BYTES ? address - AROUND_BYTES : m->start;
    range.end = limit - address >= AROUND_BYTES ? address + AROUND_BYTES : limit;
    return range;
}

static int by_score(const void *a, const void *b)
{
    const struct address_range *l = a, *r = b;
    if (l->score != r->score)
        return l->score > r->score ? -1 : 1;
    return (l->first > r->first) - (l->first < r->first);
}

// Ranges that hold most first; addresses that are in none are shown without code.
static struct address_range *make_ranges(struct builder *b, u32 *n)
{
    u32 nwanted, cap = 0;
    const struct address *wanted = wanted_addresses(b, &nwanted);
    struct address_range *range = NULL;
    *n = 0;
    for (u32 i = 0; i < nwanted; i++) {
        u64 distance = 0;
        struct binary *binary = binary_at(b, &wanted[i], &distance);
        if (!binary) {
            add_unread(b, &wanted[i]);
            continue;
        }
        struct address_range next = range_around(b, &wanted[i], binary, distance);
        struct address_range *last = *n ? &range[*n - 1] : NULL;
        if (last && last->binary == binary && last->distance == distance &&
            next.first <= last->end) {
            last->end = next.end;
            last->score += next.score;
        } else {
            *arena_push(b->r->arena, range, *n, cap) = next;
        }
    }
    if (*n)
        qsort(range, *n, sizeof(*range), by_score);
    return range;
}

// An instruction without a line is shown in that of one shortly before it.
static void read_range(struct builder *b, const struct address_range *range)
{
    u32 n;
    const struct instruction *code = disassembly_read(
        &range->binary->code, range->first - range->distance, range->end - range->distance, &n);
    const struct instruction *last = NULL;
    for (u32 i = 0; i < n; i++) {
        const struct instruction *from = &code[i];
        bool has_line = from->nline && from->line[0].line;
        u32 row = add_instruction(b, from->address + range->distance, from->address, from->length,
                                  from->text, from->nline ? &from->line[0] : NULL);
        if (has_line)
            last = from;
        else if (last && from->address - last->address <= NEAR_BYTES)
            from = last;
        add_entries(b, row, from->line, from->nline, range->binary);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct listing_file *l = *(struct listing_file *const *)a;
    const struct listing_file *r = *(struct listing_file *const *)b;
    int order = str_compare(l->name, r->name);
    return order ? order : str_compare(l->entry[0].function, r->entry[0].function);
}

// An address is counted once a file, wherever it is shown there.
static void sum_file(struct builder *b, struct listing_file *f, u32 *seen, u32 stamp)
{
    for (u32 i = 0; i < f->nentry; i++) {
        u32 row = f->entry[i].instruction;
        if (seen[row] == stamp)
            continue;
        seen[row] = stamp;
        f->flat += b->out.instruction[row].flat;
        f->cum += b->out.instruction[row].cum;
    }
}

static void finish(struct builder *b)
{
    u32 *seen = arena_new(b->r->arena, u32, b->out.ninstruction);
    for (u32 i = 1; i < b->out.nfile; i++) {
        struct listing_file *f = b->out.file[i];
        sum_file(b, f, seen, i);
        listing_divide(f, &b->out, &b->names, b->r->arena);
    }
    // Row 0 of files is no file.
    b->out.file++;
    b->out.nfile--;
    if (b->out.nfile)
        qsort(b->out.file, b->out.nfile, sizeof(*b->out.file), by_name);
}

bool listing_build(struct listing *out, struct binaries *binaries, const struct report *r,
                   struct err *e)
{
    struct builder b;
    u32 n;
    init(&b, binaries, r);
    add_samples(&b);
    if (b.interest.nkey <= 1)
        return err_set(e, ENOENT, "no matches found for regexp: %.*s", STR_ARG(r->parameter));
    const struct address_range *range = make_ranges(&b, &n);
    for (u32 i = 0; i < n && i < MOST_RANGES; i++)
        read_range(&b, &range[i]);
    finish(&b);
    *out = b.out;
    return true;
}
