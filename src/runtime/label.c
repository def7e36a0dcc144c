// Labels: which set the calling thread has.  The sets themselves are in the record.
#include "runtime/runtime.h"

#include <errno.h>

#include "sonde/sonde.h"

EXPORT sonde_labels sonde_labels_with(sonde_labels base, const char *key, const char *value)
{
    int error = errno;
    thread.busy++;
    if (key && *key && start_is_ready())
        base = record_label_add(&record, base, key, value);
    thread.busy--;
    errno = error;
    return base;
}

EXPORT sonde_labels sonde_labels_current(void)
{
    return thread.labels;
}

EXPORT sonde_labels sonde_labels_set(sonde_labels labels)
{
    sonde_labels before = thread.labels;
    thread.labels = labels;
    return before;
}

EXPORT void sonde_do(sonde_labels labels, void (*f)(void *argument), void *argument)
{
    sonde_labels before = sonde_labels_set(labels);
    f(argument);
    sonde_labels_set(before);
}
