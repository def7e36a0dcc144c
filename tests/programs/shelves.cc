// A C++ program whose memory is held by methods, templates and inlined functions; it kills itself
// at the end, or goes on growing when an argument says so.
#include <csignal>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

namespace shelf
{
template <class T> class Keeper
{
  public:
    __attribute__((noinline)) void keep(size_t bytes)
    {
        kept.push_back(filled(bytes));
    }

  private:
    inline T *filled(size_t bytes)
    {
        T *block = new T[bytes];
        memset(block, 1, bytes);
        return block;
    }
    std::vector<T *> kept;
};

__attribute__((noinline)) std::string *title(size_t length)
{
    return new std::string(length, 'x');
}
} // namespace shelf

static shelf::Keeper<char> books;
static std::vector<std::string *> titles;

__attribute__((noinline)) static void fill(int i)
{
    books.keep(60000);
    if (i % 4 == 0)
        titles.push_back(shelf::title(30000));
    usleep(2000);
}

int main(int argc, char **argv)
{
    bool goes_on = argc > 1 && strcmp(argv[1], "on") == 0;
    for (int i = 0; i < (goes_on ? 1000000 : 200); i++)
        fill(i);
    kill(getpid(), SIGKILL);
}
