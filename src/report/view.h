// What the browser's pages show, as data for their scripts: reports like those of report_types,
// each a document in JSON.
#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include "base/json.h"
#include "report/report.h"

// Ends with a row whose name is NULL.  The names are those of the pages.
extern const struct report_type report_views[];

const struct report_type *report_view_find(struct str name);

// json.c: parts that these documents share with -json.

// What the values are of: type, unit, total, filters ...
void json_header(struct json *j, const struct report *r);

// What is known of a place, in an object that is open.
void json_place(struct json *j, const struct places *ps, u32 row);

// A sample: its values, its stack, its labels.
void json_sample(struct json *j, const struct report *r, const struct places *ps, u32 sample);

// view_listing.c: source lines with their instructions.
report_writer report_source_view;

#endif
