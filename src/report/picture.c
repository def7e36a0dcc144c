// Pictures of the call graph, by Graphviz as a library: no program to be found, no pipe.
#include <errno.h>
#include <graphviz/cgraph.h>
#include <graphviz/gvc.h>
#include <pthread.h>
#include <string.h>

#include "report/asset.h"
#include "report/report.h"

// Graphviz keeps state in globals: one layout at a time.  One context, too: its plugin for fonts
// goes on looking at the last font's name, which goes with the context.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GVC_t *gvc; // made by the first picture; stays
static char complaint[512];

static int keep_complaint(char *text)
{
    size_t used = strlen(complaint);
    strncpy(complaint + used, text, sizeof(complaint) - 1 - used);
    return 0;
}

static bool render(struct buf *out, const char *dot, const char *format, struct err *e)
{
    gvc = gvc ? gvc : gvContext();
    complaint[0] = 0;
    agseterrf(keep_complaint);
    agseterr(AGERR);
    Agraph_t *graph = agmemread(dot);
    char *data = NULL;
    unsigned int n = 0;
    bool laid_out = graph && gvLayout(gvc, graph, "dot") == 0;
    bool done = laid_out && gvRenderData(gvc, graph, format, &data, &n) == 0 && n != 0;
    if (done)
        buf_add(out, (struct str){data, n});
    else
        err_write(e, EIO, "Graphviz could not draw the graph as %s: %s", format,
                  complaint[0] ? complaint : "no reason given");
    if (data)
        gvFreeRenderData(data);
    if (laid_out)
        gvFreeLayout(gvc, graph);
    if (graph)
        agclose(graph);
    return done;
}

// Cuts all up to and with needle off *rest; the part before it goes to out, unless that is NULL.
static bool pass(struct buf *out, struct str *rest, const char *needle, bool with_needle)
{
    struct str mark = str_of(needle);
    i64 at = str_find(*rest, mark);
    if (at < 0)
        return false;
    if (out)
        buf_add(out, (struct str){rest->ptr, (size_t)at + (with_needle ? mark.len : 0)});
    *rest = str_skip(*rest, (size_t)at + mark.len);
    return true;
}

// Makes the picture fill the window, and lets it be moved and scaled: its graph goes into a group
// named viewport, which a script transforms.
static void make_movable(struct buf *out, struct str svg)
{
    struct str rest = svg;
    if (!pass(out, &rest, "<svg", true) || !pass(NULL, &rest, "viewBox=", false))
        return;
    buf_text(out, " width=\"100%\" height=\"100%\"\n viewBox=");
    pass(out, &rest, "<g id=\"graph", false);
    buf_text(out, "<script type=\"text/ecmascript\"><![CDATA[\n");
    buf_add(out, ASSET(pan_js));
    buf_text(out, "]]></script>\n<g id=\"viewport\">\n<g id=\"graph");
    pass(out, &rest, "</svg>", false);
    buf_text(out, "</g>\n</svg>\n");
}

// One picture at a time.
static bool draw(struct buf *out, struct buf *dot, const char *format, struct err *e)
{
    buf_char(dot, 0);
    pthread_mutex_lock(&lock);
    bool done = render(out, dot->data, format, e);
    pthread_mutex_unlock(&lock);
    return done;
}

bool picture_svg(struct buf *out, struct report *r, const struct trimmed *t, struct err *e)
{
    struct buf dot;
    buf_init(&dot, out->limit);
    dot_write(&dot, r, t, false);
    bool done = draw(out, &dot, "svg", e);
    buf_free(&dot);
    return done;
}

bool report_picture(struct buf *out, struct report *r, struct err *e)
{
    struct buf dot, picture;
    buf_init(&dot, out->limit);
    buf_init(&picture, out->limit);
    bool done = report_dot(&dot, r, e) && draw(&picture, &dot, r->type->suffix, e);
    bool is_for_browser = str_equal(str_of(r->type->suffix), STR("svg")) && !r->type->viewer;
    if (done && is_for_browser)
        make_movable(out, buf_str(&picture));
    else if (done)
        buf_add(out, buf_str(&picture));
    buf_free(&picture);
    buf_free(&dot);
    return done;
}
