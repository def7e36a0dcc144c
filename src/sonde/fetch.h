// Sources -> one profile.
#ifndef SONDE_FETCH_H
#define SONDE_FETCH_H

#include "sonde/request.h"

// Fetches all sources and bases, at the same time where they are remote; merges each, takes the
// bases away, names the addresses and drops the frames that the profile itself calls
// uninteresting.  A copy of what came from a server is kept as a file.  Fails when nothing could be
// fetched; tells on stderr of the sources that failed when others did not.
bool fetch_profile(struct profile *out, const struct sourcing *s, struct arena *a, struct err *e);

// source.c: one source: a file ("-": standard input), an http(s) URL, a PID, or a record.
// *is_remote: it came from a server.
bool source_read(struct profile *out, struct str name, const struct sourcing *s, bool *is_remote,
                 struct arena *a, struct err *e);

// Whether reading it means waiting for somebody else.
bool source_is_remote(struct str name, struct arena *a);

// download.c: what a server answers to a GET of url, at most s->most_bytes.
bool download(struct str *body, struct str url, const struct sourcing *s, struct arena *a,
              struct err *e);

// locate.c: with the files of the mappings replaced by those that are found in the folders of
// PPROF_BINARY_PATH.
struct profile locate_binaries(const struct profile *p, const struct sourcing *s, struct arena *a);

// symbolize.c: with functions and lines as mode (-symbolize=MODE) says; warns about files that have
// none.
struct profile symbolize(const struct profile *p, struct str mode, struct arena *a);

#endif
