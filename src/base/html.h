// Pages of HTML.
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include "base/buf.h"

// Appends text with what means something in HTML, inside and outside of attributes, as entities.
void html_text(struct buf *out, struct str text);

// Appends the policy of a page that needs nothing else: nothing may be loaded, and only this script
// and this style are heard.
void html_policy(struct buf *out, struct str script, struct str style);

#endif
