#include "object/image.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include "object/build_id.h"

enum { PAGE_BYTES = 4096 };
#define MOST_BYTES ((u64)1 << 30)

static bool read_all(int fd, u8 *to, u64 bytes, u64 offset)
{
    while (bytes) {
        ssize_t n = pread(fd, to, bytes, (off_t)offset);
        if (n <= 0)
            return false;
        to += n;
        bytes -= (u64)n;
        offset += (u64)n;
    }
    return true;
}

// Copies the part that has .eh_frame_hdr, which has .eh_frame as well.
static bool read_part(struct image *i, const GElf_Phdr *load, u64 header, int fd, struct arena *a)
{
    if (header < load->p_vaddr || header - load->p_vaddr >= load->p_filesz)
        return true;
    struct stat st;
    if (fstat(fd, &st) != 0 || load->p_filesz > (u64)st.st_size || load->p_filesz > MOST_BYTES)
        return false;
    u8 *copy = arena_alloc(a, load->p_filesz, 1);
    if (!read_all(fd, copy, load->p_filesz, load->p_offset))
        return false;
    i->bias = (u64)(uintptr_t)copy - load->p_vaddr;
    i->eh = (struct eh_frame){copy, copy + load->p_filesz, copy + (header - load->p_vaddr)};
    return true;
}

static bool read_parts(struct image *i, Elf *elf, int fd, struct arena *a)
{
    GElf_Phdr h;
    size_t n;
    u64 header = 0;
    if (elf_getphdrnum(elf, &n) != 0)
        return false;
    for (size_t k = 0; k < n; k++) {
        if (gelf_getphdr(elf, (int)k, &h) && h.p_type == PT_GNU_EH_FRAME)
            header = h.p_vaddr;
    }
    for (size_t k = 0; k < n; k++) {
        if (!gelf_getphdr(elf, (int)k, &h) || h.p_type != PT_LOAD)
            continue;
        *arena_push(a, i->part, i->npart, i->part_cap) =
            (struct image_part){h.p_offset, h.p_filesz, h.p_vaddr};
        if (!i->eh.low && !read_part(i, &h, header, fd, a))
            return false;
    }
    return i->eh.low != NULL;
}

static bool read_file(struct image *i, const char *path, struct arena *a)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    *i = (struct image){0};
    bool done = elf && gelf_getclass(elf) == ELFCLASS64 && read_parts(i, elf, fd, a);
    elf_end(elf);
    close(fd);
    if (!done)
        *i = (struct image){0};
    return done;
}

static bool is_wanted(const char *path, struct str build_id, struct arena *a)
{
    struct str id;
    return build_id_read(&id, path, a) && (build_id.len == 0 || str_equal(id, build_id));
}

bool image_open(struct image *i, struct str path, struct str build_id, struct arena *a,
                struct err *e)
{
    const char *file = arena_str(a, path).ptr;
    if (str_starts(path, STR("/")) && is_wanted(file, build_id, a) && read_file(i, file, a))
        return true;
    const char *kept = build_id_kept(build_id, str_equal(path, STR("[vdso]")), a).ptr;
    if (build_id.len && is_wanted(kept, build_id, a) && read_file(i, kept, a))
        return true;
    return err_set(e, ENOENT, "%.*s: there is no such file with unwind tables here", STR_ARG(path));
}

struct unwind_rule image_rule(const struct image *i, u64 offset)
{
    for (u32 k = 0; k < i->npart; k++) {
        const struct image_part *p = &i->part[k];
        // From the page's start on, as the kernel maps it.
        u64 start = p->offset & ~(u64)(PAGE_BYTES - 1);
        if (offset >= start && offset < p->offset + p->bytes)
            return eh_frame_rule(&i->eh, i->bias + p->address + (offset - p->offset));
    }
    return (struct unwind_rule){.cfa = UNWIND_UNKNOWN};
}
