#include <string.h>

#include "../tap.h"
#include "profile/unit.h"
#include "report/config.h"
#include "report/shorten.h"

static bool labels(i64 value, const char *from, const char *to, const char *wanted)
{
    struct buf b;
    buf_init(&b, 100);
    unit_label(&b, value, str_of(from), str_of(to));
    bool same = str_equal(buf_str(&b), str_of(wanted));
    ok(same, "%lld %s in %s is %s (%.*s)", (long long)value, from, to, wanted,
       STR_ARG(buf_str(&b)));
    buf_free(&b);
    return same;
}

static void test_units(void)
{
    labels(161628160, "bytes", "minimum", "154.14MB");
    labels(0, "bytes", "auto", "0");
    labels(1, "s", "ms", "1000ms");
    labels(100, "kb", "b", "102400B");
    labels(-2048, "bytes", "auto", "-2kB");
    labels(1800, "seconds", "auto", "1800s");
    labels(3600000000000, "nanoseconds", "auto", "1hrs");
    labels(100, "MiLlIsEcOnDs", "auto", "100ms");
    labels(7, "count", "minimum", "7");
    labels(7, "widgets", "auto", "7");
    labels(7, "widgets", "gizmos", "7gizmos");
    labels(1500, "bytes", "kilobytes", "1.46kB");
    labels(1000, "gcu", "auto", "1k*GCU");
    labels(20, "bytes", "seconds", "20B");
}

static void test_percent(void)
{
    ok(strcmp(unit_percent(1, 3).text, "33.33%") == 0, "a third is 33.33%%");
    ok(strcmp(unit_percent(9996, 10000).text, "  100%") == 0, "nearly all is 100%%");
    ok(strcmp(unit_percent(1, 1000).text, "  0.1%") == 0, "small parts have two digits");
    ok(strcmp(unit_percent(5, 0).text, "    0%") == 0, "of nothing it is 0%%");
}

static void test_config(void)
{
    struct config c;
    struct str choice;
    struct err e;
    config_init(&c);
    ok(c.nodecount == -1 && c.nodefraction == 0.005 && c.trim && str_equal(c.sort, STR("flat")),
       "defaults are pprof's");
    const struct config_variable *v = config_find(STR("lines"), &choice);
    ok(v && str_equal(choice, STR("lines")) && config_set(&c, v, choice, &e) &&
           str_equal(c.granularity, STR("lines")),
       "a choice is found by its own name");
    v = config_find(STR("trim"), &choice);
    ok(config_set(&c, v, STR("No"), &e) && !c.trim && !config_set(&c, v, STR("maybe"), &e),
       "truth values: %s", e.text);
    v = config_find(STR("sort"), &choice);
    ok(!config_set(&c, v, STR("foo"), &e) && strcmp(e.text, "invalid \"sort\" value \"foo\"") == 0,
       "%s", e.text);
    ok(config_find(STR("nosuch"), &choice) == NULL, "there is no variable of an unknown name");
}

static void test_shorten(void)
{
    static const char *const name[][2] = {
        {"github.com/blahBlah/foo.Foo", "foo.Foo"},
        {"github.com/foo/bar/v4.(*Foo).Bar", "bar.(*Foo).Bar"},
        {"com.example.Foo.bar(Ljava/lang/String;)V", "Foo.bar"},
        {"ns::Outer::method", "Outer::method"},
        {"(anonymous namespace)::Bar::Foo", "Bar::Foo"},
        {"main", "main"},
    };
    struct arena a;
    arena_init(&a, (size_t)MIB(1));
    for (size_t i = 0; i < ARRAY_LEN(name); i++) {
        struct str shown = shorten_function(str_of(name[i][0]), &a);
        ok(str_equal(shown, str_of(name[i][1])), "%s is shown as %s (%.*s)", name[i][0], name[i][1],
           STR_ARG(shown));
    }
    arena_free(&a);
}

int main(void)
{
    test_units();
    test_percent();
    test_config();
    test_shorten();
    return done();
}
