#!/bin/sh
# unit.sh NUMBER: C++ that makes much debug information, for one of many units: templates over the standard library's containers.
n=$1
cat <<END
#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace unit$n {
template <int N> struct key {
    int number[N % 5 + 1];
    std::string name;
    bool operator<(const key &o) const { return name < o.name; }
    bool operator==(const key &o) const { return name == o.name; }
};

template <typename K> struct hash {
    size_t operator()(const K &k) const { return std::hash<std::string>()(k.name); }
};

template <int N> struct work {
    using K = key<N>;
    std::map<K, std::vector<std::string>> sorted;
    std::unordered_map<K, std::deque<int>, hash<K>> hashed;
    std::set<std::tuple<int, K, double>> tuples;
    std::list<std::variant<int, K, std::string>> variants;

    size_t run(const std::string &text)
    {
        for (size_t i = 0; i < text.size(); i++) {
            K k{{int(i)}, text.substr(0, i)};
            sorted[k].push_back(text);
            hashed[k].push_front(int(i));
            tuples.emplace(int(i), k, 1.5);
            variants.emplace_back(k);
        }
        std::vector<K> keys;
        for (auto &entry : sorted)
            keys.push_back(entry.first);
        std::sort(keys.begin(), keys.end());
        std::stable_sort(keys.begin(), keys.end(), [](const K &x, const K &y) { return y < x; });
        std::function<size_t(const K &)> count = [this](const K &k) { return sorted.count(k) + hashed.count(k); };
        size_t total = tuples.size();
        for (auto &k : keys)
            total += count(k);
        for (auto &v : variants)
            total += std::visit([](auto &&x) -> size_t { return sizeof(x); }, v);
        variants.sort([](auto &x, auto &y) { return x.index() < y.index(); });
        return total;
    }
};
}

size_t run_$n(const std::string &text)
{
    std::regex expression("a(b|c)*d");
    return unit$n::work<$n>().run(text) + unit$n::work<$n + 1000>().run(text) + std::regex_search(text, expression);
}
END
