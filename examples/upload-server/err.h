// What went wrong, for a person.  A function that can fail returns bool and takes struct err *
// last.
#ifndef UPLOAD_ERR_H
#define UPLOAD_ERR_H

#include <stdbool.h>

struct err {
    char text[512]; // one sentence: what was wrong, where, what to try
};

// Sets *e and returns false, so that "return err_set(e, ...)" leaves a failing function.
__attribute__((format(printf, 2, 3))) bool err_set(struct err *e, const char *format, ...);

// The same, with ": " and strerror(code) at the end.
__attribute__((format(printf, 3, 4))) bool err_errno(struct err *e, int code, const char *format,
                                                     ...);

#endif
