/* SPDX-License-Identifier: MIT */
#include "password.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

#define DOVECOT_SCHEME "{CRYPT}"

static const struct scheme {
    const char *name, *prefix;
    size_t length_max; /* in octets: what the method takes into account (crypt(5)) */
} schemes[] = {
    { "yescrypt", "$y$", CRYPT_MAX_PASSPHRASE_SIZE - 1 },
    { "bcrypt", "$2b$", 72 },
};

static const struct scheme *find_scheme(const char *name)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strcmp(schemes[i].name, name) == 0)
            return &schemes[i];
    return NULL;
}

static enum result check_password(const char *password, const struct scheme *scheme, struct error *e)
{
    size_t len = strlen(password);

    if (len == 0)
        return error_set(e, BAD, "the password is empty");
    if (strpbrk(password, "\r\n"))
        return error_set(e, BAD, "the password holds a line break");
    if (len > scheme->length_max)
        return error_set(e, BAD, "the password has %zu octets; %s takes at most %zu", len, scheme->name,
                         scheme->length_max);
    return OK;
}

enum result password_hash(const char *password, const char *scheme_name,
                          char hash_r[static PASSWORD_HASH_MAX], struct error *e)
{
    const struct scheme *scheme = find_scheme(scheme_name);
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data *data;
    struct strbuf hash;

    hash_r[0] = '\0';
    if (!scheme)
        return error_set(e, BAD, "unknown password scheme '%s'; take yescrypt or bcrypt", scheme_name);
    if (check_password(password, scheme, e) != OK)
        return BAD;
    if (!crypt_gensalt_rn(scheme->prefix, 0, NULL, 0, setting, sizeof setting))
        return error_set(e, TRY_AGAIN, "no random salt for the password: %s", strerror(errno));
    data = calloc(1, sizeof *data); /* 32 kB: too large for a small stack */
    if (!data)
        return error_set(e, TRY_AGAIN, "out of memory");
    const char *output = crypt_r(password, setting, data);
    bool done = output && output[0] != '*'; /* a failure token otherwise (crypt(3)) */
    strbuf_init(&hash, hash_r, PASSWORD_HASH_MAX);
    if (done)
        strbuf_addf(&hash, DOVECOT_SCHEME "%s", output);
    explicit_bzero(data, sizeof *data);
    free(data);
    return done ? OK : error_set(e, TRY_AGAIN, "the password could not be hashed: %s", strerror(errno));
}
