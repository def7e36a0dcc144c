// Exceptions, for so many seconds: "throwing SECONDS".  Threads throw through deep stacks, through
// frames with destructors that allocate, out of handlers and out of threads.  Prints
// how many were not what they should have been.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static std::atomic<int> broken;
static std::atomic<bool> is_over;

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    std::fprintf(stderr, "broken: %s\n", what);
    broken++;
}

// Allocates while the stack is unwound.
struct Witness {
    std::map<int, std::string> notes;
    int *count;
    explicit Witness(int *c) : count(c)
    {
        notes[1] = std::string(100, 'n');
    }
    ~Witness()
    {
        notes[2] = std::string(200, 'd');
        ++*count;
    }
    Witness(const Witness &) = delete;
    Witness &operator=(const Witness &) = delete;
};

__attribute__((noinline)) static int fall(int depth, int *count)
{
    Witness here(count);
    if (depth == 0)
        throw std::runtime_error(std::string(1000, 'e'));
    return fall(depth - 1, count) + static_cast<int>(here.notes.size());
}

static void throw_through(int depth)
{
    int count = 0;
    bool caught = false;
    try {
        fall(depth, &count);
    } catch (const std::runtime_error &e) {
        caught = std::string(e.what()) == std::string(1000, 'e');
    }
    expect(caught, "an exception arrives with what it says");
    expect(count == depth + 1, "all destructors ran");
}

static void throw_again(int depth)
{
    int count = 0, levels = 0;
    try {
        try {
            fall(depth, &count);
        } catch (...) {
            std::throw_with_nested(std::logic_error("outer"));
        }
    } catch (const std::exception &outer) {
        levels++;
        try {
            std::rethrow_if_nested(outer);
        } catch (const std::runtime_error &) {
            levels++;
        }
    }
    expect(levels == 2, "nested exceptions nest");
}

static void throw_in_thread(int depth)
{
    bool caught = false;
    auto result = std::async(std::launch::async, [depth] {
        int count = 0;
        return fall(depth % 30, &count);
    });
    try {
        result.get();
    } catch (const std::runtime_error &) {
        caught = true;
    }
    expect(caught, "an exception comes out of a thread");
}

static void want_too_much()
{
    size_t much = SIZE_MAX / 4;
    bool caught = false;
    try {
        asm volatile("" : "+r"(much));
        std::unique_ptr<char[]> block(new char[much]);
        asm volatile("" : : "r"(block.get()) : "memory"); // or both would be left out
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    expect(caught, "new throws when there is no memory");
}

static void work(unsigned random)
{
    while (!is_over) {
        random = random * 1103515245 + 12345;
        int depth = static_cast<int>(random >> 16) % 200;
        throw_through(depth);
        throw_again(depth / 4);
        if (depth % 16 == 0)
            throw_in_thread(depth);
        if (depth % 64 == 0)
            want_too_much();
    }
}

int main(int argc, char **argv)
{
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; i++)
        threads.emplace_back(work, i + 1);
    std::this_thread::sleep_for(std::chrono::seconds(argc > 1 ? std::atoi(argv[1]) : 1));
    is_over = true;
    for (auto &t : threads)
        t.join();
    std::printf("%d broken\n", broken.load());
    return 0;
}
