// Unwind rules of functions whose call frame instructions are written here by hand, as assemblers
// and compilers write them, and one step up by each kind of rule.
#include "object/eh_frame.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include "../tap.h"
#include "object/image.h"
#include "object/unwind.h"

#ifdef __x86_64__

// Only their rules matter, not what they do.
__asm__(".text\n"
        ".globl rule_plain, rule_linked, rule_saved, rule_register, rule_other, rule_popped, "
        "rule_end, rule_none\n"
        "rule_plain: .cfi_startproc\n .cfi_def_cfa_offset 48\n nop\n .cfi_endproc\n"
        "rule_linked: .cfi_startproc\n .cfi_def_cfa rbp, 16\n .cfi_offset rbp, -16\n nop\n"
        " .cfi_endproc\n"
        // 8 above the word at sp + 16
        "rule_saved: .cfi_startproc\n .cfi_escape 0x0f, 5, 0x77, 16, 6, 0x23, 8\n nop\n"
        " .cfi_endproc\n"
        "rule_register: .cfi_startproc\n .cfi_def_cfa rsi, 8\n nop\n .cfi_endproc\n"
        "rule_other: .cfi_startproc\n .cfi_def_cfa 17, 8\n nop\n .cfi_endproc\n" // xmm0
        "rule_popped: .cfi_startproc\n .cfi_def_cfa_offset 0\n .cfi_register rip, rcx\n nop\n"
        " .cfi_endproc\n"
        "rule_end: .cfi_startproc\n .cfi_undefined rip\n nop\n .cfi_endproc\n"
        "rule_none: nop\n nop\n nop\n nop\n");

extern char rule_plain[], rule_linked[], rule_saved[], rule_register[], rule_other[], rule_popped[],
    rule_end[], rule_none[];

static struct image image;

static struct unwind_rule rule_at(const char *place)
{
    Dl_info where = {0};
    dladdr(&image, &where); // of the file's data, and so its start
    return image_rule(&image, (u64)(uintptr_t)place - (u64)(uintptr_t)where.dli_fbase);
}

static void test_rules(void)
{
    struct unwind_rule r = rule_at(rule_plain);
    ok(r.cfa == UNWIND_SP && r.cfa_offset == 48 && r.bp == UNWIND_BP_SAME, "by sp");
    r = rule_at(rule_linked);
    ok(r.cfa == UNWIND_BP && r.cfa_offset == 16 && r.bp == UNWIND_BP_AT_CFA && r.bp_offset == -16,
       "by bp");
    r = rule_at(rule_saved);
    ok(r.cfa == UNWIND_AT_SP && r.cfa_offset == 16 && r.above == 8, "by a word that sp points to");
    r = rule_at(rule_register);
    ok(r.cfa == UNWIND_REGISTER && r.cfa_offset == 8 && r.above == 4, "by another register");
    ok(rule_at(rule_other).cfa == UNWIND_OTHER, "by what is no general register");
    r = rule_at(rule_popped);
    ok(r.cfa == UNWIND_SP && r.cfa_offset == 0, "with a return address that was popped");
    ok(rule_at(rule_end).cfa == UNWIND_END, "of a thread's first frame");
    ok(rule_at(rule_none + 1).cfa == UNWIND_UNKNOWN, "of code without rules");
}

enum { CODE_START = 496, CODE_BYTES = 240 };

// A small memory: words at 1000, 1008 ..., and code.
struct memory {
    u64 word[8];
    bool is_code;
    u8 code[CODE_BYTES];
};

// Code with a call at 507 that leads to 600, one by a pointer at 512, and one at 515 to 700.
static struct memory with_calls(struct memory m)
{
    const u8 calls[] = {0xe8, 600 - 512, 0, 0, 0, 0xff, 0xd0, 0x90, 0xe8, 700 - 520};
    memset(m.code, 0x90, sizeof(m.code));
    memcpy(m.code + 507 - CODE_START, calls, sizeof(calls));
    memset(m.code + 517 - CODE_START, 0, 3);
    return m;
}

static bool load(void *context, u64 *value, u64 address)
{
    const struct memory *m = context;
    if (address < 1000 || address >= 1064 || address % 8)
        return false;
    *value = m->word[(address - 1000) / 8];
    return true;
}

static bool fetch(void *context, u64 *value, u64 address)
{
    const struct memory *m = context;
    if (address - CODE_START > CODE_BYTES - sizeof(*value))
        return false;
    memcpy(value, m->code + (address - CODE_START), sizeof(*value));
    return true;
}

static bool is_code(void *context, u64 pc)
{
    const struct memory *m = context;
    return m->is_code && pc >= 500 && pc < 1000;
}

static bool first_register(void *context, u64 *value, u32 number)
{
    (void)context;
    *value = 1008;
    return number == 4;
}

static const struct unwind_memory small_memory = {load, fetch, is_code, first_register};

static struct unwind_frame at(u64 pc, u64 sp, u64 bp, bool is_return)
{
    return (struct unwind_frame){.pc = pc, .sp = sp, .bp = bp, .is_return = is_return};
}

static bool steps(struct memory *m, struct unwind_frame *f, struct unwind_rule rule)
{
    return unwind_step(f, rule, small_memory, m);
}

static void test_steps(void)
{
    struct memory m = {{0, 1024, 701, 1048, 702, 0, 703, 0}, true, {0}};
    struct unwind_frame f = at(600, 1000, 1008, false);
    ok(steps(&m, &f, (struct unwind_rule){.cfa = UNWIND_SP, .cfa_offset = 24}) && f.pc == 701 &&
           f.sp == 1024 && f.bp == 1008 && f.is_return,
       "up by sp");
    ok(!steps(&m, &f, (struct unwind_rule){.cfa = UNWIND_SP}), "but not to the same frame");
    f = at(600, 1000, 1008, true);
    ok(steps(&m, &f, (struct unwind_rule){.cfa = UNWIND_OTHER}) && f.pc == 701 && f.bp == 1024,
       "by the frame pointer");
    f = at(600, 1000, 1008, false);
    ok(steps(&m, &f, (struct unwind_rule){.cfa = UNWIND_AT_SP, .cfa_offset = 24, .above = 8}) &&
           f.pc == 703 && f.sp == 1056,
       "by a saved stack pointer");
    struct unwind_rule by_register = {.cfa = UNWIND_REGISTER, .cfa_offset = 16, .above = 4};
    f = (struct unwind_frame){.pc = 600, .sp = 1000};
    ok(steps(&m, &f, by_register) && f.pc == 701 && f.sp == 1024, "by a register");
    f = (struct unwind_frame){.pc = 600, .sp = 1000, .is_later = true};
    ok(!steps(&m, &f, by_register), "which only the first frame has");
    f = at(600, 1000, 2, false);
    ok(!steps(&m, &f, (struct unwind_rule){.cfa = UNWIND_UNKNOWN}), "not by one that is none");
}

static void test_leaf(void)
{
    struct memory m = with_calls((struct memory){{512}, true, {0}});
    struct unwind_frame f = at(620, 1000, 2, false);
    const struct unwind_rule none = {.cfa = UNWIND_UNKNOWN};
    ok(steps(&m, &f, none) && f.pc == 512 && f.sp == 1008, "out of a leaf, which was called there");
    f = at(590, 1000, 2, false);
    ok(!steps(&m, &f, none), "but not when something else was called");
    f = at(620, 1000, 2, true);
    ok(!steps(&m, &f, none), "nor where the code at hand has called itself");
    f = at(605, 1000, 2, true);
    ok(steps(&m, &f, none) && f.pc == 512 && f.sp == 1008, "unless it did so at once");

    m.code[606 - CODE_START] = 0xe9; // jmp 550
    memcpy(m.code + 607 - CODE_START, &(i32){550 - 611}, 4);
    f = at(590, 1000, 2, false);
    ok(steps(&m, &f, none) && f.pc == 512, "out of a leaf that was reached by a jump");

    m = with_calls((struct memory){{514, 0, 1048, 520}, true, {0}});
    f = at(620, 1000, 1016, false);
    ok(steps(&m, &f, none) && f.pc == 514 && f.bp == 1016,
       "out of one that was called by a pointer, when its caller was called as another");
    m.word[3] = 512;
    f = at(620, 1000, 1016, false);
    ok(steps(&m, &f, none) && f.pc == 512 && f.sp == 1032, "but what was called there has a frame");
    f = at(620, 1000, 2, true);
    ok(steps(&m, &f, none) && f.pc == 514 && f.sp == 1008,
       "without a frame pointer a call by a pointer is believed");
}

// A handler that was interrupted itself, by another signal.
static void test_restorer(void)
{
    static const u8 restorer[] = {0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05};
    struct memory m = with_calls((struct memory){{530}, true, {0}});
    memcpy(m.code + 530 - CODE_START, restorer, sizeof(restorer));
    struct unwind_frame f = at(640, 1000, 2, false);
    const struct unwind_rule none = {.cfa = UNWIND_UNKNOWN};
    ok(steps(&m, &f, none) && f.pc == 530 && f.sp == 1008, "out of a handler, to where it returns");
    m.code[533 - CODE_START] = 16;
    f = at(640, 1000, 2, false);
    ok(!steps(&m, &f, none), "which no other code is taken for");
}

// The return address, behind the call at 507, is at sp + offset of code that was interrupted.
static void test_edges(void)
{
    static const struct {
        const char *name;
        u8 code[8];
        u32 at; // bytes that were executed
        u32 offset;
        bool has_saved; // the caller's bp is at sp
    } edge[] = {
        {"ret", {0xc3}, 0, 0, false},
        {"ret 16", {0xc2, 16}, 0, 0, false},
        {"push rbp", {0x55, 0x48, 0x89, 0xe5}, 0, 0, false},
        {"mov rbp, rsp", {0x55, 0x48, 0x89, 0xe5}, 1, 8, true},
        {"pop rbp before ret", {0x5d, 0xc3}, 0, 8, true},
        {"Go's look at the limit", {0x49, 0x3b, 0x66, 0x10, 0x76}, 0, 0, false},
        {"Go's jump to more stack", {0x49, 0x3b, 0x66, 0x10, 0x76}, 4, 0, false},
        {"sub rsp", {0x48, 0x83, 0xec, 0x18}, 0, 0, false},
        {"mov [rsp + 16], rbp", {0x48, 0x89, 0x6c, 0x24, 0x10}, 0, 24, false},
        {"lea rbp, [rsp + 16]", {0x48, 0x8d, 0x6c, 0x24, 0x10}, 0, 24, false},
        {"mov [rsp + 32], rbp, long", {0x48, 0x89, 0xac, 0x24, 0x20}, 0, 40, false},
        {"add rsp, 24 before ret", {0x48, 0x83, 0xc4, 0x18, 0xc3}, 0, 24, false},
        {"add rsp, 32 before ret, long", {0x48, 0x81, 0xc4, 0x20, 0, 0, 0, 0xc3}, 0, 32, false},
    };
    const struct unwind_rule none = {.cfa = UNWIND_UNKNOWN};
    for (u32 i = 0; i < ARRAY_LEN(edge); i++) {
        struct memory m = with_calls((struct memory){{7, 7, 7, 7, 7, 7, 7, 7}, false, {0}});
        memcpy(m.code + 640 - CODE_START, edge[i].code, sizeof(edge[i].code));
        m.word[edge[i].offset / 8] = 512;
        struct unwind_frame f = at(640 + edge[i].at, 1000, 1040, false);
        bool went = steps(&m, &f, none);
        ok(went && f.pc == 512 && f.sp == 1008 + edge[i].offset &&
               f.bp == (edge[i].has_saved ? 7 : 1040),
           "over the edge of a function: %s", edge[i].name);
    }
}

static void test_calls(void)
{
    struct memory m = with_calls((struct memory){{1016, 0, 1040, 514}, false, {0}});
    struct unwind_frame f = at(600, 1000, 1016, true);
    const struct unwind_rule none = {.cfa = UNWIND_UNKNOWN};
    ok(steps(&m, &f, none) && f.pc == 514, "a caller that is in no file is known by its call");
    f = at(600, 1000, 1016, true);
    ok(!steps(&m, &f, (struct unwind_rule){.cfa = UNWIND_OTHER}), "but calls no code with rules");
    m.word[3] = 510;
    f = at(600, 1000, 1016, true);
    ok(!steps(&m, &f, none), "what is behind no call is no caller");
}

int main(void)
{
    struct arena a;
    struct err e;
    char self[4096];
    arena_init(&a, SIZE_MAX);
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[n < 0 ? 0 : n] = 0;
    if (ok(image_open(&image, str_of(self), STR(""), &a, &e), "a file has unwind rules"))
        test_rules();
    test_steps();
    test_leaf();
    test_restorer();
    test_edges();
    test_calls();
    arena_free(&a);
    return done();
}

#else

int main(void)
{
    ok(true, "unwind rules # SKIP for x86-64 alone");
    return done();
}

#endif
