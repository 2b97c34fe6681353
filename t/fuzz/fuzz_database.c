/* SPDX-License-Identifier: MIT */
/*
 * A damaged account table: the input is places and octets, three for each, that are put
 * into a good one.  Whatever is read, nothing crashes, every query ends with a result, and
 * nobody is let in by a password that is not his.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dovecot-plugin/auth_core.h"
#include "lib/store.h"
#include "t/fuzz/fuzz.h"
#include "t/unit/change_line.h"

enum { NOW = 1800000000, DAMAGE = 3, DAMAGES_MAX = 64 };

static char directory[] = "/tmp/postern-fuzz.XXXXXX", database[64], config_path[64];
static uint8_t *good;
static size_t good_size;

static void fill(void)
{
    static const char *const lines[] = {
        "domain-add domain=example.com kind=mailbox",
        "account-add address=user@example.com kind=user password={PLAIN}secret",
        "account-add address=other@example.com kind=user password={PLAIN}hidden",
        "alias-add alias=info@example.com members_send=1",
        "alias-member alias=info@example.com destination=user@example.com",
        "grant-add grantee=user@example.com sender=@example.org",
        "policy-set check=sender_login scope= mode=enforce start= until=",
        "account-suspend address=other@example.com services=all reason=stolen until=",
    };
    struct store_params params = { .path = database, .database = DATABASE_ACCOUNTS, .access = STORE_CREATE };
    struct store *store = NULL;
    struct error e;

    need(store_open(&params, &store, &e) == OK);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        need(change_line_apply(store, span_of(lines[i]), NOW, &e) == OK);
    need(store_checkpoint(store) == OK);
    store_close(&store);
}

static void clean_up(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    char path[96];

    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", database, suffixes[i]);
        unlink(path);
    }
    unlink(config_path);
    rmdir(directory);
    free(good);
}

static void set_up(void)
{
    struct stat st;
    FILE *f;

    need(mkdtemp(directory) != NULL);
    snprintf(database, sizeof database, "%s/accounts.db", directory);
    snprintf(config_path, sizeof config_path, "%s/policyd.conf", directory);
    atexit(clean_up);
    f = fopen(config_path, "w");
    need(f != NULL);
    fprintf(f, "accounts_db = \"%s\"\nobserve_socket = \"%s/none\"\ndovecot { store_timeout_ms = 100 }\n",
            database, directory);
    fclose(f);
    fill();
    need(stat(database, &st) == 0);
    good_size = (size_t)st.st_size;
    good = malloc(good_size);
    f = fopen(database, "rb");
    need(good && f && fread(good, 1, good_size, f) == good_size);
    fclose(f);
}

static void write_damaged(const uint8_t *data, size_t size)
{
    uint8_t before[DAMAGES_MAX];
    char path[96];
    size_t count = size / DAMAGE < DAMAGES_MAX ? size / DAMAGE : DAMAGES_MAX;
    int fd = open(database, O_WRONLY | O_TRUNC);

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s%s", database, i ? "-shm" : "-wal");
        unlink(path);
    }
    for (size_t i = 0; i < count; i++) {
        size_t place = (size_t)(data[i * DAMAGE] << 8 | data[i * DAMAGE + 1]) % good_size;
        before[i] = good[place];
        good[place] = data[i * DAMAGE + 2];
    }
    need(fd >= 0 && write(fd, good, good_size) == (ssize_t)good_size);
    close(fd);
    for (size_t i = count; i-- > 0;)
        good[(size_t)(data[i * DAMAGE] << 8 | data[i * DAMAGE + 1]) % good_size] = before[i];
}

static bool count_row(const struct row *row, void *context)
{
    size_t *rows = context;

    for (size_t i = 0; i < row->count; i++)
        need(!row->column[i] || strlen(row->column[i]) < 1u << 20);
    return ++*rows < 1000;
}

static void query_all(void)
{
    struct store_params params = { .path = database, .database = DATABASE_ACCOUNTS, .access = STORE_READ };
    const char *texts[] = { "user@example.com", "@example.com", "user@example.com", "@example.org" };
    struct store *store = NULL;
    struct error e = { "" };

    if (store_open(&params, &store, &e) != OK) {
        need(e.text[0] != '\0');
        return;
    }
    for (int q = 0; q < QUERY_OBSERVATIONS; q++) {
        size_t rows = 0;
        enum result r = store_query(store, (enum query)q, texts, 0, count_row, &rows);
        need(r == OK || r == NOT_FOUND || r == TRY_AGAIN);
    }
    store_close(&store);
}

static bool verify(const char *stored, bool quiet, void *context)
{
    (void)quiet;
    return strncmp(stored, "{PLAIN}", 7) == 0 && strcmp(stored + 7, context) == 0;
}

/* A password that stands nowhere in the file, and one that is another's. */
static void log_in(void)
{
    struct auth_login login = { .user = "user@example.com",
                                .service = "imap",
                                .mechanism = "PLAIN",
                                .server_name = "",
                                .client = "192.0.2.1",
                                .secured = AUTH_SECURED_TLS,
                                .local_port = 143,
                                .now = NOW };
    struct error e;
    struct auth_core *core = auth_core_new(config_path, &e);
    struct auth_answer answer;

    need(core != NULL);
    need(auth_core_login(core, &login, verify, (void *)"guessed and wrong", &answer) != AUTH_OK);
    auth_core_free(&core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!good)
        set_up();
    write_damaged(data, size);
    query_all();
    log_in();
    return 0;
}
