// Samples on stacks of every kind: the smallest thread's, a signal's own, a coroutine's that is
// gone afterwards, below a callback of the C library, with a frame pointer that points nowhere;
// each holds 1 MiB, and the process dies.
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define KEEP(p)  __asm__ volatile("" : "+r"(p))

static void *volatile kept;

NOINLINE static void *hold(void)
{
    void *p = malloc(1 << 20);
    KEEP(p);
    return p;
}

NOINLINE static void *on_small_stack(void *argument)
{
    kept = hold();
    return argument;
}

NOINLINE static void in_handler(int signal)
{
    (void)signal;
    kept = hold(); // the main program is not inside malloc when it raises the signal
}

static ucontext_t back, there;

NOINLINE static void in_coroutine(void)
{
    kept = hold();
    swapcontext(&there, &back);
}

NOINLINE static int in_callback(const void *a, const void *b)
{
    kept = hold();
    return a < b ? -1 : 1;
}

// Assembly without unwind tables, which uses the frame pointer for something else: unwinding must
// not believe it.
void *with_wild_frame_pointer(size_t n);
__asm__(".type with_wild_frame_pointer, @function\n"
        "with_wild_frame_pointer:\n"
        "    push %rbp\n"
        "    lea 64(%rsp), %rbp\n" // into the stack, but at no frame
        "    movq $0x1234567, 64(%rsp)\n"
        "    call malloc@PLT\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size with_wild_frame_pointer, . - with_wild_frame_pointer\n");

NOINLINE static void call_assembly(void)
{
    volatile char room[256]; // that it may overwrite
    room[0] = 0;
    kept = with_wild_frame_pointer((1 << 20) + (size_t)room[0]);
}

// Code that a JIT made: in no file, without unwind tables, but with a frame pointer.
NOINLINE static void run_jit(void)
{
    unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0xb8, 0,    0,    0,
                            0,    0,    0,    0,    0,    0xff, 0xd0, 0x5d, 0xc3};
    void *(*callee)(void) = hold, *(*made)(void);
    memcpy(code + 6, &callee, sizeof(callee));
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof(code));
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    memcpy(&made, &page, sizeof(made));
    kept = made();
}

NOINLINE static void *deep(int n)
{
    void *p = n ? deep(n - 1) : hold();
    KEEP(p);
    return p;
}

static void run_coroutine(void)
{
    size_t n = 64 << 10;
    char *stack = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = n;
    there.uc_link = &back;
    makecontext(&there, in_coroutine, 0);
    swapcontext(&back, &there);
    munmap(stack, n);
}

int main(void)
{
    pthread_attr_t small;
    pthread_t t;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, (size_t)sysconf(_SC_THREAD_STACK_MIN) + 8192);
    pthread_create(&t, &small, on_small_stack, NULL);
    pthread_join(t, NULL);
    static char own[16384];
    stack_t alternative = {.ss_sp = own, .ss_size = sizeof(own)};
    struct sigaction action = {.sa_handler = in_handler, .sa_flags = SA_ONSTACK};
    sigaltstack(&alternative, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    for (int i = 0; i < 3; i++)
        run_coroutine();
    int numbers[2] = {2, 1};
    qsort(numbers, 2, sizeof(*numbers), in_callback);
    call_assembly();
    run_jit();
    deep(1000);
    kill(getpid(), SIGKILL);
}
