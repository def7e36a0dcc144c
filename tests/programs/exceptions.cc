// C++ exceptions thrown through deep stacks while every allocation is sampled; new and delete of
// all kinds.
#include <cstdio>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static int fall(int n)
{
    std::vector<std::string> held(3, std::string(100, 'x'));
    if (n == 0)
        throw std::runtime_error(std::string(1000, 'e'));
    return fall(n - 1) + static_cast<int>(held.size());
}

static long catch_many()
{
    long caught = 0;
    for (int i = 0; i < 300; i++) {
        try {
            fall(i % 60);
        } catch (const std::exception &e) {
            caught += std::string(e.what()).size() == 1000;
        }
    }
    return caught;
}

struct alignas(256) Wide {
    char bytes[256];
};

int main()
{
    long caught = 0;
    std::vector<std::thread> threads;
    long by_thread[4] = {};
    for (long &n : by_thread)
        threads.emplace_back([&n] { n = catch_many(); });
    for (std::thread &t : threads)
        t.join();
    for (long n : by_thread)
        caught += n;
    std::vector<std::unique_ptr<Wide>> wide;
    bool aligned = true;
    for (int i = 0; i < 100; i++) {
        wide.emplace_back(new Wide);
        aligned &= reinterpret_cast<unsigned long>(wide.back().get()) % 256 == 0;
    }
    try {
        volatile std::size_t most = static_cast<std::size_t>(-1) / 4;
        char *block = new char[most];
        std::printf("%p was never there\n", static_cast<void *>(block));
    } catch (const std::bad_alloc &) {
        caught++;
    }
    std::printf("%ld caught, %s\n", caught, aligned ? "aligned" : "not aligned");
}
