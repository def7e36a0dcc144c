#include <stdlib.h>
#include <string.h>

#include "../../examples/upload-server/multipart.h"
#include "../tap.h"

// What the parser told: "<name|filename|type:" bytes ">" for each part.
struct trace {
    char text[4096];
    size_t n;
    size_t refuse_at; // events() say no when the trace is this long; 0: never
};

static bool put(struct trace *t, const void *bytes, size_t n)
{
    if (n > sizeof(t->text) - 1 - t->n)
        n = sizeof(t->text) - 1 - t->n;
    memcpy(t->text + t->n, bytes, n);
    t->n += n;
    t->text[t->n] = 0;
    return !t->refuse_at || t->n < t->refuse_at;
}

static bool begin(void *context, const struct multipart_part *p)
{
    char line[1024];
    snprintf(line, sizeof(line), "<%.*s|%.*s|%.*s:", STR_ARG(p->name), STR_ARG(p->filename),
             STR_ARG(p->content_type));
    return put(context, line, strlen(line));
}

static bool data(void *context, const uint8_t *bytes, size_t n)
{
    return put(context, bytes, n);
}

static bool end(void *context)
{
    return put(context, ">", 1);
}

static const struct multipart_events events = {begin, data, end};

// Feeds input in pieces of a size.  Each piece is a block of its own, so that ASan sees a step over
// its end.
static bool feed(struct multipart *m, struct str input, size_t piece)
{
    bool is_good = true;
    for (size_t at = 0; at < input.len && is_good; at += piece) {
        size_t n = input.len - at < piece ? input.len - at : piece;
        char *copy = malloc(n);
        memcpy(copy, input.ptr + at, n);
        is_good = multipart_feed(m, copy, n);
        free(copy);
    }
    return is_good;
}

// The trace of input with the boundary B, and " whole", " cut" or " bad" behind it.
static const char *trace_of(struct trace *t, struct str input, size_t piece)
{
    struct multipart m;
    *t = (struct trace){0};
    multipart_init(&m, STR("B"), &events, t);
    bool is_good = feed(&m, input, piece);
    const char *state = multipart_is_whole(&m) ? " whole" : is_good ? " cut" : " bad";
    put(t, state, strlen(state));
    return t->text;
}

static void is(const char *input, const char *wanted, const char *what)
{
    struct trace whole, bytes;
    struct str s = str_of(input);
    trace_of(&whole, s, s.len ? s.len : 1);
    trace_of(&bytes, s, 1);
    bool holds = strcmp(whole.text, wanted) == 0 && strcmp(bytes.text, wanted) == 0;
    if (!ok(holds, "%s", what))
        printf("#   whole: %s\n# 1-byte: %s\n#    want: %s\n", whole.text, bytes.text, wanted);
}

#define DISPOSITION(parameters) "Content-Disposition: form-data; " parameters "\r\n"
#define PART(parameters, body)  "--B\r\n" DISPOSITION(parameters) "\r\n" body "\r\n"

static void test_parts(void)
{
    is(PART("name=\"a\"", "hello") "--B--\r\n", "<a||:hello> whole", "a part has a name and bytes");
    is(PART("name=a", "1") PART("name=b", "2") "--B--\r\n", "<a||:1><b||:2> whole",
       "two follow each other");
    is(PART("name=a", "") "--B--\r\n", "<a||:> whole", "a part may be empty");
    is("--B\r\n" DISPOSITION("name=a") "\r\n--B--", "<a||:> whole",
       "even without a line end of its own");
    is("--B\r\n\r\nx\r\n--B--", "<||:x> whole", "a part may have no headers");
    is(PART("name=a", "\r\n") "--B--\r\n", "<a||:\r\n> whole", "a body may be a line end");
    is(PART("name=a", "\r\r\n\r") "--B--", "<a||:\r\r\n\r> whole", "or several and half of one");
    is("--B--\r\n", " whole", "there may be no parts");
}

static void test_delimiters(void)
{
    is(PART("name=a", "\r\n--Bx") "--B--", "<a||:\r\n--Bx> whole",
       "a longer line is not the boundary");
    is(PART("name=a", "\r\n--\r\n-\r\n--") "--B--", "<a||:\r\n--\r\n-\r\n--> whole",
       "neither is a shorter one");
    is(PART("name=a", "x--B\r\n") "--B--", "<a||:x--B\r\n> whole",
       "nor one in the middle of a line");
    is(PART("name=a", "--Bx") "--B--", "<a||:--Bx> whole",
       "nor a longer one right behind the headers");
    is(PART("name=a", "\r\n\r\n") "--B--", "<a||:\r\n\r\n> whole",
       "what begins like one is not lost");
    is("--B \t\r\n" DISPOSITION("name=a") "\r\nx\r\n--B  \r\n\r\ny\r\n--B--", "<a||:x><||:y> whole",
       "blanks may follow a boundary");
    is("preamble\r\n--Bx\r\n" PART("name=a", "1") "--B--", "<a||:1> whole",
       "what precedes the first is skipped");
    is(PART("name=a", "1") "--B--\r\nepilogue\r\n--B\r\n", "<a||:1> whole",
       "as is what follows the last");
    is("\r\n" PART("name=a", "1") "--B--", "<a||:1> whole", "the first may follow an empty line");
}

static void test_errors(void)
{
    is("", " cut", "nothing is not whole");
    is("--B\r\n", " cut", "nor is a boundary");
    is(PART("name=a", "1"), "<a||:1 cut", "nor a part without the next boundary");
    is(PART("name=a", "1") "--B-", "<a||:1> cut", "nor half of the closing boundary");
    is(PART("name=a", "1") "--B-x", "<a||:1> bad", "a boundary and one dash are an error");
    is(PART("name=a", "1") "--B x", "<a||:1> bad", "as are a boundary, a blank and text");
    is(PART("name=a", "1") "--B\rx", "<a||:1> bad", "and a boundary and half a line end");
    is("--B\r\nno colon\r\n\r\n", " bad", "a header needs a colon");
    is("--B\r\n: x\r\n\r\n", " bad", "and a name");
    is("--B\r\nA: b\r\n c\r\n\r\n", " bad", "a folded header is refused");
}

static void test_headers(void)
{
    is("--B\r\n" DISPOSITION("name=\"a\"; filename=\"f.txt\"") "Content-Type: text/plain; "
                                                               "charset=utf-8\r\n\r\n\r\n--B--",
       "<a|f.txt|text/plain; charset=utf-8:> whole", "a part has a filename and a type");
    is("--B\r\ncontent-disposition:form-data;NAME=a\r\ncontent-type:x/y \r\n\r\n\r\n--B--",
       "<a||x/y:> whole", "case and blanks do not matter");
    is(PART("name=a; filename=\"/etc/../x y.txt\"", "") "--B--", "<a|x y.txt|:> whole",
       "of a path only the last component counts");
    is(PART("name=\"a\\\"b\"; filename=\"C:\\\\dir\\f.txt\"", "") "--B--",
       "<a\"b|C:\\dir\\f.txt|:> whole", "backslashes quote quotes and themselves, nothing else");
    is(PART("name=\"a;b=c\"", "") "--B--", "<a;b=c||:> whole", "quotes hold semicolons");
    is(PART("filename=\"x", "") "--B--", "<||:> whole", "a quote without an end is no value");
    is("--B\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--B--", "<||:> whole",
       "a disposition other than form-data names nothing");
    is("--B\r\nX-Other: y\r\n" DISPOSITION("name=a") "\r\n\r\n--B--", "<a||:> whole",
       "other headers are passed over");
}

static void test_header_limit(void)
{
    struct trace t;
    size_t n = MULTIPART_MOST_HEADER + 100;
    char *input = malloc(n);
    memset(input, 'x', n);
    memcpy(input, "--B\r\nA: ", 8);
    ok(strcmp(trace_of(&t, (struct str){input, n}, n), " bad") == 0,
       "headers without an end are refused");
    free(input);
    ok(strcmp(trace_of(&t, STR("--B\r\nA: \0\r\n\r\n"), 100), " bad") == 0,
       "as is a header with a NUL");
}

static void test_pieces(void)
{
    struct str input = STR(PART("name=a", "1\r\n--\r\n--Bx\r\r\n") "--B \r\n" DISPOSITION(
        "name=b; filename=c") "\r\n"
                              "\0\xff\r\n\r\n--B--\r\nend");
    struct trace whole, pieces;
    bool same = true;
    trace_of(&whole, input, input.len);
    for (size_t piece = 1; piece < input.len; piece++) {
        trace_of(&pieces, input, piece);
        same &= whole.n == pieces.n && memcmp(whole.text, pieces.text, whole.n) == 0;
    }
    ok(same, "pieces of any size tell the same");
}

static void test_long_bodies(void)
{
    enum { N = 3000 };
    char body[N], input[N + 100];
    struct trace t;
    bool same = true;
    for (unsigned seed = 1; seed <= 200; seed++) {
        srand(seed);
        for (size_t i = 0; i < N; i++)
            body[i] = "\r\n-Bx"[rand() % 5];
        int start = snprintf(input, sizeof(input), "--B\r\n\r\n%.*s", N, body);
        // A boundary of chance is made none.
        for (char *p = input + 3; (p = memmem(p, (size_t)(input + start - p), "\r\n--B", 5)); p++)
            p[4] = 'x';
        if (memcmp(input + 7, "--B", 3) == 0)
            input[9] = 'x';
        memcpy(input + start, "\r\n--B--", 8);
        trace_of(&t, (struct str){input, (size_t)start + 7}, seed);
        same &= t.n == 4 + N + 7 && memcmp(t.text + 4, input + 7, N) == 0;
    }
    ok(same, "bodies made of pieces of boundaries arrive whole");
}

static void test_refusal(void)
{
    struct str input = STR(PART("name=a", "hello") PART("name=b", "x") "--B--");
    struct trace t;
    bool is_refused = true, is_silent = true;
    for (size_t at = 1; at < 15; at++) {
        struct multipart m;
        t = (struct trace){.refuse_at = at};
        multipart_init(&m, STR("B"), &events, &t);
        is_refused &= !multipart_feed(&m, input.ptr, input.len);
        size_t n = t.n;
        is_refused &= !multipart_feed(&m, input.ptr, input.len);
        is_silent &= t.n == n;
    }
    ok(is_refused, "an event that says no ends it");
    ok(is_silent, "and nothing is told after that");
}

static void boundary_is(const char *content_type, const char *wanted, const char *what)
{
    char *copy = strdup(content_type);
    struct str boundary;
    bool is_there = multipart_boundary(&boundary, copy);
    ok(wanted ? is_there && str_equal(boundary, str_of(wanted)) : !is_there, "%s", what);
    free(copy);
}

static void test_boundary(void)
{
    boundary_is("multipart/form-data; boundary=abc", "abc", "the boundary is a parameter");
    boundary_is("multipart/form-data; charset=utf-8; Boundary=\"a b?\"", "a b?",
                "which may be quoted");
    boundary_is("multipart/form-data", NULL, "it may be missing");
    boundary_is("multipart/form-data; boundary=", NULL, "or empty");
    boundary_is("multipart/form-data; boundary=\"abc", NULL, "or without its second quote");
    boundary_is("multipart/form-data; "
                "boundary=0123456789012345678901234567890123456789012345678901234567890123456789",
                "0123456789012345678901234567890123456789012345678901234567890123456789",
                "70 characters are the most");
    boundary_is("multipart/form-data; "
                "boundary=01234567890123456789012345678901234567890123456789012345678901234567890",
                NULL, "71 are too many");
}

int main(void)
{
    test_parts();
    test_delimiters();
    test_errors();
    test_headers();
    test_header_limit();
    test_pieces();
    test_long_bodies();
    test_refusal();
    test_boundary();
    return done();
}
