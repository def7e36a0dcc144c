// Files that become shorter while they are mapped, as binaries do that are being built: a load of
// what is gone raises SIGBUS.  Libraries map the files that they read, so that cannot be avoided;
// it can be survived.
#ifndef BASE_SHRUNK_H
#define BASE_SHRUNK_H

#include "base/types.h"

// From here on what is gone reads as zeros, which readers of damaged files can live with.  Of the
// whole process; other errors that raise SIGBUS still end it.
void shrunk_survive(void);

// Whether that has happened.
bool shrunk_happened(void);

#endif
