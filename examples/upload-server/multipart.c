#include "multipart.h"

#include <string.h>

#include "header.h"

bool multipart_boundary(struct str *boundary, char *content_type)
{
    struct header h;
    struct str key, value;
    header_start(&h, content_type, strlen(content_type));
    while (header_next(&h, &key, &value)) {
        if (!str_equal_nocase(key, STR("boundary")))
            continue;
        *boundary = value;
        return value.len > 0 && value.len <= MULTIPART_MOST_BOUNDARY &&
               !memchr(value.ptr, '\r', value.len);
    }
    return false;
}

void multipart_init(struct multipart *m, struct str boundary, const struct multipart_events *events,
                    void *context)
{
    *m = (struct multipart){.events = events, .context = context, .state = MULTIPART_TEXT};
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.ptr, boundary.len);
    m->ndelimiter = 4 + boundary.len;
    m->nmatched = m->nborrowed = 2; // the first delimiter may be the first line
}

static void tell(struct multipart *m, const char *bytes, size_t n)
{
    if (m->is_in_part && n && !m->events->data(m->context, (const uint8_t *)bytes, n))
        m->state = MULTIPART_FAILED;
}

// What looked like a delimiter is text.
static void tell_matched(struct multipart *m)
{
    size_t first = m->nborrowed, n = m->nmatched - first;
    m->state = MULTIPART_TEXT;
    m->nmatched = m->nborrowed = 0;
    tell(m, m->delimiter + first, n);
}

// Bytes at the end of the input that a delimiter may begin with.  A delimiter has one CR, its first
// byte.
static size_t tail_matched(const struct multipart *m, const char *p, size_t n)
{
    size_t most = n < m->ndelimiter ? n : m->ndelimiter - 1;
    const char *cr = memrchr(p + n - most, '\r', most);
    size_t tail = cr ? (size_t)(p + n - cr) : 0;
    return tail && memcmp(cr, m->delimiter, tail) == 0 ? tail : 0;
}

static const char *step_text(struct multipart *m, const char *p, const char *end)
{
    if (m->nmatched == 0) {
        size_t n = (size_t)(end - p);
        const char *found = memmem(p, n, m->delimiter, m->ndelimiter);
        m->nmatched = found ? m->ndelimiter : tail_matched(m, p, n);
        tell(m, p, found ? (size_t)(found - p) : n - m->nmatched);
        p = found ? found + m->ndelimiter : end;
    } else {
        while (p < end && m->nmatched < m->ndelimiter && *p == m->delimiter[m->nmatched])
            p++, m->nmatched++;
        if (p < end && m->nmatched < m->ndelimiter)
            tell_matched(m);
    }
    if (m->nmatched == m->ndelimiter && m->state != MULTIPART_FAILED)
        m->state = MULTIPART_BOUNDARY;
    return p;
}

static void end_part(struct multipart *m, enum multipart_state next)
{
    bool is_welcome = !m->is_in_part || m->events->end(m->context);
    m->is_in_part = false;
    m->nmatched = m->nborrowed = m->nheader = 0;
    m->state = is_welcome ? next : MULTIPART_FAILED;
}

static const char *step_boundary(struct multipart *m, const char *p, const char *end)
{
    (void)end;
    switch (*p) {
    case '-':
        end_part(m, MULTIPART_DASH);
        return p + 1;
    case ' ':
    case '\t':
    case '\r':
        end_part(m, MULTIPART_BLANKS);
        return p;
    default:
        tell_matched(m);
        return p;
    }
}

static const char *step_blanks(struct multipart *m, const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == end)
        return p;
    m->state = *p == '\r' ? MULTIPART_NEWLINE : MULTIPART_FAILED;
    return p + 1;
}

static const char *step_newline(struct multipart *m, const char *p, const char *end)
{
    (void)end;
    m->state = *p == '\n' ? MULTIPART_HEADERS : MULTIPART_FAILED;
    return p + 1;
}

static const char *step_dash(struct multipart *m, const char *p, const char *end)
{
    (void)end;
    m->state = *p == '-' ? MULTIPART_END : MULTIPART_FAILED;
    return p + 1;
}

static struct str last_component(struct str path)
{
    const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
    return slash ? str_skip(path, (size_t)(slash + 1 - path.ptr)) : path;
}

static void read_disposition(struct multipart_part *part, char *text, size_t n)
{
    struct header h;
    struct str key, value;
    if (!str_equal_nocase(header_start(&h, text, n), STR("form-data")))
        return;
    while (header_next(&h, &key, &value)) {
        if (str_equal_nocase(key, STR("name")))
            part->name = value;
        else if (str_equal_nocase(key, STR("filename")))
            part->filename = last_component(value);
    }
}

// One "Name: value" of n bytes.  Folded lines (RFC 5322 section 2.2.3) are not read: no client
// sends them.
static bool read_header(struct multipart_part *part, char *line, size_t n)
{
    struct str value = {line, n}, name = str_cut(&value, ':');
    if (name.len == 0 || name.len == n || name.ptr[0] == ' ' || name.ptr[0] == '\t')
        return false;
    size_t start = name.len + 1;
    if (str_equal_nocase(name, STR("Content-Disposition")))
        read_disposition(part, line + start, n - start);
    else if (str_equal_nocase(name, STR("Content-Type")))
        part->content_type = str_trim(value);
    return true;
}

static bool read_headers(struct multipart *m, struct multipart_part *part)
{
    char *line = m->header, *end = m->header + m->nheader - 2;
    while (line < end) {
        char *cr = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (!cr || !read_header(part, line, (size_t)(cr - line)))
            return false;
        line = cr + 2;
    }
    return !memchr(m->header, 0, m->nheader);
}

static bool has_headers(const struct multipart *m)
{
    size_t n = m->nheader;
    return (n == 2 && memcmp(m->header, "\r\n", 2) == 0) ||
           (n >= 4 && memcmp(m->header + n - 4, "\r\n\r\n", 4) == 0);
}

static const char *step_headers(struct multipart *m, const char *p, const char *end)
{
    while (p < end && m->nheader < sizeof(m->header)) {
        m->header[m->nheader++] = *p++;
        if (!has_headers(m))
            continue;
        struct multipart_part part = {STR(""), STR(""), STR("")};
        m->is_in_part = read_headers(m, &part) && m->events->begin(m->context, &part);
        m->state = m->is_in_part ? MULTIPART_TEXT : MULTIPART_FAILED;
        m->nmatched = m->nborrowed = 2; // an empty part needs no line end of its own
        return p;
    }
    if (m->nheader == sizeof(m->header))
        m->state = MULTIPART_FAILED;
    return p;
}

static const char *step_end(struct multipart *m, const char *p, const char *end)
{
    (void)m, (void)p;
    return end;
}

bool multipart_feed(struct multipart *m, const void *bytes, size_t n)
{
    static const char *(*const step[])(struct multipart * m, const char *p, const char *end) = {
        [MULTIPART_TEXT] = step_text,     [MULTIPART_BOUNDARY] = step_boundary,
        [MULTIPART_BLANKS] = step_blanks, [MULTIPART_NEWLINE] = step_newline,
        [MULTIPART_DASH] = step_dash,     [MULTIPART_HEADERS] = step_headers,
        [MULTIPART_END] = step_end};
    const char *p = bytes, *end = p + n;
    while (p < end && m->state != MULTIPART_FAILED)
        p = step[m->state](m, p, end);
    return m->state != MULTIPART_FAILED;
}

bool multipart_is_whole(const struct multipart *m)
{
    return m->state == MULTIPART_END;
}
