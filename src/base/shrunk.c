#include "base/shrunk.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t happened;

// Puts zeros in the page's place; pages of zeros beside each other are one mapping for the kernel.
// Async-signal-safe: mmap() is a system call and no more.
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    uintptr_t bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *page = (void *)((uintptr_t)info->si_addr & ~(bytes - 1)); // NOLINT: it is an address
    if (info->si_code != BUS_ADRERR ||
        mmap(page, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
            MAP_FAILED) {
        signal(number, SIG_DFL);
        raise(number); // comes when this handler returns
    }
    happened = 1;
    errno = saved;
}

void shrunk_survive(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

bool shrunk_happened(void)
{
    return happened;
}
