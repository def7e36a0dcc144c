#include "http/threads.h"

static struct str label_text(const struct profile *p, const struct sample *s, struct str key)
{
    for (u32 i = 0; i < s->nlabel; i++) {
        const struct label *l = &p->label[s->label + i];
        if (str_equal(profile_string(p, l->key), key))
            return profile_string(p, l->text);
    }
    return STR("");
}

static i64 label_number(const struct profile *p, const struct sample *s, struct str key)
{
    for (u32 i = 0; i < s->nlabel; i++) {
        const struct label *l = &p->label[s->label + i];
        if (str_equal(profile_string(p, l->key), key))
            return l->number;
    }
    return 0;
}

// "[blocked, futex, lock 0x7f.. of main (12)]:"
static void add_state(struct buf *out, const struct profile *p, const struct sample *s)
{
    static const struct {
        const char *key, *before;
    } part[] = {{"state", ""}, {"syscall", ", "}, {"descriptor", ", "},
                {"peer", " "}, {"lock", ", "},    {"lock_owner", " of "}};
    buf_text(out, " [");
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        struct str text = label_text(p, s, str_of(part[i].key));
        if (text.len)
            buf_printf(out, "%s%.*s", part[i].before, STR_ARG(text));
    }
    buf_text(out, "]:\n");
}

static void add_frame(struct buf *out, const struct profile *p, const struct location *l)
{
    for (u32 i = 0; i < l->nline; i++) {
        const struct line *line = &p->line[l->line + i];
        const struct function *f = &p->function[line->function];
        buf_printf(out, "%.*s(...)\n\t%.*s:%lld\n", STR_ARG(profile_string(p, f->name)),
                   STR_ARG(profile_string(p, f->filename)), (long long)line->line);
    }
    if (l->nline == 0)
        buf_printf(out, "%#llx(...)\n\t%.*s\n", (unsigned long long)l->address,
                   STR_ARG(profile_string(p, p->mapping[l->mapping].filename)));
}

void threads_write(struct buf *out, const struct profile *p)
{
    for (u32 i = 0; i < p->nsample; i++) {
        const struct sample *s = &p->sample[i];
        struct str name = label_text(p, s, STR("thread"));
        buf_printf(out, "%sthread %lld \"%.*s\"", i ? "\n" : "",
                   (long long)label_number(p, s, STR("thread_id")), STR_ARG(name));
        add_state(out, p, s);
        for (u32 k = 0; k < s->nframe; k++)
            add_frame(out, p, &p->location[p->frame[s->frame + k]]);
    }
}
