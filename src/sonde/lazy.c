// Libraries that only some of the command's work needs are loaded by the first call of one of their
// functions.  Linked as usual, they and the forty others that they need would be most of the time
// that "sonde -top" of a small profile takes.
//
// Each function is defined here as a jump through its entry, which begins by leading to the loader:
// what a linker's procedure linkage table does, with dlopen() before dlsym().  The callers include
// the libraries' own headers and see no difference.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "sonde/command.h"

struct library {
    const char *file, *package;
    void *handle;
};

struct entry {
    void *target; // first, since the jumps go through it
    const char *name;
    struct library *library;
};

static struct library capstone = {"libcapstone.so.4", "libcapstone4", NULL};
static struct library gvc = {"libgvc.so.6", "libgvc6", NULL};
static struct library cgraph = {"libcgraph.so.6", "libcgraph6", NULL};
static struct library curl = {"libcurl.so.4", "libcurl4", NULL};
static struct library microhttpd = {"libmicrohttpd.so.12", "libmicrohttpd12", NULL};

#define LAZY_FUNCTIONS(X)                                                                          \
    X(capstone, cs_close)                                                                          \
    X(capstone, cs_disasm_iter)                                                                    \
    X(capstone, cs_free)                                                                           \
    X(capstone, cs_insn_name)                                                                      \
    X(capstone, cs_malloc)                                                                         \
    X(capstone, cs_open)                                                                           \
    X(capstone, cs_option)                                                                         \
    X(capstone, cs_strerror)                                                                       \
    X(gvc, gvContext)                                                                              \
    X(gvc, gvFreeLayout)                                                                           \
    X(gvc, gvFreeRenderData)                                                                       \
    X(gvc, gvLayout)                                                                               \
    X(gvc, gvRenderData)                                                                           \
    X(cgraph, agclose)                                                                             \
    X(cgraph, agmemread)                                                                           \
    X(cgraph, agseterr)                                                                            \
    X(cgraph, agseterrf)                                                                           \
    X(curl, curl_easy_cleanup)                                                                     \
    X(curl, curl_easy_getinfo)                                                                     \
    X(curl, curl_easy_init)                                                                        \
    X(curl, curl_easy_perform)                                                                     \
    X(curl, curl_easy_setopt)                                                                      \
    X(curl, curl_easy_strerror)                                                                    \
    X(microhttpd, MHD_add_response_header)                                                         \
    X(microhttpd, MHD_basic_auth_get_username_password)                                            \
    X(microhttpd, MHD_create_response_from_buffer)                                                 \
    X(microhttpd, MHD_destroy_response)                                                            \
    X(microhttpd, MHD_free)                                                                        \
    X(microhttpd, MHD_lookup_connection_value)                                                     \
    X(microhttpd, MHD_queue_response)                                                              \
    X(microhttpd, MHD_quiesce_daemon)                                                              \
    X(microhttpd, MHD_start_daemon)                                                                \
    X(microhttpd, MHD_stop_daemon)

// The function, and where its entry leads at first.  r11 is nobody's between a call and the
// function that it calls.
#define DEFINE_JUMP(library, function)                                                             \
    void lazy_load_##function(void);                                                               \
    struct entry lazy_entry_##function = {lazy_load_##function, #function, &(library)};            \
    __asm__(".text\n"                                                                              \
            ".globl " #function "\n"                                                               \
            ".type " #function ", @function\n" #function ":\n"                                     \
            "    jmp *lazy_entry_" #function "(%rip)\n"                                            \
            ".globl lazy_load_" #function "\n"                                                     \
            ".type lazy_load_" #function ", @function\n"                                           \
            "lazy_load_" #function ":\n"                                                           \
            "    lea lazy_entry_" #function "(%rip), %r11\n"                                       \
            "    jmp lazy_enter\n");
LAZY_FUNCTIONS(DEFINE_JUMP)

void lazy_load(struct entry *e);

// Keeps what the caller passes, in registers and for variable arguments in al, over the load.
__asm__(".text\n"
        "lazy_enter:\n"
        "    push %rax\n    push %rdi\n    push %rsi\n    push %rdx\n"
        "    push %rcx\n    push %r8\n     push %r9\n     push %r11\n"
        "    sub $136, %rsp\n" // eight vectors, and the stack is a multiple of 16 again
        "    movups %xmm0, (%rsp)\n    movups %xmm1, 16(%rsp)\n"
        "    movups %xmm2, 32(%rsp)\n  movups %xmm3, 48(%rsp)\n"
        "    movups %xmm4, 64(%rsp)\n  movups %xmm5, 80(%rsp)\n"
        "    movups %xmm6, 96(%rsp)\n  movups %xmm7, 112(%rsp)\n"
        "    mov %r11, %rdi\n"
        "    call lazy_load\n"
        "    movups (%rsp), %xmm0\n    movups 16(%rsp), %xmm1\n"
        "    movups 32(%rsp), %xmm2\n  movups 48(%rsp), %xmm3\n"
        "    movups 64(%rsp), %xmm4\n  movups 80(%rsp), %xmm5\n"
        "    movups 96(%rsp), %xmm6\n  movups 112(%rsp), %xmm7\n"
        "    add $136, %rsp\n"
        "    pop %r11\n    pop %r9\n     pop %r8\n     pop %rcx\n"
        "    pop %rdx\n    pop %rsi\n    pop %rdi\n    pop %rax\n"
        "    jmp *(%r11)\n");

// Two threads may be here at once: both find the same.
void lazy_load(struct entry *e)
{
    struct library *l = e->library;
    if (!l->handle)
        l->handle = dlopen(l->file, RTLD_NOW | RTLD_GLOBAL);
    void *target = l->handle ? dlsym(l->handle, e->name) : NULL;
    if (!target) {
        warn("cannot load %s (%s); the package %s has it", l->file, dlerror(), l->package);
        exit(STATUS_FAILED);
    }
    e->target = target;
}
