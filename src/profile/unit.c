#include "profile/unit.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

struct unit {
    const char *name;
    const char *alias[3]; // in lower case, without a plural s
    double factor;        // in the family's smallest unit
};

struct family {
    const struct unit *unit;
    u32 nunit;
    struct unit standard; // when no unit fits
};

static const struct unit memory[] = {
    {"B", {"b", "byte"}, 1},
    {"kB", {"kb", "kbyte", "kilobyte"}, 0x1p10},
    {"MB", {"mb", "mbyte", "megabyte"}, 0x1p20},
    {"GB", {"gb", "gbyte", "gigabyte"}, 0x1p30},
    {"TB", {"tb", "tbyte", "terabyte"}, 0x1p40},
    {"PB", {"pb", "pbyte", "petabyte"}, 0x1p50},
};

static const struct unit duration[] = {
    {"ns", {"ns", "nanosecond"}, 1},    {"us", {"μs", "us", "microsecond"}, 1e3},
    {"ms", {"ms", "millisecond"}, 1e6}, {"s", {"s", "sec", "second"}, 1e9},
    {"hrs", {"hour", "hr"}, 3600e9},
};

static const struct unit gcu[] = {
    {"n*GCU", {"nanogcu"}, 1e-9}, {"u*GCU", {"microgcu"}, 1e-6}, {"m*GCU", {"milligcu"}, 1e-3},
    {"GCU", {"gcu"}, 1},          {"k*GCU", {"kilogcu"}, 1e3},   {"M*GCU", {"megagcu"}, 1e6},
    {"G*GCU", {"gigagcu"}, 1e9},  {"T*GCU", {"teragcu"}, 1e12},  {"P*GCU", {"petagcu"}, 1e15},
};

static const struct family families[] = {
    {memory, ARRAY_LEN(memory), {"B", {NULL}, 1}},
    {duration, ARRAY_LEN(duration), {"s", {NULL}, 1e9}},
    {gcu, ARRAY_LEN(gcu), {"GCU", {NULL}, 1}},
};

static const struct unit *find_unit(const struct family *f, struct str name)
{
    char lower[32];
    if (name.len >= sizeof(lower))
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = (char)tolower((unsigned char)name.ptr[i]);
    struct str key = {lower, name.len};
    if (key.len > 2 && str_ends(key, STR("s")))
        key.len--;
    for (u32 i = 0; i < f->nunit; i++) {
        for (u32 k = 0; k < ARRAY_LEN(f->unit[i].alias) && f->unit[i].alias[k]; k++) {
            if (str_equal(key, str_of(f->unit[i].alias[k])))
                return &f->unit[i];
        }
    }
    return NULL;
}

static bool is_automatic(struct str unit)
{
    return str_equal(unit, STR("minimum")) || str_equal(unit, STR("auto"));
}

// The largest unit in which value, in the family's smallest, is at least 1.
static const struct unit *largest_unit(const struct family *f, double value)
{
    const struct unit *best = NULL;
    for (u32 i = 0; i < f->nunit; i++) {
        if ((!best || f->unit[i].factor >= best->factor) && value / f->unit[i].factor >= 1)
            best = &f->unit[i];
    }
    return best ? best : &f->standard;
}

double unit_scale(i64 value, struct str from, struct str to, struct str *unit)
{
    if (value < 0 && value != INT64_MIN)
        return -unit_scale(-value, from, to, unit);
    for (u32 i = 0; i < ARRAY_LEN(families); i++) {
        const struct family *f = &families[i];
        const struct unit *source = find_unit(f, from);
        if (!source)
            continue;
        double smallest = (double)value * source->factor;
        const struct unit *target = is_automatic(to) ? largest_unit(f, smallest) : find_unit(f, to);
        if (!target)
            target = &f->standard;
        *unit = str_of(target->name);
        return smallest / target->factor;
    }
    bool plain = is_automatic(to) || str_equal(to, STR("count")) || str_equal(to, STR("sample")) ||
                 str_equal(to, STR("unit"));
    *unit = plain ? STR("") : to;
    return (double)value;
}

bool unit_alike(struct str a, struct str b)
{
    bool alike = str_equal(a, b);
    for (u32 i = 0; i < ARRAY_LEN(families); i++)
        alike |= find_unit(&families[i], a) && find_unit(&families[i], b);
    return alike;
}

void unit_label(struct buf *out, i64 value, struct str from, struct str to)
{
    struct str unit;
    double scaled = unit_scale(value, from, to, &unit);
    char text[DECIMAL_BYTES];
    u32 n = decimal_fixed(text, scaled);
    if (n > 3 && strcmp(text + n - 3, ".00") == 0)
        text[n - 3] = 0;
    bool zero = strcmp(text, "0") == 0 || strcmp(text, "-0") == 0;
    buf_text(out, zero ? "0" : text);
    if (!zero)
        buf_add(out, unit);
}

struct percent unit_percent(i64 value, i64 total)
{
    enum { WIDTH = 5 };
    struct percent p;
    double ratio = total ? fabs((double)value / (double)total) * 100 : 0;
    char text[DECIMAL_BYTES] = "100";
    u32 n = 3;
    if (ratio < 99.95 || ratio > 100.05)
        n = ratio >= 1 ? decimal_fixed(text, ratio) : decimal_short(text, ratio);
    snprintf(p.text, sizeof(p.text), "%*s%%", n < WIDTH ? WIDTH : (int)n, text);
    return p;
}

const char *percent_trimmed(const struct percent *p)
{
    return p->text + strspn(p->text, " ");
}
