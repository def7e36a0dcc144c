// Something of everything that debug information says differently: templates, lambdas, local
// classes, virtual and static functions, exceptions, namespaces, constructors, and much that is
// inlined.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace shapes
{
struct shape {
    virtual ~shape() = default;
    virtual double area() const = 0;
};

template <typename T> struct rectangle : shape {
    T width, height;
    rectangle(T w, T h) : width(w), height(h)
    {
    }
    double area() const override
    {
        return double(width) * double(height);
    }
};

namespace
{
struct circle final : shape {
    double radius;
    explicit circle(double r) : radius(r)
    {
        if (r < 0)
            throw std::invalid_argument("radius " + std::to_string(r));
    }
    double area() const override
    {
        return 3.14159 * radius * radius;
    }
};
} // namespace

std::unique_ptr<shape> make(const std::string &kind, double size)
{
    static const std::map<std::string, std::function<std::unique_ptr<shape>(double)>> makers = {
        {"square", [](double s) { return std::make_unique<rectangle<int>>(int(s), int(s)); }},
        {"wide", [](double s) { return std::make_unique<rectangle<double>>(2 * s, s); }},
        {"circle", [](double s) { return std::make_unique<circle>(s); }},
    };
    auto found = makers.find(kind);
    return found == makers.end() ? nullptr : found->second(size);
}
} // namespace shapes

template <typename... T> static std::string join(const T &...part)
{
    std::string all;
    ((all += part, all += ' '), ...);
    return all;
}

static std::vector<std::string> sorted_words(const std::string &text)
{
    struct by_length {
        bool operator()(const std::string &a, const std::string &b) const
        {
            return a.size() != b.size() ? a.size() < b.size() : a < b;
        }
    };
    std::unordered_map<std::string, int> count;
    std::string word;
    for (char c : text + " ") {
        if (c != ' ')
            word += c;
        else if (!word.empty())
            count[std::exchange(word, "")]++;
    }
    std::vector<std::string> words;
    std::transform(count.begin(), count.end(), std::back_inserter(words), [](const auto &entry) {
        return entry.second > 1 ? entry.first + "*" : entry.first;
    });
    std::sort(words.begin(), words.end(), by_length{});
    return words;
}

__attribute__((noinline)) static double total(
    const std::vector<std::unique_ptr<shapes::shape>> &all)
{
    return std::accumulate(all.begin(), all.end(), 0.0,
                           [](double sum, const auto &s) { return s ? sum + s->area() : sum; });
}

int main(int argc, char **argv)
{
    std::vector<std::unique_ptr<shapes::shape>> all;
    for (int i = 0; i < argc; i++) {
        try {
            for (const auto &word :
                 sorted_words(join(argv[i], "square", "circle", "wide", "square")))
                all.push_back(shapes::make(word, i - 1));
        } catch (const std::exception &e) {
            std::fprintf(stderr, "%s\n", e.what());
        }
    }
    std::printf("%g\n", total(all));
    return 0;
}
