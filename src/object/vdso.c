#include "object/vdso.h"

#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

bool vdso_is(struct str path)
{
    return str_starts(path, STR("[vdso")) || str_starts(path, STR("linux-vdso"));
}

bool vdso_open(struct str *path, int *fd, struct arena *a)
{
    const u8 *image = (const u8 *)getauxval(AT_SYSINFO_EHDR);
    ElfW(Ehdr) h;
    if (!image)
        return false;
    memcpy(&h, image, sizeof(h));
    // The table of sections is a file's end.
    size_t bytes = h.e_shoff + (size_t)h.e_shnum * h.e_shentsize;
    *fd = memfd_create("vdso", MFD_CLOEXEC);
    if (*fd < 0)
        return false;
    *path = arena_printf(a, "/proc/self/fd/%d", *fd);
    if (write(*fd, image, bytes) == (ssize_t)bytes)
        return true;
    close(*fd);
    return false;
}
