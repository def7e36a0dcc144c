#include "object/build_id.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct str build_id_hex(const void *bytes, size_t n, struct arena *a)
{
    const u8 *id = bytes;
    char *hex = arena_alloc(a, 2 * n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        hex[2 * i] = "0123456789abcdef"[id[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[id[i] & 15];
    }
    return (struct str){hex, 2 * n};
}

bool build_id_read(struct str *id, const char *path, struct arena *a)
{
    struct stat st;
    const void *bytes;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe would make it wait
    if (fd < 0)
        return false;
    *id = STR("");
    elf_version(EV_CURRENT);
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    Elf *elf = is_file ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
    bool is_elf = elf && elf_kind(elf) == ELF_K_ELF;
    ssize_t n = is_elf ? dwelf_elf_gnu_build_id(elf, &bytes) : 0;
    if (n > 0)
        *id = build_id_hex(bytes, (size_t)n, a);
    elf_end(elf);
    close(fd);
    return is_elf;
}

struct str build_id_kept(struct str id, bool is_vdso, struct arena *a)
{
    const char *home = getenv("HOME");
    struct str folder = id;
    folder.len = id.len < 2 ? id.len : 2;
    return arena_printf(a, "%s/.debug/.build-id/%.*s/%.*s/%s", home ? home : "", STR_ARG(folder),
                        STR_ARG(str_skip(id, 2)), is_vdso ? "vdso" : "elf");
}
