// Pictures of the call graph, by Graphviz as a library: no program to be found, no pipe.
#include <errno.h>
#include <graphviz/cgraph.h>
#include <graphviz/gvc.h>
#include <pthread.h>
#include <string.h>

#include "report/report.h"

// Graphviz keeps state in globals: one layout at a time.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char complaint[512];

static int keep_complaint(char *text)
{
    size_t used = strlen(complaint);
    strncpy(complaint + used, text, sizeof(complaint) - 1 - used);
    return 0;
}

static bool render(struct buf *out, const char *dot, const char *format, struct err *e)
{
    GVC_t *gvc = gvContext();
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
    gvFreeContext(gvc);
    return done;
}

bool report_picture(struct buf *out, struct report *r, struct err *e)
{
    struct buf dot;
    buf_init(&dot, out->limit);
    bool done = report_dot(&dot, r, e);
    buf_char(&dot, 0);
    pthread_mutex_lock(&lock);
    done = done && render(out, dot.data, r->type->suffix, e);
    pthread_mutex_unlock(&lock);
    buf_free(&dot);
    return done;
}
