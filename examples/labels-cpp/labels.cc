// Labels, a profile of the program's own and a pool, in C++: the C API is all it takes.  A thread
// that serves requests says which one it is at, and each sample that is taken meanwhile tells.
//
//     sonde run -- ./labels-cpp 10
//     sonde -tags http://localhost:6060/debug/pprof/heap
//     sonde -top -tagfocus=endpoint=upload http://localhost:6060/debug/pprof/heap
//     sonde -top http://localhost:6060/debug/pprof/sessions
#include <chrono>
#include <cstdlib>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sonde/sonde.h"

// Open sessions, by who opened them.
class Session
{
  public:
    Session()
    {
        sonde_profile_add(profile(), this);
    }
    ~Session()
    {
        sonde_profile_remove(profile(), this);
    }
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    std::string buffer;

  private:
    static sonde_profile profile()
    {
        static const sonde_profile sessions = sonde_profile_new("sessions");
        return sessions;
    }
};

// An arena: a few large blocks of the heap, of which it hands out small ones.
class Arena
{
  public:
    void *take(size_t bytes)
    {
        bytes = (bytes + 15) & ~size_t(15);
        if (chunks.empty() || used + bytes > CHUNK) {
            chunks.push_back(std::make_unique<char[]>(CHUNK));
            used = 0;
        }
        void *block = chunks.back().get() + used;
        used += bytes;
        sonde_track(pool, block, bytes);
        blocks.push_back(block);
        return block;
    }

    ~Arena()
    {
        for (const void *block : blocks)
            sonde_untrack(pool, block);
    }

  private:
    static constexpr size_t CHUNK = 1 << 20;
    const sonde_profile pool = sonde_pool_new("arena");
    std::vector<std::unique_ptr<char[]>> chunks;
    std::vector<const void *> blocks;
    size_t used = 0;
};

static void upload(std::list<Session> &sessions, Arena &arena)
{
    SONDE_LABEL("endpoint", "upload");
    sessions.emplace_back();
    sessions.back().buffer.assign(2 << 20, 'x');
    for (int i = 0; i < 1000; i++)
        arena.take(500);
}

static void list(std::list<Session> &sessions)
{
    SONDE_LABEL("endpoint", "list");
    sessions.emplace_back();
    sessions.back().buffer.assign(256 << 10, 'y');
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 1;
    std::list<Session> sessions;
    Arena arena;
    for (int i = 0; i < 20; i++) {
        upload(sessions, arena);
        list(sessions);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}
