#include "answer.h"

#include <stdlib.h>

enum { STATUS_NO_MEMORY = 500 };

void answer_text(struct answer *a, unsigned status, const char *mime, char *body)
{
    answer_free(a);
    *a = (struct answer){.status = body ? status : STATUS_NO_MEMORY, .mime = mime, .body = body};
}

void answer_json(struct answer *a, unsigned status, json_t *json)
{
    answer_text(a, status, "application/json", json ? json_dumps(json, JSON_COMPACT) : NULL);
    json_decref(json);
}

void answer_error(struct answer *a, unsigned status, const char *message)
{
    char *text = str_utf8(str_of(message));
    answer_json(a, status,
                text ? json_pack("{s:[{s:s}],s:n}", "errors", "message", text, "data") : NULL);
    free(text);
}

void answer_free(struct answer *a)
{
    free(a->body);
    *a = (struct answer){0};
}
