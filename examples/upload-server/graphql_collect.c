#include "graphql_collect.h"

struct collector {
    const struct graphql_collection *of;
    struct graphql_collected *first, **tail;
    uint32_t n;
};

static bool add_merged(struct collector *c, struct graphql_collected *field,
                       const struct graphql_selection *s)
{
    struct graphql_merged *m = arena_new(c->of->arena, struct graphql_merged);
    if (!m)
        return false;
    m->selection = s;
    *field->tail = m;
    field->tail = &m->next;
    return true;
}

static bool add_field(struct collector *c, const struct graphql_selection *s)
{
    struct graphql_collected *field = c->first;
    while (field && !str_equal(field->key, s->key))
        field = field->next;
    if (!field) {
        field =
            ++c->n > GRAPHQL_MOST_FIELDS ? NULL : arena_new(c->of->arena, struct graphql_collected);
        if (!field)
            return false;
        field->key = s->key;
        field->tail = &field->merged;
        *c->tail = field;
        c->tail = &field->next;
    }
    return add_merged(c, field, s);
}

// Validation made sure that a fragment fits the object that it is spread in.  It counts once in a
// collection.
static bool add_selections(struct collector *c, const struct graphql_selection *s)
{
    const struct graphql_collection *of = c->of;
    bool fits = true;
    for (; s && fits; s = s->next) {
        if (of->is_included && !of->is_included(of->context, s))
            continue;
        if (s->kind == GRAPHQL_FIELD) {
            fits = add_field(c, s);
        } else if (s->kind == GRAPHQL_INLINE) {
            fits = add_selections(c, s->selection);
        } else {
            bool is_new = s->fragment->stamp != of->document->stamp;
            s->fragment->stamp = of->document->stamp;
            fits = !is_new || add_selections(c, s->fragment->selection);
        }
    }
    return fits;
}

bool graphql_collect(struct graphql_collected **out, const struct graphql_collection *c,
                     const struct graphql_merged *merged, const struct graphql_selection *only)
{
    struct collector collector = {.of = c};
    collector.tail = &collector.first;
    c->document->stamp++;
    bool fits = add_selections(&collector, only);
    for (; merged && fits; merged = merged->next)
        fits = add_selections(&collector, merged->selection->selection);
    *out = collector.first;
    return fits;
}
