// What is known of a file, as an object's metadata: x-amz-meta-name holds the name, escaped where
// it is not plain ASCII, and x-amz-meta-type the type where no header can hold it.
#ifndef UPLOAD_S3_OBJECT_H
#define UPLOAD_S3_OBJECT_H

#include "s3.h"
#include "store.h"

// Adds a file's metadata to a request that makes its object.
bool s3_object_describe(struct s3_request *r, const struct store_file *f, struct err *e);

// Of the answer to HEAD.
uint64_t s3_object_size(const struct s3_answer *a);

// Tells of the objects whose keys are prefix and an id, oldest first, at most so many, until each()
// returns false.
bool s3_object_list(struct s3 *s, const char *prefix, uint32_t most,
                    bool (*each)(void *context, const struct store_file *f), void *context,
                    struct err *e);

#endif
