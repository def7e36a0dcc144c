// What the command line of "sonde [FORMAT] [OPTIONS] [BINARY] SOURCE..." asks for.
#ifndef SONDE_REQUEST_H
#define SONDE_REQUEST_H

#include "report/report.h"

// Where a profile comes from and what becomes of it before anybody sees it.
struct sourcing {
    struct str *source, *base; // names of files, URLs, PIDs, records
    u32 nsource, nbase;
    bool is_diff;        // the bases' sum is what percentages are of
    bool normalize;      // scale to the bases' sums first
    struct str binary;   // file of the first mapping; empty: as the profile says
    struct str build_id; // of the first mapping, when it has none
    struct str symbolize;
    struct str comment; // to be added
    bool all_frames;    // the profile's drop_frames are not heard
    i64 seconds;        // length of profiles that are made on demand; -1: the server's default
    i64 timeout_s;      // of a download; -1: by its length
    struct str tls_cert, tls_key, tls_ca;
    u64 most_bytes; // of a profile, unpacked
};

struct request {
    const struct report_type *type; // NULL: none is named, so the shell or the browser
    struct str parameter;
    struct config config;
    struct sourcing sourcing;
    struct str http; // where to serve the pages; empty: nowhere
    bool no_browser;
};

// Arguments without the command's own name.  Fails with EINVAL.
bool request_parse(struct request *q, char **argument, struct arena *a, struct err *e);

// Lines of help about the options that are not in report_types or config_variables.
extern const char request_help[];

#endif
