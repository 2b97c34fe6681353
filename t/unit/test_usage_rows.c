/* SPDX-License-Identifier: MIT */
/*
 * lib/usage_rows: what is counted there is what the store would count, outlives the process
 * before state.db has it, and goes to state.db; whatever becomes of the log's last octets.
 */
#include "lib/usage_rows.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/usage.h"
#include "t/unit/store_fixture.h"

enum { NUMBER_MAX = 24, KEY_SIZE = 64 };

static struct store *state; /* the writer's */
static struct usage_rows *rows;

static void open_rows(void)
{
    struct error e = { "" };

    ck_assert_msg(usage_rows_open(store_path("state.db"), &rows, &e) == OK, "%s", e.text);
}

static void set_up(void)
{
    state = store_opened("sqlite", DATABASE_STATE, STORE_CREATE);
    open_rows();
}

static void tear_down(void)
{
    usage_rows_close(&rows);
    store_close(&state);
}

/* As after kill -9: nothing more is written. */
static void reopen(void)
{
    usage_rows_close(&rows);
    open_rows();
}

/* ---- counting ---- */

/* A set that counts a message of three recipients for each key. */
struct counted {
    struct change change[3];
    struct change_set set;
    char resend[NUMBER_MAX];
};

static void init(struct counted *c, const char *limits, unsigned resend, const char *first, const char *second)
{
    const char *const keys[] = { first, second };

    *c = (struct counted){ .set = { .change = c->change, .result = BAD } };
    snprintf(c->resend, sizeof c->resend, "%u", resend);
    for (size_t i = 0; i < 2 && keys[i]; i++) {
        struct change *change = &c->change[c->set.count++];
        change->kind = CHANGE_USAGE;
        change->field[FIELD_KEY] = keys[i];
        change->field[FIELD_NUMBER] = "1";
        change->field[FIELD_RECIPIENTS] = "3";
        change->field[FIELD_BYTES] = "1000";
        change->field[FIELD_LIMITS] = limits;
        change->field[FIELD_RESEND] = i == 0 ? c->resend : NULL;
    }
}

static struct change_set count_at(int64_t now, const char *limits, unsigned resend, const char *first,
                                  const char *second)
{
    static struct counted c;
    struct change_set *const sets[] = { &c.set };
    struct error e = { "" };

    init(&c, limits, resend, first, second);
    ck_assert_msg(usage_rows_apply(rows, sets, 1, now, &e) == OK, "%s", e.text);
    return c.set;
}

#define JOHN "account john@example.com"
#define TWO  "60:2::"

static enum result count(const char *key)
{
    return count_at(NOW, TWO, 0, key, NULL).result;
}

/* ---- into state.db ---- */

static enum result fold(size_t most)
{
    struct change_set set = { .source = usage_rows_changed(rows, most, INT64_MAX), .result = BAD };
    struct change_set *const sets[] = { &set };
    enum result r = store_apply(state, sets, 1, NOW);

    usage_rows_written(rows, r == OK && set.result == OK);
    ck_assert_msg(set.result == OK, "%s", set.error.text);
    return r;
}

static const char *stored(const char *key)
{
    return store_rows(state, QUERY_USAGE, &key, 1);
}

static size_t changed(void)
{
    return usage_rows_stats(rows).changed;
}

START_TEST(counted_until_the_limit)
{
    struct change_set set;

    ck_assert_int_eq(count(JOHN), OK);
    ck_assert_int_eq(count(JOHN), OK);
    set = count_at(NOW, TWO, 0, JOHN, NULL);
    ck_assert_int_eq(set.result, LIMIT);
    ck_assert_str_eq(set.error.text,
                     "john@example.com may send 2 messages in 1 minute and has sent 2: try again in 65 seconds");
    ck_assert_int_eq(count_at(NOW + 65, TWO, 0, JOHN, NULL).result, OK);
    ck_assert_str_eq(stored(JOHN), "");
    ck_assert_int_eq(fold(10), OK);
    ck_assert_str_eq(stored(JOHN), "60@360000013:1,3,1000");
}
END_TEST

START_TEST(all_of_a_set_or_none)
{
    ck_assert_int_eq(count("host"), OK);
    ck_assert_int_eq(count("host"), OK);
    ck_assert_int_eq(count_at(NOW, TWO, 0, JOHN, "host").result, LIMIT);
    ck_assert_int_eq(fold(10), OK);
    ck_assert_str_eq(stored("host"), "60@360000000:2,6,2000");
    ck_assert_str_eq(stored(JOHN), "");
}
END_TEST

START_TEST(counted_once_when_it_comes_again)
{
    struct change_set set = count_at(NOW, TWO, 77, JOHN, "host");

    ck_assert_int_eq(set.result, OK);
    ck_assert(!set.repeated);
    reopen();
    set = count_at(NOW + 1, TWO, 77, JOHN, "host");
    ck_assert_int_eq(set.result, OK);
    ck_assert(set.repeated);
    ck_assert_int_eq(fold(10), OK);
    ck_assert_str_eq(stored("host"), "60@360000000:1,3,1000");
}
END_TEST

START_TEST(refused_what_counts_nothing)
{
    struct change change = { .kind = CHANGE_USAGE_SWEEP };
    struct change_set set = { .change = &change, .count = 1 }, *const sets[] = { &set };
    struct error e;

    ck_assert_int_eq(usage_rows_apply(rows, sets, 1, NOW, &e), OK);
    ck_assert_int_eq(set.result, BAD);
    set = (struct change_set){ .change = &change, .count = 9 };
    ck_assert_int_eq(usage_rows_apply(rows, sets, 1, NOW, &e), OK);
    ck_assert_int_eq(set.result, LIMIT);
}
END_TEST

START_TEST(goes_on_from_the_row_in_state_db)
{
    store_done(state, "usage key=\"" JOHN "\" number=1 recipients=3 bytes=1000 limits=" TWO);
    ck_assert_int_eq(count(JOHN), OK);
    ck_assert_int_eq(count(JOHN), LIMIT);
}
END_TEST

/* ---- outliving the process ---- */

START_TEST(outlives_the_process)
{
    ck_assert_int_eq(count(JOHN), OK);
    reopen();
    ck_assert_int_eq(count(JOHN), OK);
    reopen();
    ck_assert_int_eq(count(JOHN), LIMIT);
    ck_assert_uint_eq(changed(), 1);
    ck_assert_int_eq(fold(10), OK);
    reopen(); /* nothing is left behind */
    ck_assert_uint_eq(usage_rows_stats(rows).rows, 0);
    ck_assert_int_eq(count(JOHN), LIMIT);
    usage_rows_close(&rows);
    ck_assert_int_eq(access(store_path("state.db-usage0"), F_OK), -1);
    ck_assert_int_eq(access(store_path("state.db-usage1"), F_OK), -1);
}
END_TEST

static const char *const logs[] = { "state.db-usage0", "state.db-usage1" };

static off_t size_of(const char *name)
{
    struct stat st;

    ck_assert_int_eq(stat(store_path(name), &st), 0);
    return st.st_size;
}

/* Of two messages the second is not whole: the first counts, and the log goes on there. */
START_TEST(cut_anywhere)
{
    off_t first, both;

    ck_assert_int_eq(count("host"), OK);
    first = size_of(logs[0]);
    ck_assert_int_eq(count(JOHN), OK);
    both = size_of(logs[0]);
    ck_assert_int_gt(both, first);
    for (off_t size = both - 1; size >= first; size--) {
        ck_assert_int_eq(truncate(store_path(logs[0]), size), 0);
        reopen();
        ck_assert_uint_eq(usage_rows_stats(rows).rows, 1);
        ck_assert_int_eq(size_of(logs[0]), first);
        ck_assert_int_eq(count(JOHN), OK);
        reopen();
        ck_assert_uint_eq(usage_rows_stats(rows).rows, 2);
    }
}
END_TEST

static void flip(const char *name, long at)
{
    FILE *f = fopen(store_path(name), "r+");
    int c;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
    c = getc(f);
    ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
    ck_assert_int_ne(putc(c ^ 0x10, f), EOF);
    ck_assert_int_eq(fclose(f), 0);
}

/* Whatever octet is wrong: what stands before it counts, and nothing else is made of it. */
START_TEST(damaged_anywhere)
{
    off_t end;

    ck_assert_int_eq(count("host"), OK);
    end = size_of(logs[0]);
    for (long at = 0; at < end; at++) {
        flip(logs[0], at);
        reopen();
        ck_assert_uint_eq(usage_rows_stats(rows).rows, 0);
        usage_rows_close(&rows);
        ck_assert_int_eq(unlink(store_path(logs[0])), -1); /* nothing left: removed */
        open_rows();
        ck_assert_int_eq(count("host"), OK);
        ck_assert_int_eq(size_of(logs[0]), end);
    }
}
END_TEST

/* ---- on its way ---- */

START_TEST(changed_again_on_its_way)
{
    struct change_source *source = usage_rows_changed(rows, 10, INT64_MAX);
    struct change change;
    struct error e;

    ck_assert_int_eq(count(JOHN), OK);
    ck_assert_int_eq(source->next(source, true, &change, &e), OK);
    ck_assert_str_eq(change.field[FIELD_KEY], JOHN);
    ck_assert_str_eq(change.field[FIELD_COUNTS], "60@360000000:1,3,1000");
    ck_assert_str_eq(change.field[FIELD_UNTIL], "1800000065");
    ck_assert_int_eq(source->next(source, false, &change, &e), NOT_FOUND);
    ck_assert_int_eq(count(JOHN), OK);
    usage_rows_written(rows, true);
    ck_assert_uint_eq(changed(), 1); /* the second one is not there yet */
    ck_assert_int_eq(fold(10), OK);
    ck_assert_uint_eq(changed(), 0);
    ck_assert_str_eq(stored(JOHN), "60@360000000:2,6,2000");
}
END_TEST

/* Who goes on sending is not written each time. */
START_TEST(those_that_are_quiet)
{
    struct change_source *source;
    struct change change;
    struct error e;

    ck_assert_int_eq(count_at(NOW, TWO, 0, "a", NULL).result, OK);
    ck_assert_int_eq(count_at(NOW + 1, TWO, 0, "b", NULL).result, OK);
    ck_assert_int_eq(count_at(NOW + 2, TWO, 0, "a", NULL).result, OK);
    ck_assert_int_eq(usage_rows_stats(rows).changed_at, NOW + 1);
    source = usage_rows_changed(rows, 10, NOW);
    ck_assert_int_eq(source->next(source, true, &change, &e), NOT_FOUND);
    source = usage_rows_changed(rows, 10, NOW + 1);
    ck_assert_int_eq(source->next(source, true, &change, &e), OK);
    ck_assert_str_eq(change.field[FIELD_KEY], "b");
    ck_assert_int_eq(source->next(source, false, &change, &e), NOT_FOUND);
    usage_rows_written(rows, true);
    ck_assert_int_eq(usage_rows_stats(rows).changed_at, NOW + 2);
    reopen(); /* of a process before this one: none is waited for */
    ck_assert_int_eq(usage_rows_stats(rows).changed_at, 0);
}
END_TEST

START_TEST(not_written)
{
    struct change_source *source = usage_rows_changed(rows, 1, INT64_MAX);
    struct change change;
    struct error e;

    ck_assert_int_eq(count("a"), OK);
    ck_assert_int_eq(count("b"), OK);
    ck_assert_int_eq(source->next(source, true, &change, &e), OK);
    ck_assert_str_eq(change.field[FIELD_KEY], "a");
    ck_assert_int_eq(source->next(source, false, &change, &e), NOT_FOUND); /* no more than one */
    usage_rows_written(rows, false);
    ck_assert_uint_eq(changed(), 2);
    ck_assert_int_eq(source->next(source, true, &change, &e), OK);
    ck_assert_str_eq(change.field[FIELD_KEY], "a"); /* first come, first served */
    usage_rows_written(rows, true);
    ck_assert_int_eq(fold(5), OK);
    ck_assert_uint_eq(changed(), 0);
    ck_assert_str_eq(stored("b"), "60@360000000:1,3,1000");
}
END_TEST

/* ---- forgetting ---- */

START_TEST(forgotten)
{
    struct error e;

    ck_assert_int_eq(count(JOHN), OK);
    ck_assert_int_eq(count("host"), OK);
    usage_rows_forget(rows, "john@example.com");
    usage_rows_forget(rows, "nobody@example.com");
    ck_assert_uint_eq(usage_rows_stats(rows).rows, 1);
    reopen();
    ck_assert_uint_eq(usage_rows_stats(rows).rows, 1);
    ck_assert_int_eq(fold(10), OK);
    ck_assert_str_eq(stored(JOHN), "");
    ck_assert_int_eq(usage_rows_apply(rows, NULL, 0, NOW, &e), OK);
    ck_assert_int_eq(size_of(logs[0]), 0); /* nothing of him is left */
}
END_TEST

/* ---- much ---- */

enum { ACCOUNTS = 3000, ONCE = 500, ROUNDS = 80, A_SECOND = 8, LOG_TURN = 32 << 20, LOG_MOST = 40 << 20 };

static const char *key_of(unsigned i, char key_r[static KEY_SIZE])
{
    snprintf(key_r, KEY_SIZE, "account user%u@department.of.a.long.name.example.com", i);
    return key_r;
}

/* Some accounts once and the others many times, so that the two files of the log take turns, and
 * none is written to state.db meanwhile: all is found again. */
START_TEST(log_stays_bounded)
{
    static const char limits[] = "60:::;3600:::;86400:::";
    static struct counted c[ACCOUNTS];
    static struct change_set *sets[ACCOUNTS];
    static char keys[ACCOUNTS][KEY_SIZE];
    struct usage_rows_stats stats;
    struct error e;
    uint64_t largest = 0, before = 0;
    unsigned emptied = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < ACCOUNTS; i++) {
            init(&c[i], limits, round + 1, key_of(i, keys[i]), NULL);
            sets[i] = &c[i].set;
        }
        for (unsigned i = round == 0 ? 0 : ONCE; i < ACCOUNTS; i += 100)
            ck_assert_int_eq(usage_rows_apply(rows, sets + i, 100, NOW + round / A_SECOND, &e), OK);
        stats = usage_rows_stats(rows);
        largest = stats.log_octets > largest ? stats.log_octets : largest;
        emptied += stats.log_octets < before;
        before = stats.log_octets;
    }
    ck_assert_uint_ge(emptied, 2); /* so that old records lie behind new ones */
    ck_assert_uint_gt(largest, LOG_TURN);
    ck_assert_uint_lt(largest, LOG_MOST);
    reopen();
    ck_assert_uint_eq(changed(), ACCOUNTS);
    while (changed() > 0)
        ck_assert_int_eq(fold(1000), OK);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        struct usage usage;
        uint64_t used[USAGE_UNITS];
        ck_assert_int_eq(usage_parse(stored(keys[i]), &usage), OK);
        usage_used(&usage, 86400, NOW + ROUNDS / A_SECOND, used);
        ck_assert_uint_eq(used[USAGE_MESSAGES], i < ONCE ? 1 : ROUNDS);
    }
}
END_TEST

/* ---- where the log cannot be written ---- */

START_TEST(counts_without_a_log)
{
    struct rlimit unlimited, limit;
    struct counted c;
    struct change_set *const sets[] = { &c.set };
    struct error e = { "" };

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(count(JOHN), OK);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    limit = (struct rlimit){ (rlim_t)size_of(logs[0]) + 8, unlimited.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    init(&c, TWO, 0, JOHN, NULL);
    ck_assert_int_eq(usage_rows_apply(rows, sets, 1, NOW, &e), TRY_AGAIN);
    ck_assert_ptr_nonnull(strstr(e.text, "state.db-usage0"));
    ck_assert_int_eq(c.set.result, OK);
    init(&c, TWO, 0, JOHN, NULL);
    ck_assert_int_eq(usage_rows_apply(rows, sets, 1, NOW, &e), OK); /* nothing to be written */
    ck_assert_int_eq(c.set.result, LIMIT);
    ck_assert_uint_eq(usage_rows_stats(rows).unlogged, 1);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    ck_assert_int_eq(fold(10), OK); /* it was only not in the log */
    ck_assert_str_eq(stored(JOHN), "60@360000000:2,6,2000");
    ck_assert_int_eq(count("host"), OK);
    reopen();
    ck_assert_uint_eq(changed(), 1);
}
END_TEST

START_TEST(cannot_be_opened)
{
    struct usage_rows *other = NULL;
    struct error e = { "" };

    ck_assert_int_eq(symlink("/dev/null", store_path("away.db-usage0")), 0);
    ck_assert_int_eq(usage_rows_open(store_path("away.db"), &other, &e), BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "away.db-usage0: cannot be opened"));
    ck_assert_ptr_null(other);
}
END_TEST

/* What is neither here nor to be read there is not counted from nothing. */
START_TEST(state_db_away)
{
    char aside[4096];

    snprintf(aside, sizeof aside, "%s", store_path("aside.db"));
    ck_assert_int_eq(count(JOHN), OK);
    ck_assert_int_eq(rename(store_path("state.db"), aside), 0);
    ck_assert_int_eq(count(JOHN), OK);
    ck_assert_int_eq(count("host"), TRY_AGAIN);
    ck_assert_int_eq(rename(aside, store_path("state.db")), 0);
    ck_assert_int_eq(count("host"), OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("usage_rows");
    TCase *t = tcase_create("usage_rows");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, counted_until_the_limit);
    tcase_add_test(t, all_of_a_set_or_none);
    tcase_add_test(t, counted_once_when_it_comes_again);
    tcase_add_test(t, refused_what_counts_nothing);
    tcase_add_test(t, goes_on_from_the_row_in_state_db);
    tcase_add_test(t, outlives_the_process);
    tcase_add_test(t, cut_anywhere);
    tcase_add_test(t, damaged_anywhere);
    tcase_add_test(t, changed_again_on_its_way);
    tcase_add_test(t, those_that_are_quiet);
    tcase_add_test(t, not_written);
    tcase_add_test(t, forgotten);
    tcase_add_test(t, log_stays_bounded);
    tcase_add_test(t, counts_without_a_log);
    tcase_add_test(t, cannot_be_opened);
    tcase_add_test(t, state_db_away);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
