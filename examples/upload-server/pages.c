#include "pages.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int return_file(struct dl_phdr_info *info, size_t size, void *page_bytes)
{
    uintptr_t page = *(uintptr_t *)page_bytes;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
            continue;
        uintptr_t start = info->dlpi_addr + p->p_vaddr, end = start + p->p_filesz;
        start = start / page * page;
        end = (end + page - 1) / page * page;
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void pages_return(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(return_file, &page);
}
