#include "http/switching.h"

#include "http/timing.h"
#include "record/switches.h"

enum { METHOD_NOT_ALLOWED = 405 };

static bool change(struct record_header *header, const struct switches *s, struct debug *d,
                   const struct http_request *q, struct err *e)
{
    struct folder_record f;
    return debug_choose(&f, d, q, e) && switches_set(header, s, &f, q->arena, e);
}

static void serve(struct debug *d, const struct http_request *q, struct http_response *r,
                  bool is_on)
{
    struct switches s;
    struct record_header header;
    struct err e;
    struct str profiler = http_parameter(q, "profile"), rate = http_parameter(q, "rate");
    if (!q->is_post) {
        http_fail(r, METHOD_NOT_ALLOWED, "this changes something: ask by POST");
        r->allow = "POST";
        return;
    }
    bool done = (is_on ? switches_on(&s, profiler, rate, &e) : switches_off(&s, profiler, &e)) &&
                change(&header, &s, d, q, &e);
    if (!done) {
        debug_fail(r, &e);
        return;
    }
    buf_printf(&r->body, "process %u: ", header.pid);
    switches_write(&r->body, &header);
    buf_char(&r->body, '\n');
}

void switching_start(struct debug *d, const struct http_request *q, struct http_response *r)
{
    serve(d, q, r, true);
}

void switching_stop(struct debug *d, const struct http_request *q, struct http_response *r)
{
    serve(d, q, r, false);
}

static void write_button(struct buf *out, u32 pid, bool is_on, const char *profiler)
{
    buf_printf(out, "<button formaction=\"%s?pid=%u&amp;profile=%s\">%s %s</button> ",
               is_on ? "start" : "stop", pid, profiler, is_on ? "start" : "stop", profiler);
}

void switching_write(struct buf *out, const struct record_header *h)
{
    switches_write(out, h);
    buf_text(out, "<form method=\"post\">");
    for (u32 i = 0; i < RECORD_NSWITCH; i++)
        write_button(out, h->pid, switches_rate(h, i) == 0, switches_names[i]);
    buf_text(out, "</form>");
}
