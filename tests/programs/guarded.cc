// Locks of the C++ library: a lock_guard, a unique_lock with a condition, a shared_mutex; the
// process dies.
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unistd.h>
#include <vector>

static std::mutex mutex;
static std::shared_mutex shared;
static std::condition_variable condition;
static bool ready;

// So that unlocking is no jump at the end of a function.
#define BARRIER __asm__ volatile("" ::: "memory")

static void rest(int ms)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

__attribute__((noinline)) static void guarded()
{
    {
        std::lock_guard<std::mutex> guard(mutex);
        rest(10);
    }
    BARRIER;
}

__attribute__((noinline)) static void reads()
{
    {
        std::shared_lock<std::shared_mutex> lock(shared);
        rest(5);
    }
    BARRIER;
}

__attribute__((noinline)) static void writes()
{
    {
        std::unique_lock<std::shared_mutex> lock(shared);
        rest(10);
    }
    BARRIER;
}

__attribute__((noinline)) static void waits()
{
    std::unique_lock<std::mutex> lock(mutex);
    condition.wait(lock, [] { return ready; });
}

int main()
{
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([] {
            for (int k = 0; k < 5; k++)
                guarded();
        });
        threads.emplace_back([i] {
            for (int k = 0; k < 5; k++)
                i % 2 ? reads() : writes();
        });
    }
    for (auto &t : threads)
        t.join();
    std::thread waiting(waits);
    rest(100);
    {
        std::lock_guard<std::mutex> guard(mutex);
        ready = true;
    }
    condition.notify_one();
    waiting.join();
    kill(getpid(), SIGKILL);
}
