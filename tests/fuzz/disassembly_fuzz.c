// Code of x86-64 and AArch64 as text, and the stubs of ELF files, from any bytes.  The first byte
// chooses.
#include <string.h>

#include "object/plt.h"
#include "object/syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_all(struct arena *a, cs_arch arch, cs_mode mode, cs_opt_value syntax,
                      syntax_writer *write, const u8 *code, size_t left)
{
    csh handle;
    struct symtab none = {0};
    if (cs_open(arch, mode, &handle) != CS_ERR_OK)
        __builtin_trap();
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    cs_option(handle, CS_OPT_SYNTAX, syntax);
    struct syntax s = {handle, &none, a};
    cs_insn *i = cs_malloc(handle);
    u64 address = 0x1000;
    struct buf out;
    buf_init(&out, (size_t)MIB(1));
    while (left) {
        if (cs_disasm_iter(handle, &code, &left, &address, i)) {
            write(&out, &s, i);
            continue;
        }
        u32 length = x86_unknown_length(code, left);
        if (length == 0 || length > left)
            __builtin_trap();
        code += length;
        left -= length;
    }
    buf_free(&out);
    cs_free(i, 1);
    cs_close(&handle);
}

static void read_stubs(struct arena *a, const u8 *data, size_t size)
{
    elf_version(EV_CURRENT);
    char *image = arena_alloc(a, size, 1);
    memcpy(image, data, size);
    Elf *elf = elf_memory(image, size);
    if (elf)
        plt_read(elf, a);
    elf_end(elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    if (size < 2)
        return 0;
    arena_init(&a, (size_t)MIB(512));
    const u8 *code = data + 1;
    size_t left = size - 1;
    switch (data[0] % 4) {
    case 0:
        write_all(&a, CS_ARCH_X86, CS_MODE_64, CS_OPT_SYNTAX_ATT, syntax_att, code, left);
        break;
    case 1:
        write_all(&a, CS_ARCH_X86, CS_MODE_64, CS_OPT_SYNTAX_INTEL, syntax_intel, code, left);
        break;
    case 2:
        write_all(&a, CS_ARCH_ARM64, CS_MODE_ARM, CS_OPT_SYNTAX_DEFAULT, syntax_arm, code, left);
        break;
    default:
        read_stubs(&a, code, left);
    }
    arena_free(&a);
    return 0;
}
