// Columns that line up at the right, as Go's text/tabwriter makes them.
#ifndef REPORT_COLUMNS_H
#define REPORT_COLUMNS_H

#include "base/arena.h"
#include "base/buf.h"

// Appends text with its columns aligned.  A tab ends a cell; cells of neighbouring lines that are
// in the same column get the width of the widest of them and one blank more.  What follows a line's
// last tab is in no column.  A vertical tab is a tab, a form feed a line's end that ends all
// columns too.
void columns_write(struct buf *out, struct str text, struct arena *a);

#endif
