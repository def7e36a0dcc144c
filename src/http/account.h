// What held the memory, over HTTP: of a process that runs, or at the end of one that was killed.
#ifndef HTTP_ACCOUNT_H
#define HTTP_ACCOUNT_H

#include "http/debug.h"

// Answers with the record at path as the request asks: a profile whose sum is the charge, text
// (debug=1), or format=json or html.
void account_answer(struct debug *d, const struct http_request *q, struct http_response *r,
                    struct str path, bool is_alive);

// The newest kept record of a program that was killed; fails with ENOENT.
bool account_find_killed(struct str *path, struct arena *a, struct err *e);

#endif
