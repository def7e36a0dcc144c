// C++ that throws all the time, until it is killed: through many frames, with destructors that run
// meanwhile, caught and thrown again; and its library's containers, streams and expressions.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{
volatile unsigned sink;

struct guard {
    std::string name;
    explicit guard(unsigned n) : name(std::to_string(n) + " is a name that needs memory")
    {
    }
    ~guard()
    {
        std::string copy = name;
        std::reverse(copy.begin(), copy.end());
        sink = sink + unsigned(copy[0]);
    }
};

__attribute__((noinline)) unsigned fall(unsigned n)
{
    guard g(n);
    if (n == 0)
        throw std::runtime_error(g.name);
    return fall(n - 1) + 1;
}

__attribute__((noinline)) unsigned again(unsigned n)
{
    try {
        return fall(n);
    } catch (const std::logic_error &) {
        return 1;
    } catch (...) {
        guard g(n);
        throw;
    }
}

unsigned texts(unsigned n)
{
    std::ostringstream out;
    std::map<std::string, std::vector<unsigned>> sorted;
    for (unsigned i = 0; i < 50; i++)
        sorted[std::to_string(i * n)].push_back(i);
    for (const auto &entry : sorted)
        out << entry.first << ' ' << entry.second.size() << ' ' << 1.5 * n << '\n';
    static const std::regex expression("(1+2*)+ [0-9]");
    std::string text = out.str();
    return unsigned(std::distance(std::sregex_iterator(text.begin(), text.end(), expression),
                                  std::sregex_iterator()));
}

void work()
{
    std::function<unsigned(unsigned)> callback = [](unsigned n) { return again(n); };
    for (unsigned i = 0;; i++) {
        try {
            sink = sink + callback(i % 30);
        } catch (const std::exception &e) {
            sink = sink + unsigned(e.what()[0]);
        }
        if (i % 8 == 0)
            sink = sink + texts(i);
    }
}
} // namespace

int main()
{
    std::thread other(work);
    work();
}
