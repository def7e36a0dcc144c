// The unwinder's tables with any content: a search header with one entry, then bytes as they come.
#include <stdlib.h>
#include <string.h>

#include "object/eh_frame.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    enum { HEADER_BYTES = 20 };
    if (n < 4)
        return 0;
    u8 *copy = malloc(HEADER_BYTES + n); // of its exact size, for the sanitizer
    const u8 header[12] = {1, 0x1b, 0x03, 0x3b, 0, 0, 0, 0, 1, 0, 0, 0};
    memcpy(copy, header, sizeof(header));
    i32 start = 1000, fde = HEADER_BYTES + (i32)(data[0] % n);
    memcpy(copy + 12, &start, sizeof(start));
    memcpy(copy + 16, &fde, sizeof(fde));
    memcpy(copy + HEADER_BYTES, data, n);
    struct eh_frame eh = {.low = copy, .high = copy + HEADER_BYTES + n, .header = copy};
    for (u64 pc = 990; pc < 1050; pc += 7)
        eh_frame_rule(&eh, (u64)(uintptr_t)copy + pc);
    // The input as a whole file's tables.
    memcpy(copy, data, n);
    eh_frame_rule(&eh, (u64)(uintptr_t)copy + 100);
    free(copy);
    return 0;
}
