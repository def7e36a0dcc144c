#include "s3_url.h"

#include <stdio.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

bool s3_escape(char *out, size_t cap, const char *text, bool keep_slash)
{
    static const char hex[] = "0123456789ABCDEF"; // in lower case the signature is another
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool stays = is_plain(*p) || (keep_slash && *p == '/');
        if (n + 4 > cap)
            return false;
        if (stays) {
            out[n++] = (char)*p;
        } else {
            out[n++] = '%';
            out[n++] = hex[*p >> 4];
            out[n++] = hex[*p & 15];
        }
    }
    if (n >= cap)
        return false;
    out[n] = 0;
    return true;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void s3_unescape(char *text)
{
    char *out = text;
    for (const char *p = text; *p; p++) {
        int high = *p == '%' ? digit(p[1]) : -1, low = high >= 0 ? digit(p[2]) : -1;
        int c = low >= 0 ? high * 16 + low : *p;
        if (low >= 0)
            p += 2;
        *out++ = (char)c;
    }
    *out = 0;
}

bool s3_endpoint_is(const char *endpoint)
{
    struct str s = str_of(endpoint);
    const char *host = strstr(endpoint, "://");
    bool is_known = str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
    return is_known && host[3] && !strpbrk(host + 3, "/?#@ ");
}

bool s3_url(char out[S3_URL_TEXT], const char *endpoint, const char *bucket, bool is_virtual_host,
            const char *key, const char *query, struct err *e)
{
    enum { ESCAPED = 3 * 1024 + 1 };
    char escaped[ESCAPED];
    const char *host = strstr(endpoint, "://") + 3, *mark = *query ? "?" : "";
    int n;
    if (!s3_escape(escaped, sizeof(escaped), key, true))
        return err_set(e, "an object's key may have at most 1024 bytes");
    if (is_virtual_host)
        n = snprintf(out, S3_URL_TEXT, "%.*s%s.%s/%s%s%s", (int)(host - endpoint), endpoint, bucket,
                     host, escaped, mark, query);
    else
        n = snprintf(out, S3_URL_TEXT, "%s/%s%s%s%s%s", endpoint, bucket, *key ? "/" : "", escaped,
                     mark, query);
    return (n >= 0 && n < S3_URL_TEXT) || err_set(e, "a request for S3 is too long");
}
