#include "s3_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_url.h"
#include "xml.h"

enum {
    META_TEXT = 2048, // S3's limit on the metadata of an object
    PAGE = 100,       // objects that are asked for at once
    QUERY_TEXT = 7 * S3_KEY_TEXT
};

// Whether a header can hold it as it is, and be signed: the signature takes blanks together.
static bool is_plain(const char *text)
{
    size_t n = strlen(text);
    bool has_blank_end = n && (text[0] == ' ' || text[n - 1] == ' ');
    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p > '~' || *p == '%')
            return false;
    return !has_blank_end && !strstr(text, "  ");
}

static bool escape_text(char *out, size_t cap, const char *text)
{
    if (!is_plain(text))
        return s3_escape(out, cap, text, true);
    return snprintf(out, cap, "%s", text) < (int)cap;
}

bool s3_object_describe(struct s3_request *r, const struct store_file *f, struct err *e)
{
    char text[META_TEXT];
    bool is_header = *f->content_type && is_plain(f->content_type);
    if (!escape_text(text, sizeof(text), f->name) || !s3_add_header(r, "x-amz-meta-name: %s", text))
        return err_set(e, "its name is too long for S3");
    if (*f->name == 0)
        r->header[0][0] = 0; // libcurl 7.88 would sign an empty header and not send it
    if (!s3_add_header(r, "Content-Type: %s",
                       is_header ? f->content_type : "application/octet-stream"))
        return err_set(e, "its type is too long for S3");
    if (is_header)
        return true;
    if (!escape_text(text, sizeof(text), *f->content_type ? f->content_type : "-") ||
        !s3_add_header(r, "x-amz-meta-type: %s", text))
        return err_set(e, "its type is too long for S3");
    return true;
}

uint64_t s3_object_size(const struct s3_answer *a)
{
    char text[32];
    uint64_t size = 0;
    if (!s3_header(a, "Content-Length", text, sizeof(text)) || !str_u64(&size, str_of(text)))
        return 0;
    return size;
}

static void tell(const struct s3_answer *a, const char *id,
                 bool (*each)(void *context, const struct store_file *f), void *context,
                 bool *goes_on)
{
    char name[META_TEXT] = "", type[META_TEXT] = "";
    struct store_file f = {.name = name, .content_type = type, .size = s3_object_size(a)};
    memcpy(f.id, id, ULID_TEXT);
    if (s3_header(a, "x-amz-meta-name", name, sizeof(name)))
        s3_unescape(name);
    if (s3_header(a, "x-amz-meta-type", type, sizeof(type)))
        s3_unescape(strcmp(type, "-") == 0 ? memset(type, 0, 1) : type);
    else if (!s3_header(a, "Content-Type", type, sizeof(type)))
        type[0] = 0;
    *goes_on = each(context, &f);
}

// The ids of a page of ListObjectsV2.  Keys that are no ids are others'.
static uint32_t read_ids(char id[PAGE][ULID_TEXT], struct str xml, char last[S3_KEY_TEXT],
                         bool *is_truncated)
{
    uint32_t n = 0;
    char text[8];
    xml_text(xml, "IsTruncated", text, sizeof(text));
    *is_truncated = strcmp(text, "true") == 0;
    for (struct str inner; n < PAGE && (inner = xml_next(&xml, "Contents")).ptr;) {
        if (!xml_text(inner, "Key", last, S3_KEY_TEXT))
            continue;
        struct str key = str_of(last);
        struct str end = key.len < ULID_CHARS ? key : str_skip(key, key.len - ULID_CHARS);
        if (!ulid_is(end))
            continue;
        memcpy(id[n], end.ptr, ULID_CHARS);
        id[n++][ULID_CHARS] = 0;
    }
    return n;
}

static bool list_page(struct s3 *s, const char *prefix, char last[S3_KEY_TEXT],
                      char id[PAGE][ULID_TEXT], uint32_t *n, bool *is_truncated, struct err *e)
{
    char query[QUERY_TEXT], escaped[3 * S3_KEY_TEXT], after[3 * S3_KEY_TEXT];
    if (!s3_escape(escaped, sizeof(escaped), prefix, false) ||
        !s3_escape(after, sizeof(after), last, false))
        return err_set(e, "cannot list the files: a key is too long");
    snprintf(query, sizeof(query), "list-type=2&max-keys=%d&prefix=%s%s%s", PAGE, escaped,
             *last ? "&start-after=" : "", after);
    struct s3_request r = {.method = "GET", .key = "", .query = query};
    struct err why = {"there is no memory"};
    struct s3_call *c = s3_ask(s, &r, &why);
    bool is_good = c && s3_is_good(s3_answer_of(c));
    if (is_good)
        *n = read_ids(id, text_str(&s3_answer_of(c)->body), last, is_truncated);
    if (c)
        s3_free(c);
    return is_good || err_set(e, "cannot list the files: %.400s", why.text);
}

// One object after the other; an object that is gone by now is passed over.
static bool tell_page(struct s3 *s, const char *prefix, char id[PAGE][ULID_TEXT], uint32_t n,
                      bool (*each)(void *context, const struct store_file *f), void *context)
{
    bool goes_on = true;
    for (uint32_t i = 0; i < n && goes_on; i++) {
        char key[S3_KEY_TEXT];
        struct err ignored;
        snprintf(key, sizeof(key), "%s%s", prefix, id[i]);
        struct s3_request r = {.method = "HEAD", .key = key, .query = ""};
        struct s3_call *c = s3_ask(s, &r, &ignored);
        if (c && s3_is_good(s3_answer_of(c)))
            tell(s3_answer_of(c), id[i], each, context, &goes_on);
        if (c)
            s3_free(c);
    }
    return goes_on;
}

bool s3_object_list(struct s3 *s, const char *prefix, uint32_t most,
                    bool (*each)(void *context, const struct store_file *f), void *context,
                    struct err *e)
{
    char(*id)[ULID_TEXT] = calloc(PAGE, sizeof(*id)), last[S3_KEY_TEXT] = "";
    bool goes_on = id, is_good = id || err_set(e, "there is no memory");
    for (uint32_t told = 0, n; goes_on && is_good && told < most; told += n) {
        n = 0;
        is_good = list_page(s, prefix, last, id, &n, &goes_on, e);
        if (is_good && !tell_page(s, prefix, id, n, each, context))
            goes_on = false;
    }
    free(id);
    return is_good;
}
