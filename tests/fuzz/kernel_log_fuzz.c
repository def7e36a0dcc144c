// The kernel's log, whatever is in it: an account of a kill, and names that end.
#include <stdlib.h>
#include <string.h>

#include "oom/kernel_log.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    // Ended by NUL, as what is read from the log is.
    char *text = malloc(n + 1);
    if (!text)
        return 0;
    memcpy(text, data, n);
    text[n] = 0;
    for (int is_v2 = 0; is_v2 < 2; is_v2++) {
        struct watch_kernel k = {0};
        kernel_log_parse(&k, (struct str){text, n}, 3086, is_v2, 0);
        for (u32 i = 0; i < ACCOUNT_PROCESSES; i++) {
            if (!memchr(k.other[i].name, 0, sizeof(k.other[i].name)))
                abort();
        }
    }
    free(text);
    return 0;
}
