// The table of reports.
#include "report/report.h"

#define TEXT_MIME  "text/plain; charset=utf-8"
#define HTML_MIME  "text/html; charset=utf-8"
#define BYTES_MIME "application/octet-stream"

#define SELECTION                                                                                  \
    "Include up to n samples\n"                                                                    \
    "Include samples matching focus_regex, and exclude ignore_regex."
#define CUM  "\n-cum sorts the output by cumulative weight"
#define SAVE "\nOptionally save the report on the file f"

#define TEXT_USAGE(name)    name " [n] [focus_regex]* [-ignore_regex]* [-cum] >f\n" SELECTION CUM SAVE
#define PICTURE_USAGE(name) name " [n] [focus_regex]* [-ignore_regex]* >f\n" SELECTION SAVE
#define VIEWER_USAGE(name)  name " [n] [focus_regex]* [-ignore_regex]*\n" SELECTION
#define TAGS_USAGE                                                                                 \
    "tags [tag_regex]* [-ignore_regex]* [>file]\n"                                                 \
    "List tags with key:value matching tag_regex and exclude ignore_regex."
#define LIST_USAGE(name, end)                                                                      \
    name "<func_regex|address> [-focus_regex]* [-ignore_regex]*" end "\n"                          \
         "Include functions matching func_regex, or including the address specified.\n"            \
         "Include samples matching focus_regex, and exclude ignore_regex."

// A drawn call graph.
#define GRAPH .is_visual = true, .takes_call_tree = true, .shows_edges = true

const struct report_type report_types[] = {
    {"callgrind", "Outputs a graph in callgrind format", PICTURE_USAGE("callgrind"), NULL,
     report_callgrind, REPORT_OFF_TERMINAL, "callgraph.out", NULL, BYTES_MIME, "addresses",
     .takes_call_tree = true, .shows_edges = true, .is_untrimmed = true, .is_integer = true,
     .keeps_objfile = true},
    {"comments", "Output all profile comments", NULL, NULL, report_comments, REPORT_TO_STDOUT,
     "txt", NULL, .mime = TEXT_MIME},
    {"disasm", "Output assembly listings annotated with samples", LIST_USAGE("disasm", " >f") SAVE,
     "regexp", report_disasm, REPORT_TO_STDOUT, "txt", NULL, TEXT_MIME, "addresses",
     .is_untrimmed = true, .always_inlines = true, .keeps_objfile = true},
    {"dot", "Outputs a graph in DOT format", PICTURE_USAGE("dot"), NULL, report_dot,
     REPORT_TO_STDOUT, "dot", NULL, "text/vnd.graphviz", GRAPH},
    {"eog", "Visualize graph through eog", VIEWER_USAGE("eog"), NULL, report_picture,
     REPORT_TO_VIEWER, "svg", "eog", "image/svg+xml", GRAPH},
    {"evince", "Visualize graph through evince", VIEWER_USAGE("evince"), NULL, report_picture,
     REPORT_TO_VIEWER, "pdf", "evince", "application/pdf", GRAPH},
    {"flame", "Outputs a flame graph as one HTML page", PICTURE_USAGE("flame"), NULL, report_flame,
     REPORT_OFF_TERMINAL, "html", NULL, "text/html; charset=utf-8", .is_untrimmed = true,
     .usual_granularity = "filefunctions", .skips_hidden = true},
    {"folded", "Outputs stacks in folded form, one a line", PICTURE_USAGE("folded"), NULL,
     report_folded, REPORT_TO_STDOUT, "folded", NULL, .mime = TEXT_MIME, .is_untrimmed = true},
    {"gif", "Outputs a graph image in GIF format", PICTURE_USAGE("gif"), NULL, report_picture,
     REPORT_OFF_TERMINAL, "gif", NULL, "image/gif", GRAPH},
    {"gv", "Visualize graph through gv", VIEWER_USAGE("gv"), NULL, report_picture, REPORT_TO_VIEWER,
     "ps", "gv --noantialias", "application/postscript", GRAPH},
    {"json", "Outputs views of the profile as JSON: top,graph,tree,samples,tags",
     "json [views] [n] [focus_regex]* [-ignore_regex]* >f\n"
     "Views by commas: top, graph, tree, samples, tags; top,graph when none are named.\n" SELECTION
         SAVE,
     "views", report_json, REPORT_TO_STDOUT, "json", NULL, "application/json",
     .standard_parameter = "top,graph", .shows_all_nodes = true, .shows_edges = true},
    {"kcachegrind", "Visualize report in KCachegrind", VIEWER_USAGE("kcachegrind"), NULL,
     report_callgrind, REPORT_TO_VIEWER, "grind", "kcachegrind", BYTES_MIME, "addresses",
     .takes_call_tree = true, .shows_edges = true, .is_untrimmed = true, .is_integer = true,
     .keeps_objfile = true},
    {"list", "Output annotated source for functions matching regexp", LIST_USAGE("list", ""),
     "regexp", report_list, REPORT_TO_STDOUT, "txt", NULL, TEXT_MIME, "lines", .is_untrimmed = true,
     .keeps_objfile = true},
    {"markdown", "Outputs top entries and their callers in Markdown", TEXT_USAGE("markdown"), NULL,
     report_markdown, REPORT_TO_STDOUT, "md", NULL, "text/markdown; charset=utf-8",
     .nodecount = 20},
    {"pdf", "Outputs a graph in PDF format", PICTURE_USAGE("pdf"), NULL, report_picture,
     REPORT_OFF_TERMINAL, "pdf", NULL, "application/pdf", GRAPH},
    {"peek", "Output callers/callees of functions matching regexp",
     "peek func_regex\n"
     "Display callers and callees of functions matching func_regex.",
     "regexp", report_tree, REPORT_TO_STDOUT, "txt", NULL, TEXT_MIME, .is_untrimmed = true,
     .shows_edges = true},
    {"png", "Outputs a graph image in PNG format", PICTURE_USAGE("png"), NULL, report_picture,
     REPORT_OFF_TERMINAL, "png", NULL, "image/png", GRAPH},
    {"proto", "Outputs the profile in compressed protobuf format", NULL, NULL, report_proto,
     REPORT_OFF_TERMINAL, "pb.gz", NULL, BYTES_MIME, "addresses", .is_untrimmed = true},
    {"ps", "Outputs a graph in PS format", PICTURE_USAGE("ps"), NULL, report_picture,
     REPORT_OFF_TERMINAL, "ps", NULL, "application/postscript", GRAPH},
    {"raw", "Outputs a text representation of the raw profile", NULL, NULL, report_raw,
     REPORT_TO_STDOUT, "txt", NULL, TEXT_MIME, "addresses", .is_untrimmed = true,
     .keeps_objfile = true, .is_streamed = true},
    {"svg", "Outputs a graph in SVG format", PICTURE_USAGE("svg"), NULL, report_picture,
     REPORT_OFF_TERMINAL, "svg", NULL, "image/svg+xml", GRAPH},
    {"tags", "Outputs all tags in the profile", TAGS_USAGE, NULL, report_tags, REPORT_TO_STDOUT,
     "txt", NULL, .mime = TEXT_MIME},
    {"text", "Outputs top entries in text form", TEXT_USAGE("text"), NULL, report_text,
     REPORT_TO_STDOUT, "txt", NULL, TEXT_MIME, .shows_all_nodes = true},
    {"top", "Outputs top entries in text form", TEXT_USAGE("top"), NULL, report_text,
     REPORT_TO_STDOUT, "txt", NULL, TEXT_MIME, .shows_all_nodes = true},
    {"topproto", "Outputs top entries in compressed protobuf format", NULL, NULL, report_topproto,
     REPORT_OFF_TERMINAL, "pb.gz", NULL, BYTES_MIME, .shows_all_nodes = true},
    {"traces", "Outputs all profile samples in text form", NULL, NULL, report_traces,
     REPORT_TO_STDOUT, "txt", NULL, .mime = TEXT_MIME, .is_streamed = true},
    {"tree", "Outputs a text rendering of call graph", TEXT_USAGE("tree"), NULL, report_tree,
     REPORT_TO_STDOUT, "txt", NULL, TEXT_MIME, .shows_edges = true},
    {"web", "Visualize graph through web browser", VIEWER_USAGE("web"), NULL, report_picture,
     REPORT_TO_VIEWER, "svg", NULL, "image/svg+xml", GRAPH},
    {"weblist", "Display annotated source in a web browser", LIST_USAGE("weblist", ""), "regexp",
     report_weblist, REPORT_TO_VIEWER, "html", NULL, HTML_MIME, "addresses", .is_untrimmed = true,
     .always_inlines = true, .keeps_objfile = true},
    {0},
};

const struct report_type *report_find(struct str name)
{
    for (const struct report_type *t = report_types; t->name; t++) {
        if (str_equal(str_of(t->name), name))
            return t;
    }
    return NULL;
}
