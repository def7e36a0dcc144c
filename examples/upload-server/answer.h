// What a client gets.
#ifndef UPLOAD_ANSWER_H
#define UPLOAD_ANSWER_H

#include <jansson.h>

#include "str.h"

struct answer {
    unsigned status; // 0: there is none yet
    const char *mime;
    const char *allow; // methods, with status 405; NULL: not said
    char *body;        // for free()
};

// Takes body, for free(); NULL makes it a failure for want of memory.
void answer_text(struct answer *a, unsigned status, const char *mime, char *body);

// Takes json.
void answer_json(struct answer *a, unsigned status, json_t *json);

// {"errors":[{"message":...}],"data":null}
void answer_error(struct answer *a, unsigned status, const char *message);

void answer_free(struct answer *a);

#endif
