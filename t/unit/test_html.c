/* SPDX-License-Identifier: MIT */
/* What the report in HTML is made of: text that is no markup, and plots. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/readiness/html_plot.h"
#include "policyctl/readiness/html_text.h"

enum { HOUR = 3600, DAY = 86400 };

static FILE *open_page(char **page_r)
{
    static size_t size;
    FILE *f = open_memstream(page_r, &size);

    ck_assert_ptr_nonnull(f);
    return f;
}

/* ---- text ---- */

#define REPLACED "\xef\xbf\xbd"

static const struct {
    const char *text, *html;
} texts[] = {
    { "", "" },
    { "plain.example", "plain.example" },
    { "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;" },
    { "\"><img src=x onerror='a'>", "&quot;&gt;&lt;img src=x onerror=&#39;a&#39;&gt;" },
    { "&amp;", "&amp;amp;" },
    { "j\xc3\xbcrgen@b\xc3\xbc"
      "cher.example",
      "j\xc3\xbcrgen@b\xc3\xbc"
      "cher.example" },
    { "a\nb\tc\x1b[31m\x7f", "a" REPLACED "b" REPLACED "c" REPLACED "[31m" REPLACED },
    { "\xc2\x85\xc2\xa0", REPLACED "\xc2\xa0" }, /* NEL; a no-break space */
    { "\xe2\x80\xae"
      "exe",
      REPLACED "exe" }, /* right-to-left override */
    { "\xe2\x81\xa9\xe2\x80\x8f\xd8\x9c", REPLACED REPLACED REPLACED },
    { "\xe2\x80\x94", "\xe2\x80\x94" },             /* a dash is none of these */
    { "\xff<\xc3", REPLACED "&lt;" REPLACED },      /* malformed, cut off */
    { "\xe0\x80\xbc", REPLACED REPLACED REPLACED }, /* '<' written too long */
};

START_TEST(text_is_no_markup)
{
    char *page = NULL;
    FILE *f = open_page(&page);

    html_text(f, texts[_i].text);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_str_eq(page, texts[_i].html);
    free(page);
}
END_TEST

START_TEST(name_is_set_apart)
{
    char *page = NULL;
    FILE *f = open_page(&page);

    html_name(f, "</bdi>");
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_str_eq(page, "<bdi>&lt;/bdi&gt;</bdi>");
    free(page);
}
END_TEST

static const struct {
    uint64_t number;
    const char *text;
} counts[] = {
    { 0, "0" },
    { 999, "999" },
    { 1000, "1,000" },
    { 123456, "123,456" },
    { UINT64_MAX, "18,446,744,073,709,551,615" },
};

START_TEST(count_has_thousands)
{
    char *page = NULL;
    FILE *f = open_page(&page);

    html_count(f, counts[_i].number);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_str_eq(page, counts[_i].text);
    free(page);
}
END_TEST

/* ---- plots ---- */

static const uint64_t scales[][2] = {
    { 0, 2 },   { 1, 2 },   { 2, 2 },   { 3, 4 },     { 7, 8 },     { 9, 10 },
    { 10, 10 }, { 11, 20 }, { 61, 80 }, { 100, 100 }, { 101, 200 }, { 999999, 1000000 },
};

START_TEST(scale_holds_the_highest)
{
    ck_assert_uint_eq(plot_scale(scales[_i][0]), scales[_i][1]);
}
END_TEST

START_TEST(scale_of_everything)
{
    ck_assert_uint_ge(plot_scale(UINT64_MAX), UINT64_MAX / 4);
}
END_TEST

static const struct {
    int64_t span;
    unsigned step, expected;
} steps[] = {
    { 7 * DAY, HOUR, HOUR },        { 8 * DAY, HOUR, HOUR },        { 8 * DAY + 1, HOUR, 2 * HOUR },
    { 90 * DAY, HOUR, 12 * HOUR },  { 90 * DAY, DAY, DAY },         { 400 * DAY, DAY, 7 * DAY },
    { 3650 * DAY, HOUR, 28 * DAY }, { INT64_MAX, HOUR, 364 * DAY },
};

START_TEST(steps_fit)
{
    ck_assert_uint_eq(plot_step(steps[_i].span, steps[_i].step), steps[_i].expected);
}
END_TEST

/* Four days, two series. */
static char *draw(uint64_t first, uint64_t second)
{
    struct plot p = { .id = "plot-x",
                      .title = "<Mail>",
                      .begin = 20000 * (int64_t)DAY,
                      .step_s = DAY,
                      .steps = 4,
                      .height = 100,
                      .labels = 7,
                      .count = 2 };
    char *page = NULL;
    FILE *f = open_page(&page);

    p.series[0].name = "taken & kept";
    p.series[0].style = "s-a";
    p.series[0].count[1] = first;
    p.series[1].name = "lost";
    p.series[1].style = "s-b";
    p.series[1].count[1] = second;
    plot_print(&p, f);
    ck_assert_int_eq(fclose(f), 0);
    return page;
}

static void expect(const char *page, const char *part)
{
    if (!strstr(page, part))
        ck_abort_msg("no %s in\n%s", part, page);
}

START_TEST(series_stand_on_each_other)
{
    char *page = draw(1500, 500);

    expect(
        page,
        "<rect x=\"25.00%\" y=\"33.0\" width=\"25.04%\" height=\"75.0\"/>"); /* of 2,000, which is 100 px */
    expect(page, "<rect x=\"25.00%\" y=\"8.0\" width=\"25.04%\" height=\"25.0\"/>");
    expect(page, ">2,000</text>");
    expect(page, ">1,000</text>");
    free(page);
}
END_TEST

START_TEST(plot_is_told_in_words)
{
    char *page = draw(1500, 1);

    expect(page, "<figcaption id=\"plot-x\"><b>&lt;Mail&gt;</b> <span>by the day</span></figcaption>");
    expect(page, "<svg role=\"img\" aria-labelledby=\"plot-x\"");
    expect(page, "taken &amp; kept <b>1,500</b></li>");
    expect(page, "<title>Sat  5 Oct 2024\n1,500 taken &amp; kept\n1 lost</title>");
    expect(page, "> 5 Oct</text>");
    free(page);
}
END_TEST

START_TEST(little_is_seen_and_nothing_is_not)
{
    char *page = draw(1000000, 1);

    expect(page, "height=\"1.5\"/>");
    free(page);
    page = draw(5, 0);
    ck_assert_ptr_null(strstr(page, "lost"));
    free(page);
}
END_TEST

int main(void)
{
    TCase *text = tcase_create("text"), *plot = tcase_create("plot");
    Suite *suite = suite_create("html");
    SRunner *runner;

    tcase_add_loop_test(text, text_is_no_markup, 0, sizeof texts / sizeof *texts);
    tcase_add_test(text, name_is_set_apart);
    tcase_add_loop_test(text, count_has_thousands, 0, sizeof counts / sizeof *counts);
    tcase_add_loop_test(plot, scale_holds_the_highest, 0, sizeof scales / sizeof *scales);
    tcase_add_test(plot, scale_of_everything);
    tcase_add_loop_test(plot, steps_fit, 0, sizeof steps / sizeof *steps);
    tcase_add_test(plot, series_stand_on_each_other);
    tcase_add_test(plot, plot_is_told_in_words);
    tcase_add_test(plot, little_is_seen_and_nothing_is_not);
    suite_add_tcase(suite, text);
    suite_add_tcase(suite, plot);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
