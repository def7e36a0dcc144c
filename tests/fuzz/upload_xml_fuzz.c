// What S3 answers: elements and texts lie within the input, texts fit, and reading comes to an end.
#include <stdlib.h>
#include <string.h>

#include "../../examples/upload-server/s3.h"
#include "../../examples/upload-server/s3_url.h"
#include "../../examples/upload-server/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void read_elements(struct str all, const char *name)
{
    struct str rest = all;
    for (struct str inner; (inner = xml_next(&rest, name)).ptr;) {
        char text[16];
        if (inner.ptr < all.ptr || inner.ptr + inner.len > all.ptr + all.len ||
            rest.ptr < inner.ptr + inner.len || rest.ptr + rest.len != all.ptr + all.len)
            abort();
        memset(text, 'x', sizeof(text));
        xml_text(inner, "Key", text, sizeof(text));
        if (!memchr(text, 0, sizeof(text)))
            abort();
    }
}

// Escaping loses nothing.
static void escape(const char *text)
{
    char escaped[3 * 4096 + 1];
    if (!s3_escape(escaped, sizeof(escaped), text, strlen(text) % 2))
        return;
    s3_unescape(escaped);
    if (strcmp(escaped, text) != 0)
        abort();
}

static void find_header(const uint8_t *bytes, size_t n)
{
    struct s3_answer a = {0};
    char value[64];
    text_init(&a.header, S3_MOST_ANSWER);
    text_add(&a.header, bytes, n);
    if (s3_header(&a, "ETag", value, sizeof(value)) && !memchr(value, 0, sizeof(value)))
        abort();
    text_free(&a.header);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const names[] = {"Contents", "Error", "UploadId"};
    char text[4096] = "";
    struct str all = {(const char *)bytes, n};
    for (size_t i = 0; n && i < ARRAY_LEN(names); i++)
        read_elements(all, names[i]);
    if (n && n < sizeof(text))
        memcpy(text, bytes, n);
    escape(text);
    find_header(bytes, n);
    return 0;
}
