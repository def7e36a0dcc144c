// SHA-256 (FIPS 180-4), as Content-Security-Policy names the scripts and styles that may run.
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/buf.h"

enum { SHA256_BYTES = 32 };

void sha256(u8 digest[SHA256_BYTES], struct str bytes);

// Appends the digest in base64.
void sha256_base64(struct buf *out, struct str bytes);

#endif
