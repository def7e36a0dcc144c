// Which file an address is in.  The loader's own lock-free table (_dl_find_object, glibc 2.35)
// answers that without any lock, as dl_iterate_phdr() and dladdr() do not.  What it finds is kept
// in a table of our own, with the row of the record's mapping.
#include "runtime/runtime.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

enum {
    MODULES = 1024,
    SLOTS = 2048,
    PAGE = 4096,
    NAME_BYTES = 4096,
    PATIENCE = 10000 // pauses, some 0.2 ms
};

static struct module module[MODULES];
static u32 nmodule = 1; // row 0: none
static u16 slot[SLOTS]; // by file_start; open addressing; row of module or 0
static u32 lock;

// The loader's function, looked up at run time: older C libraries lack it.
static int (*find_object)(void *address, struct dl_find_object *result);

// Slot for a file that is mapped at file_start.
static u32 first_slot(u64 file_start)
{
    return (u32)((file_start >> 12) * 0x9e3779b97f4a7c15 >> 40) % SLOTS;
}

// Another file may have taken the very place of one that was unloaded, the loader's object
// included: builds of one plugin do.
static bool is_same_file(const struct module *m)
{
    const struct record_mapping *known = &record.mapping[m->mapping];
    return !m->build_id || memcmp(m->build_id, known->build_id, known->build_id_bytes) == 0;
}

static bool is_module(const struct module *m, const struct dl_find_object *file, u64 address)
{
    return m->file_start == (u64)(uintptr_t)file->dlfo_map_start &&
           m->loader == file->dlfo_link_map && m->eh_header == file->dlfo_eh_frame &&
           address >= m->start && address < m->limit && is_same_file(m);
}

static const struct module *find_known(const struct dl_find_object *file, u64 address)
{
    for (u32 i = first_slot((u64)(uintptr_t)file->dlfo_map_start);; i++) {
        u16 row = __atomic_load_n(&slot[i % SLOTS], __ATOMIC_ACQUIRE);
        if (row == 0)
            return NULL;
        if (is_module(&module[row], file, address))
            return &module[row];
    }
}

// The NT_GNU_BUILD_ID note among a segment's notes; returns where it is, or NULL.
static const u8 *read_build_id(struct record_mapping *m, const u8 *note, u64 bytes)
{
    while (bytes >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) head;
        memcpy(&head, note, sizeof(head));
        u64 name = (head.n_namesz + 3) & ~(u64)3, desc = (head.n_descsz + 3) & ~(u64)3;
        if (name > bytes || desc > bytes || sizeof(head) + name + desc > bytes)
            return NULL;
        const u8 *text = note + sizeof(head);
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 && memcmp(text, "GNU", 4) == 0) {
            m->build_id_bytes =
                head.n_descsz < sizeof(m->build_id) ? head.n_descsz : sizeof(m->build_id);
            memcpy(m->build_id, text + name, m->build_id_bytes);
            return text + name;
        }
        note += sizeof(head) + name + desc;
        bytes -= sizeof(head) + name + desc;
    }
    return NULL;
}

// The file's name, absolute where that can be told: the program itself has none in the loader's
// list.
static u32 add_filename(const char *name)
{
    char path[NAME_BYTES];
    struct text t = {path, path + sizeof(path)};
    *path = 0;
    if (!*name) {
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = 0;
    } else {
        if (*name != '/' && strchr(name, '/') && getcwd(path, sizeof(path))) {
            t.at += strlen(path);
            text_add(&t, "/");
        }
        text_add(&t, name);
    }
    return record_text_add(&record, path, (u32)strlen(path));
}

static bool is_elf(u64 address)
{
    u8 ident[SELFMAG];
    return address && stack_copy(ident, address, SELFMAG) && memcmp(ident, ELFMAG, SELFMAG) == 0;
}

// Where the file's first bytes are mapped; NULL: nobody knows.  Where there are gaps between its
// segments, the loader tells of one of them only.
static const ElfW(Ehdr) * find_header(const struct dl_find_object *file)
{
    const struct link_map *map = file->dlfo_link_map;
    u64 page = ~(u64)(PAGE - 1);
    u64 place[] = {(u64)(uintptr_t)file->dlfo_map_start, map->l_addr & page,
                   map->l_prev ? 0 : getauxval(AT_PHDR) & page}; // the program itself is the first
    for (u32 i = 0; i < ARRAY_LEN(place); i++) {
        if (is_elf(place[i]))
            return (const void *)(uintptr_t)place[i];
    }
    return NULL;
}

// Fills in what the program headers say of the segment that holds address.  False when no
// executable one does.
static bool read_headers(struct module *m, struct record_mapping *mapping,
                         const struct dl_find_object *file, u64 address)
{
    const struct link_map *map = file->dlfo_link_map;
    const ElfW(Ehdr) *elf = find_header(file);
    if (!elf)
        return false;
    const ElfW(Phdr) *header = (const void *)((uintptr_t)elf + elf->e_phoff);
    for (u32 i = 0; i < elf->e_phnum; i++) {
        const ElfW(Phdr) *h = &header[i];
        u64 start = map->l_addr + h->p_vaddr, eh = (u64)(uintptr_t)m->eh_header;
        if (h->p_type == PT_LOAD && (h->p_flags & PF_X) && address >= start &&
            address < start + h->p_memsz) {
            mapping->start = m->start = start & ~(u64)(PAGE - 1);
            mapping->limit = m->limit = (start + h->p_memsz + PAGE - 1) & ~(u64)(PAGE - 1);
            mapping->offset = h->p_offset & ~(u64)(PAGE - 1);
        }
        if (h->p_type == PT_LOAD && eh >= start && eh < start + h->p_filesz) {
            m->eh_low = (const u8 *)(uintptr_t)start;
            m->eh_high = (const u8 *)(uintptr_t)(start + h->p_filesz);
        }
        if (h->p_type == PT_NOTE && mapping->build_id_bytes == 0)
            m->build_id = read_build_id(mapping, (const u8 *)(uintptr_t)start, h->p_filesz);
    }
    return m->limit != 0;
}

static const struct module *add_module(const struct dl_find_object *file, u64 address)
{
    struct module m = {
        .file_start = (u64)(uintptr_t)file->dlfo_map_start,
        .loader = file->dlfo_link_map,
        .eh_header = file->dlfo_eh_frame,
    };
    struct record_mapping mapping = {0};
    if (nmodule == MODULES || !read_headers(&m, &mapping, file, address))
        return NULL;
    mapping.filename = add_filename(file->dlfo_link_map->l_name);
    m.mapping = record_mapping_add(&record, &mapping);
    if (m.mapping == 0)
        return NULL;
    module[nmodule] = m;
    u32 at = first_slot(m.file_start);
    while (slot[at % SLOTS])
        at++;
    __atomic_store_n(&slot[at % SLOTS], (u16)nmodule, __ATOMIC_RELEASE);
    return &module[nmodule++];
}

const struct module *module_find(u64 address)
{
    struct dl_find_object file;
    if (!find_object || find_object((void *)(uintptr_t)address, &file) != 0)
        return NULL;
    const struct module *known = find_known(&file, address);
    if (known)
        return known;
    // Whoever holds the lock enters a module, which waits for nobody; but it may be this very
    // thread, interrupted by a signal.
    for (u32 tries = 0; __atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE); tries++) {
        if (tries == PATIENCE)
            return NULL;
        __builtin_ia32_pause();
    }
    known = find_known(&file, address);
    if (!known)
        known = add_module(&file, address);
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    return known;
}

void module_reset(void)
{
    memset(slot, 0, sizeof(slot));
    nmodule = 1;
    lock = 0;
    if (find_object)
        return;
    void *address = dlsym(RTLD_DEFAULT, "_dl_find_object");
    memcpy(&find_object, &address, sizeof(address));
}
