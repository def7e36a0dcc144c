// "objects ROUNDS": 100,000 live small objects of several classes, of which ROUNDS are replaced, as
// a server's caches do.  Prints a checksum.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

struct Object {
    virtual ~Object() = default;
    virtual size_t weight() const = 0;
};

struct Name : Object {
    explicit Name(uint64_t n) : text("object number " + std::to_string(n))
    {
    }
    size_t weight() const override
    {
        return text.size();
    }
    std::string text;
};

struct List : Object {
    explicit List(uint64_t n) : values(n % 20 + 1, int(n))
    {
    }
    size_t weight() const override
    {
        return values.size();
    }
    std::vector<int> values;
};

struct Pair : Object {
    explicit Pair(uint64_t n) : first(new Name(n)), second(new int(int(n)))
    {
    }
    size_t weight() const override
    {
        return first->weight() + size_t(*second & 7);
    }
    std::unique_ptr<Name> first;
    std::unique_ptr<int> second;
};

static std::unique_ptr<Object> make(uint64_t n)
{
    switch (n % 3) {
    case 0:
        return std::make_unique<Name>(n);
    case 1:
        return std::make_unique<List>(n);
    default:
        return std::make_unique<Pair>(n);
    }
}

int main(int argc, char **argv)
{
    const long rounds = argc > 1 ? std::atol(argv[1]) : 1000000;
    std::vector<std::unique_ptr<Object>> live(100000);
    uint64_t random = 88172645463325252u, sum = 0;
    for (size_t i = 0; i < live.size(); i++)
        live[i] = make(i);
    for (long i = 0; i < rounds; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        auto &object = live[random % live.size()];
        sum += object->weight();
        object = make(random >> 20);
    }
    std::printf("%llu\n", static_cast<unsigned long long>(sum));
}
