// Names of system calls.
#ifndef RECORD_CALL_H
#define RECORD_CALL_H

#include "base/arena.h"

// "epoll_wait"; the number itself when it has no name.
struct str call_name(i32 number, struct arena *a);

#endif
