#include "base/html.h"

#include "base/sha256.h"

void html_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            buf_text(out, "&amp;");
            break;
        case '<':
            buf_text(out, "&lt;");
            break;
        case '>':
            buf_text(out, "&gt;");
            break;
        case '"':
            buf_text(out, "&#34;");
            break;
        case '\'':
            buf_text(out, "&#39;");
            break;
        default:
            buf_char(out, text.ptr[i]);
        }
    }
}

void html_policy(struct buf *out, struct str script, struct str style)
{
    buf_text(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "script-src 'sha256-");
    sha256_base64(out, script);
    buf_text(out, "'; style-src 'sha256-");
    sha256_base64(out, style);
    buf_text(out, "'; base-uri 'none'; form-action 'none'\">\n");
}
