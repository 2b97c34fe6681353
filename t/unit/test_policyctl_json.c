/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "policyctl/json.h"

static char *written;
static size_t length;

static struct json open_json(void)
{
    return (struct json){ .out = open_memstream(&written, &length) };
}

static void expect(struct json *j, const char *text)
{
    fclose(j->out);
    ck_assert_str_eq(written, text);
    free(written);
}

START_TEST(nesting)
{
    struct json j = open_json();

    json_open(&j, NULL, '[');
    json_open(&j, NULL, '{');
    json_text(&j, "a", "x");
    json_open(&j, "b", '[');
    json_number(&j, NULL, -7);
    json_number(&j, NULL, INT64_MAX);
    json_close(&j, ']');
    json_flag(&j, "c", true);
    json_close(&j, '}');
    json_open(&j, NULL, '{');
    json_close(&j, '}');
    json_close(&j, ']');
    expect(&j, "[\n  {\n    \"a\": \"x\",\n    \"b\": [\n      -7,\n      9223372036854775807\n    ],\n"
               "    \"c\": true\n  },\n  {}\n]\n");
}
END_TEST

START_TEST(empty)
{
    struct json j = open_json();

    json_open(&j, NULL, '[');
    json_close(&j, ']');
    expect(&j, "[]\n");
}
END_TEST

START_TEST(absent_is_null)
{
    struct json j = open_json();

    json_open(&j, NULL, '[');
    json_text(&j, NULL, NULL);
    json_text(&j, NULL, "");
    json_number_text(&j, NULL, NULL);
    json_number_text(&j, NULL, "");
    json_number_text(&j, NULL, "0042");
    json_number_text(&j, NULL, "12x");
    json_flag(&j, NULL, false);
    json_close(&j, ']');
    expect(&j, "[\n  null,\n  \"\",\n  null,\n  null,\n  42,\n  null,\n  false\n]\n");
}
END_TEST

static const struct {
    const char *text, *json;
} strings[] = {
    { "plain", "\"plain\"" },
    { "say \"hi\" \\", "\"say \\\"hi\\\" \\\\\"" },
    { "a\r\nb\t\x1b\x7f", "\"a\\u000d\\u000ab\\u0009\\u001b\\u007f\"" },
    { "gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xa7", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xa7\"" },
    { "\xc2\x9b"
      "2J\xc2\xa0",
      "\"\\u009b2J\xc2\xa0\"" }, /* C1, then a no-break space */
    { "\xff|\xc3|\xed\xa0\x80|", "\"\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\"" },
};

START_TEST(string)
{
    struct json j = open_json();

    json_text(&j, NULL, strings[_i].text);
    expect(&j, strings[_i].json);
}
END_TEST

START_TEST(key_is_a_string_too)
{
    struct json j = open_json();

    json_open(&j, NULL, '{');
    json_number(&j, "a\"b", 1);
    json_close(&j, '}');
    expect(&j, "{\n  \"a\\\"b\": 1\n}\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policyctl_json");
    TCase *t = tcase_create("json");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_test(t, nesting);
    tcase_add_test(t, empty);
    tcase_add_test(t, absent_is_null);
    tcase_add_loop_test(t, string, 0, sizeof strings / sizeof *strings);
    tcase_add_test(t, key_is_a_string_too);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
