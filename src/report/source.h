// Source files, found from the names that profiles have for them.
#ifndef REPORT_SOURCE_H
#define REPORT_SOURCE_H

#include "base/err.h"
#include "base/table.h"
#include "profile/profile.h"
#include "report/config.h"

struct source_file {
    struct str *line; // line[1] is the first, without their ends
    u32 nline;        // line[0] included
    struct err error; // code 0: it was read
};

struct sources {
    const struct profile *p; // says which binaries a file was compiled into
    struct str search_path;  // folders, by ':'
    struct str trim_path;
    bool is_confined; // files outside of search_path are not read
    struct table names;
    struct source_file **file; // by row of names
    u32 nfile, cap;
    struct arena *arena;
};

// Searches the config's source_path, or else the current folder.  p outlives s.
bool sources_init(struct sources *s, const struct config *c, const struct profile *p,
                  struct arena *a, struct err *e);

// The file of that name, read once.  A relative name is searched in each folder of the path and in
// all folders above it.  What is not here the servers of DEBUGINFOD_URLS are asked for, by the
// binaries that have it.
const struct source_file *sources_find(struct sources *s, struct str name);

// The same if it was asked for before; NULL otherwise.
const struct source_file *sources_known(const struct sources *s, struct str name);

// The same as sources_find(); when it is not there, it is looked for in the folder that it was
// compiled in, and by the whole of its name.
const struct source_file *sources_find_built(struct sources *s, struct str name, struct str folder);

#endif
