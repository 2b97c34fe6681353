/* SPDX-License-Identifier: MIT */
/*
 * List entries: shapes as text, suffixes, entries of an older database in the new form, and
 * that no look-up reads more of the table than it has to.
 */
#include "lib/list_entry.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store_schema.h"
#include "t/unit/store_fixture.h"

#ifndef SQL_DIR /* the build says where; else as seen from the top */
#define SQL_DIR "sql"
#endif

/* recipient, sender, client name, helo, client, domain */
static const struct {
    const char *text[LIST_PARTS], *shape, *words;
} shapes[] = {
    { { "", "", "", "", "192.0.2.0/24", "" }, "c25", "client 192.0.2.0/24" },
    { { "", "", "", "", "0.0.0.0/0", "" }, "c1", "client 0.0.0.0/0" },
    { { "", "", "", "", "::/0", "" }, "C1", "client ::/0" },
    { { "", "", "", "", "192.0.2.1", "" }, "c33", "client 192.0.2.1" },
    { { "", "", "", "", "2001:db8::1", "example.com" }, "C129d", "client 2001:db8::1, for example.com" },
    { { "", "", "", "x.example", "", "" }, "h255", "helo x.example" },
    { { "", "", "", ".x.example", "", "" }, "h4", "helo .x.example" },
    { { "", "", ".example", "", "", "" }, "n3", "client-name .example" },
    { { "", "a@x.example", "", "", "10.0.0.0/8", "" }, "s255c9", "client 10.0.0.0/8, sender a@x.example" },
    { { "@x.example", "", "", "", "", "" }, "r253", "recipient @x.example" },
    { { "abuse@", ".example.com", "", "", "", "" }, "r2s4", "sender .example.com, recipient abuse@" },
    { { "\"@\"@x.example", "", "", "", "", "" }, "r255", "recipient \"@\"@x.example" },
    { { ".a@x.example", "", "", "", "", "" }, "r255", "recipient .a@x.example" },
    { { "a@x.example", "b@x.example", "n.example", "h.example", "2001:db8::/127", "x.example" }, "r255s255n255h255C128d",
      "client 2001:db8::/127, client-name n.example, helo h.example, sender b@x.example, recipient a@x.example, for x.example" },
};

START_TEST(shapes_and_words)
{
    struct list_shape shape, again;
    char text[LIST_SHAPE_MAX], words[256];
    struct strbuf b;

    ck_assert_int_eq(list_shape_of(shapes[_i].text, &shape), OK);
    list_shape_text(&shape, text);
    ck_assert_str_eq(text, shapes[_i].shape);
    ck_assert_int_eq(list_shape_parse(text, &again), OK);
    ck_assert_mem_eq(again.rank, shape.rank, sizeof shape.rank);
    ck_assert(again.v6 == shape.v6);
    strbuf_init(&b, words, sizeof words);
    list_entry_text(shapes[_i].text, &b);
    ck_assert_str_eq(words, shapes[_i].words);
}
END_TEST

START_TEST(what_is_no_shape)
{
    static const char *const wrong[] = { "x3", "r", "r0", "r256", "c", "3", "r255 ", "r99999999999999999999" };
    static const char *const nothing[LIST_PARTS] = { "", "", "", "", "", "x.example" };
    static const char *const odd[LIST_PARTS] = { "", "", "", "", "192.0.2.1/24", "" };
    struct list_shape shape;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(list_shape_parse(wrong[i], &shape) == BAD, "%s", wrong[i]);
    ck_assert_int_eq(list_shape_of(nothing, &shape), BAD);
    ck_assert_int_eq(list_shape_of(odd, &shape), BAD);
}
END_TEST

START_TEST(suffixes)
{
    static const struct {
        const char *name;
        unsigned labels;
        const char *suffix;
    } rows[] = {
        { "a.b.c", 1, ".c" }, { "a.b.c", 2, ".b.c" }, { "a.b.c", 3, "" }, { "a.b.c", 4, "" }, { "c", 1, "" },
        { "", 1, "" },        { ".c", 1, "" },        { "a..c", 2, "..c" }, { "a.", 1, "." }, { "a.b.c", 0, "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span found = list_suffix(rows[i].name, rows[i].labels);
        ck_assert_msg(span_equal(found, span_of(rows[i].suffix)), "%s %u: '%.*s'", rows[i].name, rows[i].labels,
                      (int)found.len, found.ptr);
    }
}
END_TEST

/* ---- an older database ---- */

static void make_version_1(const char *path, const char *rows)
{
    static char sql[16384];
    FILE *f = fopen(SQL_DIR "/accounts-001.sql", "r");

    ck_assert_ptr_nonnull(f);
    sql[fread(sql, 1, sizeof sql - 1, f)] = '\0';
    ck_assert_int_eq(fclose(f), 0);
    run_sql(path, sql);
    run_sql(path, "PRAGMA application_id = 0x50736172; PRAGMA user_version = 1");
    run_sql(path, rows);
}

/* As if each entry had been added by this version. */
START_TEST(older_entries_have_their_shape)
{
    static const char rows[] =
        "INSERT INTO list_entry VALUES (3, 'allow', '192.0.2.0/24', '', 'app@x.example', '', NULL, 'a', 1, 'sender', 'app@x.example', ''),"
        " (5, 'deny', '192.0.2.1', '', '', 'example.com', 1900000000, 'b', 2, 'client', '192.0.2.1', '4/32'),"
        " (6, 'deny', '2001:db8::/33', '.b.a.example', '', '', NULL, '', 1, 'helo', '.b.a.example', ''),"
        " (7, 'deny', '2001:db8::1', 'h.example', '@y.example', '', NULL, '', 1, 'sender', '@y.example', ''),"
        " (8, 'deny', '0.0.0.0/0', '', '', '', NULL, '', 1, 'client', '0.0.0.0/0', '4/0')";
    static const char shape_of[][24] = { "s255c25", "c33d", "h5C34", "s253h255C129", "c1" };
    const char *path = store_path("accounts.db");
    sqlite3_stmt *stmt = NULL;
    sqlite3 *db = NULL;
    struct store *s;

    make_version_1(path, rows);
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    ck_assert_str_eq(store_rows(s, QUERY_LIST_ENTRIES, NULL, 0),
                     "3|allow|192.0.2.0/24|||app@x.example|||-|a\n"
                     "5|deny|192.0.2.1|||||example.com|1900000000|b\n"
                     "6|deny|2001:db8::/33||.b.a.example||||-|\n"
                     "7|deny|2001:db8::1||h.example|@y.example|||-|\n"
                     "8|deny|0.0.0.0/0||||||-|");
    store_close(&s);
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT recipient, sender, client_name, helo, client, scope, shape"
                                            " FROM list_entry ORDER BY id", -1, &stmt, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof shape_of / sizeof *shape_of; i++) {
        const char *text[LIST_PARTS];
        char expected[LIST_SHAPE_MAX];
        struct list_shape shape;
        ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
        for (int part = 0; part < LIST_PARTS; part++)
            text[part] = (const char *)sqlite3_column_text(stmt, part);
        ck_assert_int_eq(list_shape_of(text, &shape), OK);
        list_shape_text(&shape, expected);
        ck_assert_str_eq((const char *)sqlite3_column_text(stmt, LIST_PARTS), expected);
        ck_assert_str_eq(expected, shape_of[i]);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}
END_TEST

/* ---- how SQLite goes about it ---- */

/* The plan as lines. */
static const char *plan(sqlite3 *db, const char *sql)
{
    static char text[2048];
    char explain[2048];
    sqlite3_stmt *stmt = NULL;
    struct strbuf b;

    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    ck_assert_int_eq(sqlite3_prepare_v2(db, explain, -1, &stmt, NULL), SQLITE_OK);
    strbuf_init(&b, text, sizeof text);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        strbuf_addf(&b, "%s\n", (const char *)sqlite3_column_text(stmt, 3));
    sqlite3_finalize(stmt);
    ck_assert(!b.cut);
    return text;
}

/* Every step goes by the index: none reads the table, or an index, from end to end. */
START_TEST(no_look_up_scans)
{
    const char *path = store_path("accounts.db");
    sqlite3 *db = NULL;
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);

    store_close(&s);
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    const char *listed = plan(db, query_sql[QUERY_LISTED]);
    ck_assert_msg(strstr(listed, "SEARCH list_entry USING INDEX sqlite_autoindex_list_entry_1 (shape=? AND recipient=?"
                                 " AND sender=? AND client_name=? AND helo=? AND client=? AND scope=?)"),
                  "%s", listed);
    ck_assert_ptr_null(strstr(listed, "SCAN"));
    ck_assert_ptr_null(strstr(listed, "TEMP B-TREE")); /* in the order of the index */
    const char *steps = plan(db, query_sql[QUERY_LIST_SHAPES]);
    ck_assert_ptr_null(strstr(steps, "SCAN list_entry"));
    ck_assert_msg(strstr(steps, "SEARCH list_entry USING COVERING INDEX"), "%s", steps);
    ck_assert_msg(strstr(steps, "SEARCH l USING COVERING INDEX sqlite_autoindex_list_entry_1 (shape>?)"), "%s", steps);
    for (size_t i = 0; i < 2; i++) {
        const enum change_kind kinds[] = { CHANGE_LIST_SET, CHANGE_LIST_REMOVE_ENTRY };
        const char *change = plan(db, change_types[kinds[i]].sql[0]);
        ck_assert_msg(strstr(change, "SEARCH list_entry") && !strstr(change, "SCAN"), "%s", change);
    }
    sqlite3_close(db);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("list_entry");
    Suite *suite = suite_create("list_entry");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_loop_test(t, shapes_and_words, 0, sizeof shapes / sizeof *shapes);
    tcase_add_test(t, what_is_no_shape);
    tcase_add_test(t, suffixes);
    tcase_add_test(t, older_entries_have_their_shape);
    tcase_add_test(t, no_look_up_scans);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
