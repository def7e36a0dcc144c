#include "header.h"

#include <string.h>

static void skip_blanks(struct header *h)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\t'))
        h->at++;
}

// Up to a character of stop, without the blanks around it.
static struct str cut(struct header *h, const char *stop)
{
    const char *start = h->at;
    while (h->at < h->end && !(*h->at && strchr(stop, *h->at)))
        h->at++;
    return str_trim((struct str){start, (size_t)(h->at - start)});
}

// A backslash quotes what could not stand there otherwise; before any other character it is one,
// since old browsers send whole Windows paths as filenames.  Go's mime package reads it in the same
// way.
static bool unquote(struct header *h, struct str *value)
{
    char *to = ++h->at;
    *value = (struct str){to, 0};
    while (h->at < h->end && *h->at != '"') {
        if (*h->at == '\\' && h->at + 1 < h->end && h->at[1] &&
            strchr("()<>@,;:\\\"/[]?=", h->at[1]))
            h->at++;
        *to++ = *h->at++;
    }
    value->len = (size_t)(to - value->ptr);
    if (h->at == h->end)
        return false;
    h->at++;
    return true;
}

struct str header_start(struct header *h, char *text, size_t n)
{
    *h = (struct header){text, text + n};
    return cut(h, ";");
}

bool header_next(struct header *h, struct str *key, struct str *value)
{
    skip_blanks(h);
    if (h->at == h->end || *h->at != ';')
        return false;
    h->at++;
    *key = cut(h, "=;");
    if (key->len == 0 || h->at == h->end || *h->at != '=')
        return false;
    h->at++;
    skip_blanks(h);
    if (h->at < h->end && *h->at == '"')
        return unquote(h, value);
    *value = cut(h, ";");
    return true;
}
