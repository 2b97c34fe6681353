/* SPDX-License-Identifier: MIT */
/*
 * A damaged account table: one bit turned in each of 1000 places. Whatever is read,
 * nothing crashes and nobody is let in by a password that is not his.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth_fixture.h"

enum { FLIPS = 1000, ACCOUNTS = 400, PARTS = 4, HEADER = 100 };

static const struct auth_login login = { .user = "user@example.com",
                                         .service = "imap",
                                         .mechanism = "PLAIN",
                                         .server_name = "",
                                         .client = "192.0.2.1",
                                         .secured = AUTH_SECURED_TLS,
                                         .local_port = 143,
                                         .now = AUTH_NOW };
static unsigned char *good;
static size_t size;

static void read_database(void)
{
    struct stat st;
    int fd = open(auth_database, O_RDONLY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    size = (size_t)st.st_size;
    good = malloc(size);
    ck_assert_int_eq(read(fd, good, size), (ssize_t)size);
    close(fd);
}

static void create(void)
{
    char name[32], password[32];

    auth_create();
    for (int i = 0; i < ACCOUNTS; i++) {
        snprintf(name, sizeof name, "account%d.%d@example.com", i * 7919, i);
        snprintf(password, sizeof password, "{PLAIN}other%d", i * 104729);
        auth_change(CHANGE_ACCOUNT_ADD, FIELD_ADDRESS, name, FIELD_KIND, "user", FIELD_PASSWORD, password,
                    FIELD_COUNT);
    }
    auth_configure("");
    read_database();
}

static void destroy(void)
{
    free(good);
    auth_remove();
}

static void write_damaged(size_t place, unsigned bit)
{
    char path[96];
    int fd = open(auth_database, O_WRONLY | O_TRUNC);

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s%s", auth_database, i ? "-shm" : "-wal");
        unlink(path);
    }
    good[place] ^= (unsigned char)(1u << bit);
    ck_assert_int_eq(write(fd, good, size), (ssize_t)size);
    good[place] ^= (unsigned char)(1u << bit);
    close(fd);
}

/* Half of the places are where the file says how it is read: its header and those of the pages. */
static size_t pick(unsigned *seed)
{
    size_t page = (size_t)rand_r(seed) % (size / 4096) * 4096;

    return rand_r(seed) % 2 ? page + (size_t)rand_r(seed) % HEADER : page + (size_t)rand_r(seed) % 4096;
}

START_TEST(one_bit)
{
    unsigned seed = (unsigned)_i + 1, right = 0;

    ck_assert_uint_gt(size, 16 * 4096);
    for (int i = 0; i < FLIPS / PARTS; i++) {
        size_t place = pick(&seed);
        auth_core_free(&auth_core);
        write_damaged(place, (unsigned)rand_r(&seed) % 8);
        auth_configure("");
        right += auth_try(&login, "secret") == AUTH_OK;
        ck_assert_msg(auth_try(&login, "guessed") != AUTH_OK, "octet %zu", place);
        ck_assert_msg(auth_try(&login, "other104729") != AUTH_OK, "octet %zu", place);
    }
    ck_assert_uint_gt(right, FLIPS / PARTS / 2); /* most of the damage is elsewhere: it was read */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auth_damage");
    TCase *tc = tcase_create("auth_damage");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, create, destroy);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, one_bit, 0, PARTS);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
