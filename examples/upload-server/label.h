// Which upload a thread works for, said to a profiler that is in the process: samples of Sonde's
// profiles have it as their labels, and so has what it still holds when it is killed.
#ifndef UPLOAD_LABEL_H
#define UPLOAD_LABEL_H

#include <stdint.h>

// From now on the calling thread works for the request of this number, which is small, since there
// is room for a few sets of labels only.  Does nothing where there is no profiler.
void label_begin(uint32_t number);
void label_end(void);

#endif
