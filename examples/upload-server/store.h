// Where files are kept.  A store is a struct of functions, so that another one can take the place
// of store_folder.c without the rest knowing.  All functions may be called by several threads at
// once, those of one put by one thread at a time.
#ifndef UPLOAD_STORE_H
#define UPLOAD_STORE_H

#include "err.h"
#include "ulid.h"

// What is known of a file that is kept.
struct store_file {
    char id[ULID_TEXT];
    const char *name;
    const char *content_type; // as the client said; "": it said nothing
    uint64_t size;            // bytes
};

struct store;
struct store_put; // a file on its way in

struct store_class {
    // Starts a file.  The texts are the caller's and outlive the put.
    bool (*begin)(struct store *s, struct store_put **out, const char *name,
                  const char *content_type, struct err *e);

    // Appends bytes.  May wait, which slows the client down.
    bool (*write)(struct store_put *p, const void *bytes, size_t n, struct err *e);

    // No more bytes follow: they are safe now, yet nobody sees the file.  Gives back what a put
    // holds while it is written (descriptors, buffers), since other files of the same request may
    // follow before it is published.
    bool (*finish)(struct store_put *p, struct err *e);

    // Makes the file visible, as a whole.  Ends the put; when it fails, as abort does.
    bool (*publish)(struct store_put *p, struct store_file *out, struct err *e);

    // Ends the put and leaves nothing of it, at any time after begin.
    void (*abort)(struct store_put *p);

    // Tells of each file that is visible, oldest first, until each() returns false.
    bool (*list)(struct store *s, bool (*each)(void *context, const struct store_file *f),
                 void *context, struct err *e);

    // From now on writes and what waits fail soon, and puts are only aborted: the server stops.
    void (*stop)(struct store *s);

    void (*close)(struct store *s);
};

// The first member of each implementation's own struct.
struct store {
    const struct store_class *call;
};

#endif
