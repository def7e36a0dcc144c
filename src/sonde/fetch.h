// Sources -> one profile.
#ifndef SONDE_FETCH_H
#define SONDE_FETCH_H

#include "record/read.h"
#include "sonde/request.h"

// Fetches all sources and bases, at the same time where they are remote; merges each, takes the
// bases away, names the addresses and drops the frames that the profile itself calls
// uninteresting.  A copy of what came from a server is kept as a file.  Fails when nothing could be
// fetched; tells on stderr of the sources that failed when others did not.
bool fetch_profile(struct profile *out, const struct sourcing *s, struct arena *a, struct err *e);

// p without base, normalized and marked as *s says.  Uses up the frames of both, as profile_merge()
// does.
bool fetch_subtract(struct profile *out, const struct profile *p, const struct profile *base,
                    const struct sourcing *s, struct arena *a, struct err *e);

// source.c: one source: a file ("-": standard input), an http(s) URL, a PID, or a record.
// *url: of the server that it came from; empty: it came from none.
bool source_read(struct profile *out, struct str name, const struct sourcing *s, struct str *url,
                 struct arena *a, struct err *e);

// The record that a source is, live (of a PID) or left behind.  Fails when it is none, saying so.
bool source_record(struct record_view *out, bool *is_live, struct str name, struct arena *a,
                   struct err *e);

// Where it is.
bool source_record_path(struct str *path, bool *is_live, struct str name, struct arena *a,
                        struct err *e);

// Whether it is a process that runs.
bool source_is_pid(struct str name, struct arena *a);

// Whether reading it means waiting for somebody else.
bool source_is_remote(struct str name, struct arena *a);

// download.c: what a server answers to a GET of url, at most s->most_bytes.
bool download(struct str *body, struct str url, const struct sourcing *s, struct arena *a,
              struct err *e);

// What a server answers to question, words with '+' between them, at url.  One that takes no POST,
// as Go's from 1.22 on, is asked by GET.
bool download_answer(struct str *answer, struct str url, struct str question,
                     const struct sourcing *s, struct arena *a, struct err *e);

// locate.c: with the files of the mappings replaced by those that are found in the folders of
// PPROF_BINARY_PATH.
struct profile locate_binaries(const struct profile *p, const struct sourcing *s, struct arena *a);

// remote.c: where the mappings of profiles came from, to ask there for the names of addresses.

struct remote_source {
    struct str key; // the mapping's build id, or else its file
    struct str url; // of the profile
    u64 start;      // of the mapping there
};

struct remote {
    struct remote_source *source;
    u32 n, cap;
};

// Gives the mappings of p, which came from url, that name no file the url as their file, so that
// they can be told apart.
void remote_mark(struct profile *p, struct str url, struct arena *a);

// Adds the mappings of p.
void remote_add(struct remote *r, const struct profile *p, struct str url, struct arena *a);

// p with names for addresses in mappings that have none, with force in all, from the servers'
// symbol pages.  Fails when one does not answer.
bool remote_symbolize(struct profile *out, const struct profile *p, const struct remote *r,
                      bool force, const struct sourcing *s, struct arena *a, struct err *e);

// Takes the marks away.
struct profile remote_unmark(const struct profile *p, struct arena *a);

// symbolize.c: with functions and lines as s->symbolize (-symbolize=MODE) says; tells on stderr of
// files that have none.  Fails when servers alone are to be asked, and do not answer.
bool symbolize(struct profile *out, const struct profile *p, const struct remote *r,
               const struct sourcing *s, struct arena *a, struct err *e);

#endif
