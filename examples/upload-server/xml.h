// Just enough XML to read what S3 answers: elements by name, and their text.  Anything that is no
// XML has no elements.
#ifndef UPLOAD_XML_H
#define UPLOAD_XML_H

#include "str.h"

// The inside of the next element of that name, whatever its namespace, and cuts *rest behind it.
// ptr is NULL when there is none.
struct str xml_next(struct str *rest, const char *name);

// The text of the first element of that name: entities decoded, cut off where out is full, empty
// when there is none.  Returns whether there is one.
bool xml_text(struct str xml, const char *name, char *out, size_t cap);

#endif
