#include "s3_credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

enum { LINE_TEXT = 4096, PATH_TEXT = 4096 };

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static bool copy(char *out, size_t cap, struct str value)
{
    if (value.len >= cap)
        return false;
    memcpy(out, value.ptr, value.len);
    out[value.len] = 0;
    return true;
}

static bool set(struct s3_credentials *c, struct str name, struct str value)
{
    if (str_equal(name, STR("aws_access_key_id")))
        return copy(c->key_id, sizeof(c->key_id), value);
    if (str_equal(name, STR("aws_secret_access_key")))
        return copy(c->secret, sizeof(c->secret), value);
    if (str_equal(name, STR("aws_session_token")))
        return copy(c->token, sizeof(c->token), value);
    return true; // others are not ours
}

// "[default]", "name = value", and comments.  False: a value is too long.
static bool read_line(struct s3_credentials *c, struct str line, struct str profile, bool *is_ours)
{
    line = str_trim(line);
    if (line.len >= 2 && line.ptr[0] == '[' && line.ptr[line.len - 1] == ']') {
        *is_ours = str_equal(str_trim((struct str){line.ptr + 1, line.len - 2}), profile);
        return true;
    }
    if (!*is_ours || line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
        return true;
    struct str name = str_trim(str_cut(&line, '='));
    return set(c, name, str_trim(line));
}

static bool load_file(struct s3_credentials *c, const char *path, struct err *e)
{
    const char *profile = environment("AWS_PROFILE");
    char line[LINE_TEXT];
    bool is_ours = false, is_good = true;
    FILE *f = fopen(path, "re");
    if (!f)
        return err_errno(e, errno, "cannot read the credentials in %s", path);
    while (is_good && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\r\n")] = 0;
        is_good = read_line(c, str_of(line), str_of(*profile ? profile : "default"), &is_ours);
    }
    fclose(f);
    if (!is_good)
        return err_set(e, "a value in %s is too long", path);
    return (c->key_id[0] && c->secret[0]) ||
           err_set(e, "%s has no aws_access_key_id and aws_secret_access_key for the profile %s",
                   path, *profile ? profile : "default");
}

static bool load_environment(struct s3_credentials *c)
{
    return set(c, STR("aws_access_key_id"), str_of(environment("AWS_ACCESS_KEY_ID"))) &&
           set(c, STR("aws_secret_access_key"), str_of(environment("AWS_SECRET_ACCESS_KEY"))) &&
           set(c, STR("aws_session_token"), str_of(environment("AWS_SESSION_TOKEN"))) &&
           c->key_id[0] && c->secret[0];
}

bool s3_credentials_load(struct s3_credentials *c, const char *path, struct err *e)
{
    char shared[PATH_TEXT];
    *c = (struct s3_credentials){0};
    if (*path)
        return load_file(c, path, e);
    if (load_environment(c))
        return true;
    *c = (struct s3_credentials){0};
    if (*environment("AWS_SHARED_CREDENTIALS_FILE"))
        return load_file(c, environment("AWS_SHARED_CREDENTIALS_FILE"), e);
    snprintf(shared, sizeof(shared), "%s/.aws/credentials", environment("HOME"));
    return load_file(c, shared, e) ||
           err_set(e, "there are no credentials for S3: set AWS_ACCESS_KEY_ID and "
                      "AWS_SECRET_ACCESS_KEY, or give a file with -s3-credentials");
}
