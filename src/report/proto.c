// Profiles as reports: the one that was read, and the top entries.
#include "profile/build.h"
#include "profile/encode.h"
#include "report/report.h"

bool report_proto(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct profile p = r->p;
    double ratio = 1 / r->config.divide_by;
    if (ratio > 0 && ratio != 1) {
        size_t n = (size_t)p.nsample * p.ntype;
        i64 *value = arena_new(r->arena, i64, n);
        for (size_t i = 0; i < n; i++)
            value[i] = i64_of((double)p.value[i] * ratio);
        p.value = value;
    }
    profile_encode_gzip(out, &p);
    return true;
}

// Row of the function that a place is in.
static u32 function_row(struct build *b, struct table *functions, const struct place *place)
{
    struct {
        i64 start_line;
        u32 name, filename;
    } key = {place->start_line, build_string(b, place->name), build_string(b, place->file)};
    u32 row = table_add(functions, (struct str){(char *)&key, sizeof(key)});
    if (row == b->p.nfunction) {
        struct function *f = build_function(b);
        f->name = key.name;
        f->filename = key.filename;
        f->start_line = key.start_line;
    }
    return row;
}

static void add_entry(struct build *b, struct table *functions, const struct report *r,
                      const struct graph *g, const struct node *n)
{
    const struct place *place = &g->places.place[n->place];
    u32 function = function_row(b, functions, place);
    build_location(b)->address = place->address;
    *build_line(b) = (struct line){function, place->line, place->column};
    build_sample(b);
    build_frame(b, b->p.nlocation - 1);
    build_value(b, report_scaled(r, node_cum(n)));
    build_value(b, report_scaled(r, node_flat(n)));
}

// One sample an entry of -top: its cum and its flat value, with the place as its only frame.
bool report_topproto(struct buf *out, struct report *r, struct err *e)
{
    (void)e;
    struct trimmed t;
    struct build b;
    struct table functions;
    report_graph(&t, r);
    build_init(&b, r->arena);
    table_init(&functions, r->arena);
    build_type(&b, STR("cum"), r->output_unit);
    build_type(&b, STR("flat"), r->output_unit);
    b.p.time_ns = r->p.time_ns;
    b.p.duration_ns = r->p.duration_ns;
    b.p.period = r->p.period;
    b.p.period_type.type = build_string(&b, profile_string(&r->p, r->p.period_type.type));
    b.p.period_type.unit = build_string(&b, profile_string(&r->p, r->p.period_type.unit));
    for (u32 i = 0; i < t.graph.nshown; i++)
        add_entry(&b, &functions, r, &t.graph, &t.graph.node[t.graph.shown[i]]);
    profile_encode_gzip(out, &b.p);
    return true;
}
