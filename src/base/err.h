// What went wrong, for a person.  A function that can fail returns bool and takes struct err *
// last.
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/types.h"

struct err {
    int code;        // an errno value; 0: nothing went wrong
    char text[1024]; // one sentence: what was wrong, where, what to try
};

// Sets *e and is false, so that "return err_set(e, ...)" leaves a failing function.  As a macro, so
// that compilers see that.
#define err_set(...) (err_write(__VA_ARGS__), false)
void err_write(struct err *e, int code, const char *format, ...) PRINTF(3, 4);

// The same, with ": " and strerror(code) at the end.
#define err_errno(...) (err_write_errno(__VA_ARGS__), false)
void err_write_errno(struct err *e, int code, const char *format, ...) PRINTF(3, 4);

// Puts a formatted prefix before the sentence that is there; is false.
#define err_prefix(...) (err_write_prefix(__VA_ARGS__), false)
void err_write_prefix(struct err *e, const char *format, ...) PRINTF(2, 3);

#endif
