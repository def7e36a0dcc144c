#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../examples/upload-server/budget.h"
#include "../../examples/upload-server/part.h"
#include "../../examples/upload-server/s3_credentials.h"
#include "../../examples/upload-server/s3_url.h"
#include "../../examples/upload-server/slots.h"
#include "../../examples/upload-server/xml.h"
#include "../tap.h"

static void is(const char *got, const char *wanted, const char *name)
{
    if (!ok(strcmp(got, wanted) == 0, "%s", name))
        printf("#  got: %s\n# want: %s\n", got, wanted);
}

static void text_is(const char *xml, const char *name, const char *wanted, const char *what)
{
    char text[32];
    is(xml_text(str_of(xml), name, text, sizeof(text)) ? text : "none", wanted, what);
}

static void test_xml(void)
{
    text_is("<?xml version='1.0'?>\n<Error><Code>NoSuchKey</Code></Error>", "Code", "NoSuchKey",
            "an element's text");
    text_is("<s3:Error xmlns:s3='x'><s3:Code a=\">\">A</s3:Code>", "Code", "A",
            "namespaces and attributes do not matter");
    text_is("<Key>a&amp;b&lt;&#233;&#x1F600;&none;&</Key>", "Key", "a&b<é😀&none;&",
            "entities are decoded, what is none stays");
    text_is("<!-- <Key>x</Key> --><Key>y</Key>", "Key", "y", "comments are passed over");
    text_is("<Key/><Key>y</Key>", "Key", "", "an element may be empty");
    text_is("<KeyCount>1</KeyCount>", "Key", "none", "names are whole");
    text_is("<Key>y", "Key", "none", "an element has an end");
    text_is("<Key>123456789012345678901234567890123</Key>", "Key",
            "1234567890123456789012345678901", "a long text is cut off");
    struct str rest = STR("<A><B>1<B>2</B></B></A><B>3</B>"), inner = xml_next(&rest, "B");
    ok(str_equal(inner, STR("1<B>2</B>")), "an element may have its like within");
    inner = xml_next(&rest, "B");
    ok(str_equal(inner, STR("3")) && !xml_next(&rest, "B").ptr, "the next one comes behind it");
}

static void test_urls(void)
{
    char url[S3_URL_TEXT], text[64];
    struct err e;
    s3_url(url, "http://h:1", "b", false, "a b/é+(1)", "uploads=", &e);
    is(url, "http://h:1/b/a%20b/%C3%A9%2B%281%29?uploads=", "the bucket is in the path");
    s3_url(url, "https://h", "b", true, "k", "", &e);
    is(url, "https://b.h/k", "or in the host's name");
    s3_url(url, "http://h", "b", false, "", "list-type=2", &e);
    is(url, "http://h/b?list-type=2", "of the bucket itself");
    ok(s3_escape(text, sizeof(text), "a/~-._Z9", false) && strcmp(text, "a%2F~-._Z9") == 0,
       "only what is unreserved stays");
    s3_unescape(text);
    is(text, "a/~-._Z9", "and comes back");
    ok(!s3_escape(text, 4, "é", false), "what has no room fails");
    ok(s3_endpoint_is("https://h") && !s3_endpoint_is("h") && !s3_endpoint_is("http://h/x") &&
           !s3_endpoint_is("http://") && !s3_endpoint_is("ftp://h"),
       "an endpoint is a scheme and a host");
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static void test_credentials(void)
{
    char path[] = "/tmp/upload-credentials-XXXXXX";
    struct s3_credentials c;
    struct err e;
    close(mkstemp(path));
    write_file(path,
               "# mine\n[work]\naws_access_key_id=W\naws_secret_access_key=w\n\n[ default ]\r\n"
               "aws_access_key_id = D \naws_secret_access_key\t=\td=e\nregion=x\n"
               "aws_session_token = T\n");
    unsetenv("AWS_PROFILE");
    ok(s3_credentials_load(&c, path, &e) && strcmp(c.key_id, "D") == 0 &&
           strcmp(c.secret, "d=e") == 0 && strcmp(c.token, "T") == 0,
       "a file's default profile");
    setenv("AWS_PROFILE", "work", 1);
    ok(s3_credentials_load(&c, path, &e) && strcmp(c.key_id, "W") == 0 && !c.token[0],
       "another profile");
    setenv("AWS_PROFILE", "nobody", 1);
    ok(!s3_credentials_load(&c, path, &e) && strstr(e.text, "for the profile nobody"),
       "a profile that is not there");
    unsetenv("AWS_PROFILE");
    setenv("AWS_ACCESS_KEY_ID", "E", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "e", 1);
    ok(s3_credentials_load(&c, "", &e) && strcmp(c.key_id, "E") == 0, "the environment");
    ok(s3_credentials_load(&c, path, &e) && strcmp(c.key_id, "D") == 0,
       "a file that is named comes before it");
    unlink(path);
    ok(!s3_credentials_load(&c, path, &e) && strstr(e.text, "No such file"), "no file");
}

static void test_parts(void)
{
    enum { LIMIT = 5 << 20, N = 600000 };
    _Atomic(uint64_t) gauge = 0;
    struct budget *b = budget_open(LIMIT, 20, &gauge);
    struct part *p = part_open(b, LIMIT);
    char *bytes = malloc(N), *back = malloc(N), sha256[PART_SHA256_TEXT];
    for (size_t i = 0; i < N; i++)
        bytes[i] = (char)(i * 7 >> 3);
    for (size_t at = 0; at < N;)
        at += part_add(p, bytes + at, N - at < 1000 ? N - at : 1000);
    ok(part_bytes(p) == N && gauge == 3 * BUDGET_PIECE_BYTES, "a part takes whole pieces");
    ok(part_read(p, 0, back, N) == N && memcmp(bytes, back, N) == 0, "its bytes are read back");
    ok(part_read(p, 262143, back, 2) == 2 && memcmp(bytes + 262143, back, 2) == 0 &&
           part_read(p, N, back, 1) == 0,
       "from any place");
    part_close(p);
    p = part_open(b, LIMIT);
    part_add(p, "abc", 3);
    part_sha256(p, sha256);
    is(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "and hashed");
    part_close(p);
    ok(gauge == 0, "a part gives all back");
    budget_close(b);
    free(bytes);
    free(back);
}

enum { WORKERS = 12, ROUNDS = 20, PIECES = 4, ALL = 7 };

// Takes pieces one by one, as files do that arrive at the same time, and gives them back all at
// once.
static void *work(void *context)
{
    struct budget *b = context;
    for (int round = 0; round < ROUNDS; round++) {
        void *piece[PIECES];
        for (int i = 0; i < PIECES; i++) {
            piece[i] = budget_take(b, piece);
            sched_yield();
        }
        budget_give(b, piece, piece, PIECES);
    }
    return NULL;
}

static void test_budget(void)
{
    _Atomic(uint64_t) gauge = 0;
    struct budget *b = budget_open((uint64_t)ALL * BUDGET_PIECE_BYTES, PIECES, &gauge);
    pthread_t thread[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&thread[i], NULL, work, b);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(thread[i], NULL);
    ok(gauge == 0, "%d threads share %d pieces, %d for each, and all come to an end", WORKERS, ALL,
       PIECES);
    budget_stop(b);
    ok(!budget_take(b, b), "nobody waits behind the end");
    budget_close(b);
}

static void test_slots(void)
{
    struct slots s = {0};
    uint32_t last = 0;
    ok(slots_take(&s) == 1 && slots_take(&s) == 2, "numbers begin at 1");
    slots_give(&s, 1);
    ok(slots_take(&s) == 1, "the smallest that is free comes next");
    for (int i = 2; i < SLOTS; i++)
        last = slots_take(&s);
    ok(last == SLOTS && slots_take(&s) == 0, "there are so many and no more");
}

int main(void)
{
    test_xml();
    test_urls();
    test_credentials();
    test_parts();
    test_budget();
    test_slots();
    return done();
}
