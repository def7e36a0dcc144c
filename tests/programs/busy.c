// Spends its time in known places, with frame pointers: a third below half(), two thirds below
// twice(), some in a thread called "worker", some in the kernel, some in code that was made at run
// time and is named in /tmp/perf-PID.map.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Each sets up its frame at once, and not just before the calls that need it.
#define NOINLINE                                                                                   \
    __attribute__((noinline, noclone, optimize("no-omit-frame-pointer", "no-shrink-wrap")))

static volatile unsigned long sink;

NOINLINE static void nothing(void)
{
    sink++;
}

NOINLINE static void spin(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        sink += i * i;
    nothing(); // a leaf would have no frame of its own, and its caller would be missed
    sink++;
}

NOINLINE static void half(void)
{
    spin(400000);
    sink++;
}

NOINLINE static void twice(void)
{
    spin(400000);
    spin(400000);
    sink++;
}

NOINLINE static void in_kernel(int fd)
{
    static char room[1 << 20];
    for (int i = 0; i < 20; i++)
        sink += (unsigned long)read(fd, room, sizeof(room));
}

NOINLINE static void run_made(void)
{
    // push rbp; mov rbp, rsp; mov ecx, 20000000; 1: dec ecx; jnz 1b; pop rbp; ret
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xb9, 0x00, 0x2d, 0x31,
                                         0x01, 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3};
    char path[64];
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void (*made)(void);
    memcpy(page, code, sizeof(code));
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    memcpy(&made, &page, sizeof(made));
    snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
    FILE *map = fopen(path, "w");
    if (map) {
        fprintf(map, "%lx %zx made at run time\n", (unsigned long)page, sizeof(code));
        fclose(map);
    }
    made();
    sink++;
}

NOINLINE static void *work(void *argument)
{
    pthread_setname_np(pthread_self(), "worker");
    for (int i = 0; i < 100; i++)
        half();
    return argument;
}

NOINLINE static void run_all(void)
{
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 100; i++) {
        half();
        twice();
        if (i % 10 == 0)
            in_kernel(fd);
    }
    run_made();
    close(fd);
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    run_all();
    pthread_join(thread, NULL);
    return 0;
}
