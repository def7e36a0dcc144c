#include "sonde/shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sonde/command.h"
#include "sonde/output.h"
#include "sonde/prompt.h"
#include "sonde/usage.h"

enum { TOP_NODES = 10 }; // of top and text, when nobody says how many

struct shell {
    const struct profile *p;
    struct config config;
    struct arena *arena; // texts in config
    bool is_done;
};

// What is told about, not shown: as pprof's, on stderr.
static void say(struct str text)
{
    fprintf(stderr, "%.*s%s", STR_ARG(text), str_ends(text, STR("\n")) ? "" : "\n");
}

static void say_error(const struct err *e)
{
    say(str_of(e->text));
}

// "[samples cpu]", by separator.
static void add_types(struct buf *out, const struct profile *p, const char *separator)
{
    for (u32 t = 0; t < p->ntype; t++)
        buf_printf(out, "%s%.*s", t ? separator : "", STR_ARG(profile_string(p, p->type[t].type)));
}

static void greet(struct shell *s)
{
    struct buf text, warnings;
    struct arena scratch;
    struct err e;
    i64 total;
    arena_init(&scratch, SIZE_MAX);
    buf_init(&text, 1 << 20);
    buf_init(&warnings, 1 << 20);
    if (report_greeting(&text, s->p, &s->config, &total, &warnings, &scratch, &e)) {
        fwrite(warnings.data, 1, warnings.len, stderr);
        if (total == 0 && s->p->ntype > 1)
            buf_text(&text, "No samples were found with the default sample value type.\n"
                            "Try \"sample_index\" command to analyze different sample values.\n");
    }
    buf_text(&text, "Entering interactive mode (type \"help\" for commands, \"o\" for options)\n");
    say(buf_str(&text));
    buf_free(&text);
    buf_free(&warnings);
    arena_free(&scratch);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// "[cum | flat]"
static void add_choices(struct buf *out, const struct config_variable *v)
{
    char *copy = strdup(v->choices), *rest = copy;
    const char *choice[16];
    size_t n = 0;
    for (char *word; n < ARRAY_LEN(choice) && (word = strsep(&rest, " "));)
        choice[n++] = word;
    qsort(choice, n, sizeof(*choice), by_text);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%s", i ? " | " : "[", choice[i]);
    buf_char(out, ']');
    free(copy);
}

// A variable's line: its name, its value, and what else it can be.
static void add_option(struct buf *out, const struct shell *s, const struct config_variable *v)
{
    struct buf value, comment;
    buf_init(&value, 1 << 20);
    buf_init(&comment, 1 << 20);
    config_value(&value, &s->config, v);
    bool is_type = strcmp(v->name, "sample_index") == 0;
    if (v->type == CONFIG_CHOICE) {
        add_choices(&comment, v);
    } else if (is_type) {
        const struct profile *p = s->p;
        if (value.len == 0)
            buf_add(&value, profile_string(p, p->type[p->ntype - 1].type));
        buf_char(&comment, '[');
        add_types(&comment, p, " | ");
        buf_char(&comment, ']');
    } else if (strcmp(v->name, "nodecount") == 0 && str_equal(buf_str(&value), STR("-1"))) {
        buf_text(&comment, "default");
    }
    if (value.len == 0)
        buf_text(&value, v->type == CONFIG_CHOICE ? "(default)" : "\"\"");
    buf_printf(out, "  %-25s = ", v->name);
    buf_left(out, buf_str(&value), 20);
    buf_printf(out, " %s%.*s\n", comment.len ? "//: " : "", STR_ARG(buf_str(&comment)));
    buf_free(&value);
    buf_free(&comment);
}

static void list_options(const struct shell *s)
{
    struct buf out;
    buf_init(&out, 1 << 22);
    for (const struct config_variable *v = config_variables; v->name; v++) {
        if (strcmp(v->name, "source_path") != 0)
            add_option(&out, s, v);
    }
    say(buf_str(&out));
    buf_free(&out);
}

static void help(const struct shell *s, struct str name)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    if (name.len == 0) {
        buf_text(&out, "  Commands:\n");
        usage_tables(&out, "",
                     "    o/options        List options and their current values\n"
                     "    q/quit/exit/^D   Exit pprof\n");
        buf_text(&out, "  :   Clear focus/ignore/hide/tagfocus/tagignore\n"
                       "\n"
                       "  type \"help <cmd|option>\" for more information\n");
    } else if (!usage_about(&out, name)) {
        buf_printf(&out, "Unknown command: %.*s\n", STR_ARG(name));
    } else if (str_equal(name, STR("sample_index"))) {
        out.len--;
        buf_text(&out, "Or use sample_index=name, with name in [");
        add_types(&out, s->p, " ");
        buf_text(&out, "].\n\n");
    }
    say(buf_str(&out));
    buf_free(&out);
}

// Sets a variable; a choice's own name is set by what is true, as in Go.
static bool assign(struct shell *s, const struct config_variable *v, struct str choice,
                   struct str value, struct err *e)
{
    bool is_chosen;
    u32 type;
    if (choice.len && option_bool(&is_chosen, value) && is_chosen)
        return config_set(&s->config, v, arena_str(s->arena, choice), e);
    if (choice.len)
        return err_set(e, EINVAL, "unknown config field \"%.*s\"", STR_ARG(choice));
    if (strcmp(v->name, "sample_index") == 0) {
        if (!profile_type_find(&type, s->p, value, e))
            return false;
        value = profile_string(s->p, s->p->type[type].type);
    }
    return config_set(&s->config, v, arena_str(s->arena, value), e);
}

// Without what follows the last "//:", where the list of options has its comments.
static struct str without_comment(struct str value)
{
    const struct str mark = STR("//:");
    for (size_t n = value.len; n >= mark.len; n--) {
        if (str_ends((struct str){value.ptr, n}, mark))
            return (struct str){value.ptr, n - mark.len};
    }
    return value;
}

// "name=value", or the name alone of what needs none.  False: the line is something else.
static bool try_assignment(struct shell *s, struct str line)
{
    struct str value = line, choice, name = str_cut(&value, '=');
    bool has_value = name.len < line.len;
    struct err e;
    name = str_trim(name);
    const struct config_variable *v = config_find(name, &choice);
    if (!v)
        return false;
    value = str_trim(without_comment(value));
    if (!has_value && v->type != CONFIG_BOOL && choice.len == 0)
        fprintf(stderr, "please specify a value, e.g. %.*s=<val>\n", STR_ARG(name));
    else if (!assign(s, v, choice, value, &e))
        say_error(&e);
    return true;
}

// A command with its arguments.
struct command_line {
    struct str *word;
    u32 n, cap;
    const struct report_type *type;
    struct str parameter;
    struct config config;
    struct arena *arena;
};

static void split(struct command_line *l, struct str text)
{
    for (size_t i = 0, start; i < text.len;) {
        while (i < text.len && str_is_blank(text.ptr[i]))
            i++;
        start = i;
        while (i < text.len && !str_is_blank(text.ptr[i]))
            i++;
        if (i > start)
            *arena_push(l->arena, l->word, l->n, l->cap) =
                (struct str){text.ptr + start, i - start};
    }
}

// The report that the first word names, also with a number at its end: "top10".  *digits: that.
static const struct report_type *find_report(struct str word, struct str *digits)
{
    size_t n = word.len;
    const struct report_type *type = report_find(word);
    *digits = STR("");
    while (n && word.ptr[n - 1] >= '0' && word.ptr[n - 1] <= '9')
        n--;
    if (type || n == word.len || n == 0)
        return type;
    *digits = str_skip(word, n);
    return report_find((struct str){word.ptr, n});
}

static bool no_report(struct str word, const struct command_line *l, struct err *e)
{
    if (config_help(word))
        return err_set(e, EINVAL, "did you mean: %.*s=%.*s", STR_ARG(word),
                       STR_ARG(l->n > 1 ? l->word[1] : STR("<val>")));
    return err_set(e, EINVAL, "unrecognized command: \"%.*s\"", STR_ARG(word));
}

static struct str joined(struct str a, struct str b, struct arena *arena)
{
    return arena_printf(arena, "%.*s%s%.*s", STR_ARG(a), a.len && b.len ? "|" : "", STR_ARG(b));
}

// Numbers are counts of nodes, "-word" is ignored, ">word" is a file, other words are focused on.
static bool parse_arguments(struct command_line *l, u32 first, struct err *e)
{
    struct str focus = {0}, ignore = {0};
    i64 count;
    for (u32 i = first; i < l->n; i++) {
        struct str word = l->word[i];
        if (str_i64(&count, word) && count >= INT32_MIN && count <= INT32_MAX) {
            l->config.nodecount = count;
        } else if (str_starts(word, STR(">"))) {
            l->config.output = str_skip(word, 1);
            if (word.len == 1 && ++i >= l->n)
                return err_set(e, EINVAL, "unexpected end of line after >");
            if (word.len == 1)
                l->config.output = l->word[i];
        } else if (str_equal(word, STR("-cum")) || str_equal(word, STR("--cum"))) {
            l->config.sort = STR("cum");
        } else if (str_starts(word, STR("-"))) {
            ignore = joined(ignore, str_skip(word, 1), l->arena);
        } else {
            focus = joined(focus, word, l->arena);
        }
    }
    bool is_tags = str_equal(str_of(l->type->name), STR("tags"));
    struct str *focused = is_tags ? &l->config.tagfocus : &l->config.focus;
    struct str *ignored = is_tags ? &l->config.tagignore : &l->config.ignore;
    *focused = focus.len ? focus : *focused;
    *ignored = ignore.len ? ignore : *ignored;
    return true;
}

// What a parameter that may be left out begins with: a letter, so it is no count, file or flag.
static bool is_word(struct str word)
{
    char c = (char)(word.ptr[0] | ' ');
    return c >= 'a' && c <= 'z';
}

static bool parse_command(struct command_line *l, struct err *e)
{
    struct str digits;
    i64 count;
    u32 first = 1;
    l->type = find_report(l->word[0], &digits);
    if (!l->type)
        return no_report(digits.len ? (struct str){l->word[0].ptr, l->word[0].len - digits.len}
                                    : l->word[0],
                         l, e);
    if (str_i64(&count, digits))
        l->config.nodecount = count;
    bool is_named = l->n > 1 && is_word(l->word[1]);
    if (l->type->parameter && (is_named || !l->type->standard_parameter)) {
        if (l->n == 1 && digits.len == 0)
            return err_set(e, EINVAL, "command %s requires an argument", l->type->name);
        l->parameter = digits.len ? digits : l->word[first++];
    }
    if (!parse_arguments(l, first, e))
        return false;
    if (l->config.nodecount == -1 && l->type->write == report_text)
        l->config.nodecount = TOP_NODES;
    return true;
}

static void run_line(struct shell *s, struct str text)
{
    struct arena scratch;
    struct err e;
    arena_init(&scratch, (size_t)MIB(256));
    struct command_line l = {.config = s->config, .arena = &scratch};
    split(&l, text);
    struct str word = l.n ? l.word[0] : STR("");
    if (str_equal(word, STR("o")) || str_equal(word, STR("options")))
        list_options(s);
    else if (str_equal(word, STR("exit")) || str_equal(word, STR("quit")) ||
             str_equal(word, STR("q")))
        s->is_done = true;
    else if (str_equal(word, STR("help")))
        help(s, l.n > 1 ? l.word[1] : STR(""));
    else if (l.n && (!parse_command(&l, &e) ||
                     !output_report(s->p, l.type, l.parameter, &l.config, true, &e)))
        say_error(&e);
    arena_free(&scratch);
}

static void run(struct shell *s, struct str line)
{
    if (!try_assignment(s, line))
        run_line(s, line);
}

// A sample type's name chooses it; with "total_" or "mean_" before it, also whether to divide.
static bool try_type(struct shell *s, struct str line)
{
    static const char *const prefix[] = {"", "total_", "mean_"};
    struct str index = STR("sample_index"), choice;
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(prefix); i++) {
        struct str name = str_skip(line, strlen(prefix[i]));
        if (!str_starts(line, str_of(prefix[i])))
            continue;
        for (u32 t = 0; t < s->p->ntype; t++) {
            if (!str_equal(profile_string(s->p, s->p->type[t].type), name))
                continue;
            if (i)
                s->config.mean = i == 2;
            return assign(s, config_find(index, &choice), STR(""), name, &e);
        }
    }
    return false;
}

// Expands what stands for several lines.
static void run_shortcut(struct shell *s, struct str line)
{
    static const char *const cleared[] = {"focus=", "ignore=", "hide=", "tagfocus=", "tagignore="};
    line = str_trim(line);
    if (str_equal(line, STR(":"))) {
        for (size_t i = 0; i < ARRAY_LEN(cleared); i++)
            run(s, str_of(cleared[i]));
    } else if (!try_type(s, line)) {
        run(s, line);
    }
}

bool shell(const struct profile *p, const struct config *c, struct err *e)
{
    struct arena a;
    char *line;
    if (p->ntype == 0)
        return err_set(e, EINVAL, "profile has no samples");
    arena_init(&a, (size_t)MIB(1024));
    struct shell s = {.p = p, .config = *c, .arena = &a};
    s.config.compact_labels = true;
    greet(&s);
    prompt_open(p);
    while (!s.is_done && prompt_read(&line)) {
        run_shortcut(&s, str_of(line));
        free(line);
    }
    prompt_close();
    arena_free(&a);
    return true;
}
