// A thread that sends requests to S3, any number of them at a time, by libcurl's multi interface.
#ifndef UPLOAD_S3_ENGINE_H
#define UPLOAD_S3_ENGINE_H

#include "s3_call.h"

struct s3_engine;

// NULL: no memory, or no thread.
struct s3_engine *s3_engine_open(const struct s3_options *o);

// Waits for what is under way.
void s3_engine_close(struct s3_engine *s);

// What is under way is cut off, and nothing is begun but what tidies up.
void s3_engine_stop(struct s3_engine *s);

// Calls the call's done when it has ended, on the engine's thread.
void s3_engine_start(struct s3_engine *s, struct s3_call *c);
void s3_engine_cancel(struct s3_call *c);

// How long to wait behind a failure.
int64_t s3_delay_ms(const struct s3_answer *a);

#endif
