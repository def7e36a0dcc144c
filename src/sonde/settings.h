// Named settings of the pages, in the file where pprof's are: ~/.config/pprof/settings.json.
#ifndef SONDE_SETTINGS_H
#define SONDE_SETTINGS_H

#include "base/json.h"
#include "report/config.h"

// Appends an array of the settings that there are, each with its name and what it adds to a page's
// address.  Fails when the file is there and is no such file.
bool settings_list(struct json *j, struct arena *a, struct err *e);

// Adds one, or replaces that of this name.  Fails with EINVAL on a name that is none.
bool settings_save(struct str name, const struct config *c, struct arena *a, struct err *e);

// Fails with ENOENT when there is none of this name.
bool settings_delete(struct str name, struct arena *a, struct err *e);

#endif
