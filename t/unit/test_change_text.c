/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "lib/change_text.h"

static struct change_text text; /* large */

static enum result first_of(const char *lines, struct change *c, struct error *e)
{
    change_text_open(&text, span_of(lines));
    return change_text_next(&text, c, e);
}

/* Every kind with every field that it takes, and back. */
START_TEST(round_trip)
{
    char *memory, value[FIELD_COUNT][32];
    struct change in = { .field = { NULL } }, out;
    struct error e = { "" };
    size_t size;
    FILE *f = open_memstream(&memory, &size);

    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        snprintf(value[i], sizeof value[i], "value=%u change=x", i);
        in.field[i] = value[i];
    }
    for (unsigned kind = 0; kind < CHANGE_COUNT; kind++) {
        in.kind = (enum change_kind)kind;
        change_text_write(&in, f);
    }
    ck_assert_int_eq(fclose(f), 0);
    change_text_open(&text, (struct span){ memory, size });
    for (unsigned kind = 0; kind < CHANGE_COUNT; kind++) {
        ck_assert_msg(change_text_next(&text, &out, &e) == OK, "%s", e.text);
        ck_assert_uint_eq(out.kind, kind);
        for (unsigned i = 0; i < FIELD_COUNT; i++) {
            ck_assert(!out.field[i] == !change_takes(out.kind, (enum field)i));
            if (out.field[i])
                ck_assert_str_eq(out.field[i], value[i]);
        }
    }
    ck_assert_int_eq(change_text_next(&text, &out, &e), NOT_FOUND);
    ck_assert_int_eq(text.source.next(&text.source, false, &out, &e), NOT_FOUND);
    ck_assert_int_eq(text.source.next(&text.source, true, &out, &e), OK);
    ck_assert_uint_eq(out.kind, 0);
    free(memory);
}
END_TEST

static const struct {
    const char *lines, *error;
} wrong[] = {
    { "address=a@b\n", "no change 'address'" },
    { "change=nothing\n", "no change 'nothing'" },
    { "change=account-remove", "a line that is no name=value" },
    { "change=account-remove\naddress\n", "a line that is no name=value" },
    { "change=account-remove\n\n", "a line that is no name=value" },
    { "change=account-remove\nmode=off\n", "'mode' does not belong there" },
    { "change=account-remove\nnothing=1\n", "'nothing' does not belong there" },
};

START_TEST(what_is_wrong)
{
    struct change c;
    struct error e = { "" };

    ck_assert_int_eq(first_of(wrong[_i].lines, &c, &e), BAD);
    ck_assert_str_eq(e.text, wrong[_i].error);
}
END_TEST

START_TEST(bounds)
{
    char lines[CHANGE_TEXT_MAX + 8] = "change=account-remove\naddress=";
    struct change c;
    struct error e = { "" };

    memset(lines + strlen(lines), 'x', sizeof lines - strlen(lines) - 2);
    lines[CHANGE_TEXT_MAX - 2] = '\n';
    lines[CHANGE_TEXT_MAX - 1] = '\0';
    ck_assert_int_eq(first_of(lines, &c, &e), OK);
    lines[CHANGE_TEXT_MAX - 2] = 'x';
    lines[CHANGE_TEXT_MAX - 1] = '\n';
    lines[CHANGE_TEXT_MAX] = '\0';
    ck_assert_int_eq(first_of(lines, &c, &e), BAD);
    change_text_open(&text, (struct span)SPAN_INIT("change=account-remove\naddress=\0x\n"));
    ck_assert_int_eq(change_text_next(&text, &c, &e), BAD);
    ck_assert_int_eq(first_of("", &c, &e), NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("change_text");
    TCase *c = tcase_create("change_text");

    tcase_add_test(c, round_trip);
    tcase_add_loop_test(c, what_is_wrong, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(c, bounds);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
