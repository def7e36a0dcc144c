// multipart/form-data as it arrives (RFC 2046 section 5.1, RFC 7578): fed pieces of any size, it
// tells of each part's begin, bytes and end.  It holds a header and a count, never a part.
#ifndef UPLOAD_MULTIPART_H
#define UPLOAD_MULTIPART_H

#include "str.h"

enum {
    MULTIPART_MOST_BOUNDARY = 70, // RFC 2046 section 5.1.1
    MULTIPART_MOST_HEADER = 8192  // bytes of one part's headers
};

// Valid until the part's end.  What a header does not say is empty.
struct multipart_part {
    struct str name;
    struct str filename;     // its last component
    struct str content_type; // as it was sent
};

// Each returns whether to go on.
struct multipart_events {
    bool (*begin)(void *context, const struct multipart_part *part);
    bool (*data)(void *context, const uint8_t *bytes, size_t n);
    bool (*end)(void *context);
};

enum multipart_state {
    MULTIPART_TEXT,     // of a part, or of the preamble
    MULTIPART_BOUNDARY, // behind a delimiter, if it was one
    MULTIPART_BLANKS,   // behind a delimiter and blanks
    MULTIPART_NEWLINE,  // behind the CR of a delimiter's line
    MULTIPART_DASH,     // behind the first '-' of the closing delimiter
    MULTIPART_HEADERS,
    MULTIPART_END, // what follows is the epilogue
    MULTIPART_FAILED
};

struct multipart {
    const struct multipart_events *events;
    void *context;
    enum multipart_state state;
    bool is_in_part;
    char delimiter[4 + MULTIPART_MOST_BOUNDARY]; // CR LF - - boundary
    size_t ndelimiter;
    size_t nmatched;  // bytes of the delimiter that the input ends with
    size_t nborrowed; // of those, the CR LF that belongs to what came before the text
    char header[MULTIPART_MOST_HEADER];
    size_t nheader;
};

// Boundary of a Content-Type that is multipart/form-data; the text is unquoted in place.  False
// when there is none, or no valid one.
bool multipart_boundary(struct str *boundary, char *content_type);

void multipart_init(struct multipart *m, struct str boundary, const struct multipart_events *events,
                    void *context);

// False, from then on: the input is malformed, or an event said so.
bool multipart_feed(struct multipart *m, const void *bytes, size_t n);

// The closing delimiter was seen.
bool multipart_is_whole(const struct multipart *m);

#endif
