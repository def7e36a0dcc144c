// Names for addresses, as -symbolize asks for them.
#include "profile/symbolize.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "sonde/command.h"
#include "sonde/fetch.h"

struct mode {
    bool none, force;
};

static struct mode parse(struct str text)
{
    struct mode m = {0};
    while (text.len) {
        struct str word = str_cut(&text, ':');
        bool is_local =
            str_equal(word, STR("local")) || str_equal(word, STR("fastlocal")) || word.len == 0;
        bool is_none = str_equal(word, STR("none")) || str_equal(word, STR("no"));
        bool is_force = str_equal(word, STR("force"));
        m.none |= is_none;
        m.force |= is_force;
        if (!is_local && !is_none && !is_force)
            fprintf(stderr,
                    "ignoring unrecognized symbolization option: %.*s\n"
                    "expecting -symbolize=[local|fastlocal|none][:force]\n",
                    STR_ARG(word));
    }
    return m;
}

struct profile symbolize(const struct profile *p, struct str mode, struct arena *a)
{
    struct buf lower;
    buf_init(&lower, 4096);
    for (size_t i = 0; i < mode.len; i++)
        buf_char(&lower, (char)tolower((unsigned char)mode.ptr[i]));
    struct mode m = parse(buf_str(&lower));
    buf_free(&lower);
    if (m.none)
        return *p;
    struct symbolizer s;
    struct str path;
    struct err why;
    symbolizer_init(&s, a);
    struct profile out = profile_symbolize(p, &s, m.force, a);
    while (symbolizer_trouble(&s, &path, &why))
        warn("%s", why.text);
    symbolizer_close(&s);
    return out;
}
