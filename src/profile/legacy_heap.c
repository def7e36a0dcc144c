// Heap profiles as texts: gperftools' and tcmalloc's heap, heap_v2 and growth, Go's
// /debug/pprof/heap?debug=1.
#include <errno.h>

#include "profile/legacy.h"
#include "profile/regex.h"

#define SUMS   "heap profile: *(\\d+): *(\\d+) *\\[ *(\\d+): *(\\d+) *\\] *"
#define HEADER SUMS "@ *(heap[_a-z0-9]*)/?(\\d*)"
#define UNKEPT "heap profile: *\\d+: *\\d+ *\\[ *\\d+: *\\d+ *\\] @ (growth|fragmentation)z?"
// It begins where digits begin, so that a line of digits is not tried at each of them.
#define SAMPLE "(-?(?<!\\d)\\d+): *(-?\\d+) *\\[ *(\\d+): *(\\d+) *] @([ x0-9a-f]*)"

struct heap {
    struct legacy *l;
    bool is_sampled; // values are to be unsampled
    bool has_alloc;
    struct regex *header, *unkept, *sample;
    struct str line; // at hand, and the groups that a regex found in it
    i64 start[7], end[7];
};

static struct str group(const struct heap *h, u32 i)
{
    return h->start[i] < 0
               ? STR("")
               : (struct str){h->line.ptr + h->start[i], (size_t)(h->end[i] - h->start[i])};
}

static bool read_kept(struct heap *h)
{
    i64 period = 0;
    struct str kind = group(h, 5), rate = group(h, 6);
    if (rate.len && !str_i64(&period, rate))
        return false;
    bool same_count = str_equal(group(h, 3), group(h, 1)) || str_equal(group(h, 3), STR("0"));
    bool same_bytes = str_equal(group(h, 4), group(h, 2)) || str_equal(group(h, 4), STR("0"));
    h->has_alloc = !same_count || !same_bytes;
    if (str_equal(kind, STR("heapprofile"))) {
        period = 1;
    } else if (str_equal(kind, STR("heap"))) {
        h->is_sampled = true;
        period /= 2;
    } else {
        h->is_sampled = str_equal(kind, STR("heapz_v2")) || str_equal(kind, STR("heap_v2"));
        if (!h->is_sampled)
            return false;
    }
    legacy_period(h->l, STR("space"), STR("bytes"), period);
    return true;
}

static bool read_header(struct heap *h)
{
    if (regex_groups(h->header, h->line, h->start, h->end, 7)) {
        if (!read_kept(h))
            return false;
    } else if (regex_match(h->unkept, h->line)) {
        legacy_period(h->l, STR("space"), STR("bytes"), 1);
    } else {
        return false;
    }
    struct build *b = &h->l->b;
    // Allocations first, so that what is in use is the default.
    if (h->has_alloc) {
        build_type(b, STR("alloc_objects"), STR("count"));
        build_type(b, STR("alloc_space"), STR("bytes"));
    }
    build_type(b, h->has_alloc ? STR("inuse_objects") : STR("objects"), STR("count"));
    build_type(b, h->has_alloc ? STR("inuse_space") : STR("space"), STR("bytes"));
    return true;
}

// Adds a count and a number of bytes; *block_size is theirs.
static bool add_values(struct heap *h, struct str count_text, struct str bytes_text,
                       const char *what, i64 *block_size, struct err *e)
{
    i64 count, bytes;
    if (!str_i64(&count, count_text) || !str_i64(&bytes, bytes_text))
        return err_set(e, EBADMSG, "malformed sample: %.*s: value out of range", STR_ARG(h->line));
    if (count == 0 && bytes)
        return err_set(e, EBADMSG, "%s count was 0 but %s bytes was %lld", what, what,
                       (long long)bytes);
    if (count) {
        *block_size = count == -1 ? -bytes : bytes / count;
        if (h->is_sampled)
            legacy_unsample(&count, &bytes, h->l->b.p.period);
    }
    build_value(&h->l->b, count);
    build_value(&h->l->b, bytes);
    return true;
}

static bool read_sample(struct heap *h, struct err *e)
{
    i64 block_size = 0;
    if (!regex_groups(h->sample, h->line, h->start, h->end, 6))
        return err_set(e, EBADMSG, "unexpected number of sample values: got 0, want 6");
    build_sample(&h->l->b);
    if (h->has_alloc && !add_values(h, group(h, 3), group(h, 4), "allocation", &block_size, e))
        return false;
    if (!add_values(h, group(h, 1), group(h, 2), "inuse", &block_size, e))
        return false;
    if (!legacy_frames(h->l, group(h, 5), e))
        return err_prefix(e, "malformed sample: %.*s: ", STR_ARG(h->line));
    legacy_block_size(h->l, block_size);
    return true;
}

static enum format read_heap(struct heap *h, struct str bytes, struct err *e)
{
    struct lines lines = {.rest = bytes};
    lines_next(&lines);
    h->line = lines.line;
    if (!read_header(h))
        return FORMAT_OTHER;
    while (lines_next(&lines)) {
        h->line = str_trim(lines.line);
        if (line_is_comment(h->line))
            continue;
        if (line_is_map_start(h->line))
            break;
        if (!read_sample(h, e))
            return FORMAT_BAD;
    }
    legacy_sections(h->l, &lines);
    return FORMAT_DECODED;
}

enum format legacy_heap(struct legacy *l, struct str bytes, struct err *e)
{
    struct heap h = {.l = l};
    enum format f = FORMAT_OTHER;
    if (regex_compile_bytes(&h.header, STR(HEADER), e) &&
        regex_compile(&h.unkept, STR(UNKEPT), e) && regex_compile_bytes(&h.sample, STR(SAMPLE), e))
        f = read_heap(&h, bytes, e);
    regex_free(h.header);
    regex_free(h.unkept);
    regex_free(h.sample);
    return f;
}
