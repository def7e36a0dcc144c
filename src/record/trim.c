#include "record/trim.h"

#include <errno.h>

#include "record/asking.h"

enum { STEP_NS = 1000000, STEPS = 500 };

static void ask(void *context, struct record_request *r)
{
    (void)context;
    r->ntrim++;
}

static bool await(const struct asking *q, struct err *e)
{
    u32 done = 0, wanted = q->header.request.ntrim;
    for (u32 i = 0; i < STEPS; i++) {
        if (!asking_read(q, &done, sizeof(done), offsetof(struct record_header, answer.ntrim)))
            break;
        if ((i32)(done - wanted) >= 0)
            return true;
        asking_pause_ns(STEP_NS);
    }
    return err_set(e, EAGAIN, "process %u allocates nothing, and so gives nothing back", q->pid);
}

bool trim_ask(const struct folder_record *r, struct arena *a, struct err *e)
{
    struct asking q;
    bool done = asking_open(&q, r, a, e) && asking_request(&q, ask, NULL, e) && await(&q, e);
    asking_close(&q);
    return done;
}
