#include "sonde/prompt.h"

#include <ctype.h>
#include <editline/readline.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "report/report.h"

enum { MOST_HISTORY = 1000, MOST_MATCHES = 2000 };

static const char prompt[] = "(pprof) ";

// The library asks for matches through functions without a context, so this is one of the few
// places with globals.
static const struct profile *completed;
static bool is_terminal;
static char history_file[4096];

static const char *const words[] = {"exit", "help", "o", "options", "q", "quit"};

// Candidates one after the other: reports, variables, choices, sample types, other words.
struct candidates {
    char **match;
    size_t n;
    const char *prefix;
};

static void offer(struct candidates *c, struct str word)
{
    if (c->n < MOST_MATCHES && word.len >= strlen(c->prefix) &&
        strncasecmp(word.ptr, c->prefix, strlen(c->prefix)) == 0)
        c->match[c->n++] = strndup(word.ptr, word.len);
}

static void offer_commands(struct candidates *c)
{
    for (const struct report_type *t = report_types; t->name; t++)
        offer(c, str_of(t->name));
    for (const struct config_variable *v = config_variables; v->name; v++) {
        offer(c, str_of(v->name));
        for (struct str rest = str_of(v->choices); rest.len;)
            offer(c, str_cut(&rest, ' '));
    }
    for (u32 t = 0; t < completed->ntype; t++)
        offer(c, profile_string(completed, completed->type[t].type));
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        offer(c, str_of(words[i]));
}

// Functions that begin with the prefix; when there are none, those that have it somewhere.
static void offer_functions(struct candidates *c)
{
    for (u32 i = 1; i < completed->nfunction; i++)
        offer(c, profile_string(completed, completed->function[i].name));
    struct str part = str_of(c->prefix);
    for (u32 i = 1; i < completed->nfunction && c->n == 0 && part.len; i++) {
        struct str name = profile_string(completed, completed->function[i].name);
        if (str_find(name, part) >= 0 && c->n < MOST_MATCHES)
            c->match[c->n++] = strndup(name.ptr, name.len);
    }
}

// After "name=": what the variable can be.
static void offer_values(struct candidates *c, struct str name)
{
    struct str choice;
    const struct config_variable *v = config_find(name, &choice);
    if (v && v->type == CONFIG_CHOICE) {
        for (struct str rest = str_of(v->choices); rest.len;)
            offer(c, str_cut(&rest, ' '));
    } else if (v && v->type == CONFIG_BOOL) {
        offer(c, STR("true"));
        offer(c, STR("false"));
    } else if (v && strcmp(v->name, "sample_index") == 0) {
        for (u32 t = 0; t < completed->ntype; t++)
            offer(c, profile_string(completed, completed->type[t].type));
    } else {
        offer_functions(c);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The form that the library wants: first what all have in common, then all, then NULL.
static char **finish(struct candidates *c)
{
    if (c->n == 0) {
        free(c->match);
        return NULL;
    }
    qsort(c->match, c->n, sizeof(*c->match), by_text);
    size_t kept = 1;
    for (size_t i = 1; i < c->n; i++) {
        if (strcmp(c->match[i], c->match[kept - 1]) == 0)
            free(c->match[i]);
        else
            c->match[kept++] = c->match[i];
    }
    size_t common = strlen(c->match[0]);
    for (size_t i = 1; i < kept; i++) {
        size_t same = 0;
        while (same < common && c->match[0][same] == c->match[i][same])
            same++;
        common = same;
    }
    memmove(c->match + 1, c->match, kept * sizeof(*c->match));
    // Without anything in common, what was typed stays.
    c->match[0] = common ? strndup(c->match[1], common) : strdup(c->prefix);
    c->match[kept + 1] = NULL;
    return c->match;
}

static char **complete(const char *text, int start, int end)
{
    struct candidates c = {.prefix = text};
    struct str before = {rl_line_buffer, (size_t)start};
    (void)end;
    c.match = calloc(MOST_MATCHES + 2, sizeof(*c.match));
    rl_attempted_completion_over = 1;
    if (!c.match)
        return NULL;
    struct str rest = before, name = str_cut(&rest, '=');
    before = str_trim(before);
    if (name.len < (size_t)start)
        offer_values(&c, str_trim(name));
    else if (before.len == 0 || str_equal(before, STR("help")))
        offer_commands(&c);
    else
        offer_functions(&c);
    return finish(&c);
}

// Makes the folders on the way to a file.
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void find_history(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && *state)
        snprintf(history_file, sizeof(history_file), "%s/sonde/history", state);
    else if (home && *home)
        snprintf(history_file, sizeof(history_file), "%s/.local/state/sonde/history", home);
}

void prompt_open(const struct profile *p)
{
    completed = p;
    is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!is_terminal)
        return;
    rl_readline_name = "sonde";
    rl_initialize();
    using_history();
    stifle_history(MOST_HISTORY);
    find_history();
    if (history_file[0])
        read_history(history_file);
    rl_attempted_completion_function = complete;
    rl_basic_word_break_characters = " \t=-|>";
}

static bool read_plain(char **line)
{
    size_t cap = 0;
    *line = NULL;
    fputs(prompt, stdout);
    fflush(stdout);
    ssize_t n = getline(line, &cap, stdin);
    if (n <= 0)
        return false;
    if ((*line)[n - 1] == '\n')
        (*line)[n - 1] = 0;
    return true;
}

bool prompt_read(char **line)
{
    if (!is_terminal)
        return read_plain(line);
    *line = readline(prompt);
    if (*line && **line)
        add_history(*line);
    return *line != NULL;
}

void prompt_close(void)
{
    if (!is_terminal || !history_file[0])
        return;
    make_folders(history_file);
    write_history(history_file);
}
