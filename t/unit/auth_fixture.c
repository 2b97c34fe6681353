/* SPDX-License-Identifier: MIT */
#include "auth_fixture.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_file.h"

struct auth_core *auth_core;
char auth_database[64];
struct auth_check auth_checked;
struct auth_answer auth_answer;

static char directory[32];

static struct store *open_store(enum store_access access)
{
    struct store_params p = { .path = auth_database, .database = DATABASE_ACCOUNTS, .access = access,
                              .busy_timeout_ms = 1000 };
    struct store *store;
    struct error e = { "" };

    ck_assert_msg(store_open(&p, &store, &e) == OK, "%s", e.text);
    return store;
}

void auth_change(enum change_kind kind, ...)
{
    struct change change = { .kind = kind };
    struct change_set set = { .change = &change, .count = 1 }, *sets[] = { &set };
    struct store *store = open_store(STORE_WRITE);
    va_list args;
    enum field field;

    va_start(args, kind);
    while ((field = va_arg(args, enum field)) != FIELD_COUNT)
        change.field[field] = va_arg(args, const char *);
    va_end(args);
    ck_assert_int_eq(store_apply(store, sets, 1, AUTH_NOW), OK);
    ck_assert_msg(set.result == OK, "%s", set.error.text);
    store_close(&store);
}

void auth_make_database(void)
{
    struct store *store = open_store(STORE_CREATE);

    store_close(&store);
    auth_change(CHANGE_DOMAIN_ADD, FIELD_DOMAIN, "example.com", FIELD_KIND, "mailbox", FIELD_COUNT);
    auth_change(CHANGE_DOMAIN_ADD, FIELD_DOMAIN, "example.net", FIELD_KIND, "mailbox", FIELD_COUNT);
    auth_change(CHANGE_ACCOUNT_ADD, FIELD_ADDRESS, "user@example.com", FIELD_KIND, "user", FIELD_PASSWORD,
                "{PLAIN}secret", FIELD_COUNT);
}

void auth_configure(const char *lines)
{
    char text[1024];
    struct error e = { "" };

    auth_core_free(&auth_core);
    snprintf(text, sizeof text, "accounts_db = \"%s\"\ndovecot { store_timeout_ms = 200 }\n%s", auth_database,
             lines);
    config_file_write(text, strlen(text));
    auth_core = auth_core_new(config_file_path, &e);
    ck_assert_msg(auth_core != NULL, "%s", e.text);
}

void auth_create(void)
{
    snprintf(directory, sizeof directory, "/tmp/test_auth.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(auth_database, sizeof auth_database, "%s/accounts.db", directory);
    auth_make_database();
    config_file_create();
    auth_configure("");
    auth_checked.count = 0;
}

void auth_remove(void)
{
    static const char *const names[] = { "", "-wal", "-shm", ".old", ".old-wal", ".old-shm" };
    char path[96];

    auth_core_free(&auth_core);
    config_file_remove();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s%s", auth_database, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

struct auth_login auth_login_of(const char *user, const char *service, enum auth_secured secured,
                                unsigned port)
{
    return (struct auth_login){ .user = user,
                                .service = service,
                                .mechanism = "PLAIN",
                                .server_name = "mail.example.com",
                                .client = "192.0.2.1",
                                .secured = secured,
                                .local_port = port,
                                .now = AUTH_NOW };
}

const char *auth_field(const struct account_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->field[i].name, name) == 0)
            return fields->field[i].value;
    return "";
}

static bool compare(const char *stored, bool quiet, void *context)
{
    static const char *const schemes[] = { "{PLAIN}", "{CLEARTEXT}" };

    auth_checked.count++;
    auth_checked.quiet = quiet;
    snprintf(auth_checked.stored, sizeof auth_checked.stored, "%s", stored);
    for (size_t i = 0; i < 2; i++)
        if (strncmp(stored, schemes[i], strlen(schemes[i])) == 0)
            return strcmp(stored + strlen(schemes[i]), context) == 0;
    return false;
}

enum auth_result auth_try(const struct auth_login *login, const char *password)
{
    char copy[256];

    snprintf(copy, sizeof copy, "%s", password);
    memset(&auth_answer, 0x55, sizeof auth_answer);
    return auth_core_login(auth_core, login, compare, copy, &auth_answer);
}
