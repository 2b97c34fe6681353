/* SPDX-License-Identifier: MIT */
#include "policyctl/readiness/html.h"

#include "policyctl/readiness/html_text.h"

bool html_shows(const struct html *h, unsigned check)
{
    return h->check == CHECK_COUNT || h->check == check;
}

/* ---- what is above the report ---- */

/* One sign for each word, so that colour is not the only one; a pattern for the plots. */
static const char definitions[] =
    "<svg class=\"definitions\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n"
    "<symbol id=\"i-safe\" viewBox=\"0 0 16 16\"><path d=\"M3 8.5 6.5 12 13 4.5\"/></symbol>\n"
    "<symbol id=\"i-breaks\" viewBox=\"0 0 16 16\"><path d=\"M4 4l8 8M12 4l-8 8\"/></symbol>\n"
    "<symbol id=\"i-unknown\" viewBox=\"0 0 16 16\"><path d=\"M5.2 5.6a2.8 2.8 0 1 1 4.2 2.4c-1 .6-1.4 1-1.4 "
    "2.1M8 12.8v.4\"/></symbol>\n"
    "<symbol id=\"i-enforced\" viewBox=\"0 0 16 16\"><path d=\"M3.8 7.5h8.4v5.7H3.8zM5.6 7.5V5.2a2.4 2.4 0 0 "
    "1 "
    "4.8 0v2.3\"/></symbol>\n"
    "<symbol id=\"i-refused\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"5.5\"/><path d=\"M5 8h6\"/>"
    "</symbol>\n"
    "<symbol id=\"i-excepted\" viewBox=\"0 0 16 16\"><path d=\"M3 8h10M9 4l4 4-4 4\"/></symbol>\n"
    "<symbol id=\"i-settled\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"5.5\"/><path d=\"M5.5 "
    "8.2l1.9 1.9 "
    "3.3-4\"/></symbol>\n"
    "<symbol id=\"i-attempt\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"2\"/></symbol>\n"
    "<pattern id=\"p-lost\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\"><rect class=\"lost-back\" width=\"5\" height=\"5\"/>"
    "<rect class=\"lost-line\" width=\"2.2\" height=\"5\"/></pattern>\n"
    "</defs></svg>\n";

static void head(const struct html *h)
{
    const struct readiness *r = h->report;

    fprintf(h->out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n",
            html_policy);
    fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
          "content=\"no-referrer\">\n"
          "<meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:,\">\n<title>Readiness "
          "of ",
          h->out);
    html_text(h->out, *r->scope ? r->scope : r->host);
    fputs("</title>\n<style>", h->out);
    html_lines(h->out, html_style);
    fputs("</style>\n</head>\n<body>\n", h->out);
    fputs(definitions, h->out);
}

static void link_to(const struct html *h, const char *id, const char *text)
{
    fprintf(h->out, "<li><a href=\"#%s\">%s</a></li>\n", id, text);
}

static void contents(const struct html *h)
{
    fputs("<nav aria-label=\"Contents\"><ul>\n", h->out);
    link_to(h, "verdicts", "Verdicts");
    link_to(h, "time", "Over time");
    link_to(h, "checks", "By check");
    if (h->check == CHECK_COUNT) {
        link_to(h, "habits", "Old habits");
        link_to(h, "exceptions", "Exceptions");
    }
    link_to(h, "domains", "By domain");
    fputs("</ul></nav>\n", h->out);
}

/* ---- in short ---- */

static void fact(const struct html *h, const char *what, uint64_t number, const char *more)
{
    fprintf(h->out, "<div><dt>%s</dt><dd>", what);
    html_count(h->out, number);
    fprintf(h->out, "%s</dd></div>\n", more);
}

static void facts_of(const struct html *h)
{
    const struct readiness *r = h->report;

    fputs("<dl class=\"facts\">\n<div><dt>Accounts seen</dt><dd>", h->out);
    html_count(h->out, r->connected);
    fputs(" <small>of ", h->out);
    html_count(h->out, r->accounts);
    fputs("</small></dd></div>\n", h->out);
    fact(h, "Messages accepted", r->accepted, "");
    fact(h, "Observations lost", r->lost, r->lost > 0 ? " <small>nothing is said to be safe</small>" : "");
    fputs("</dl>\n", h->out);
}

static void conclusion_count(const struct html *h, enum conclusion conclusion, const char *one,
                             const char *more)
{
    size_t count = 0;

    for (unsigned id = 0; id < CHECK_COUNT; id++)
        count += html_shows(h, id) && h->report->check[id].conclusion == conclusion;
    if (count == 0)
        return;
    fputs("<li>", h->out);
    html_badge(h->out, conclusion_name(conclusion));
    fprintf(h->out, " <b>%zu</b> %s</li>\n", count, count == 1 ? one : more);
}

static void header(const struct html *h)
{
    const struct readiness *r = h->report;

    fputs("<header>\n<p class=\"kind\">Readiness report</p>\n<h1>", h->out);
    html_name(h->out, *r->scope ? r->scope : r->host);
    fputs("</h1>\n<p>What was seen from ", h->out);
    html_date(h->out, r->since);
    fputs(" to ", h->out);
    html_date(h->out, r->until);
    if (*r->scope) {
        fputs(" on ", h->out);
        html_name(h->out, r->host);
    }
    fputs(", held against the account table as it was then.</p>\n<ul class=\"short\">\n", h->out);
    conclusion_count(h, CONCLUSION_BREAKS, "check would break somebody", "checks would break somebody");
    conclusion_count(h, CONCLUSION_UNKNOWN, "cannot be told yet", "cannot be told yet");
    conclusion_count(h, CONCLUSION_SAFE, "is safe to enforce", "are safe to enforce");
    conclusion_count(h, CONCLUSION_ENFORCED, "is enforced", "are enforced");
    fputs("</ul>\n", h->out);
    facts_of(h);
    contents(h);
    fputs("</header>\n", h->out);
}

/* ---- the page ---- */

static void page(const struct html *h)
{
    head(h);
    header(h);
    fputs("<main>\n", h->out);
    html_verdicts(h);
    html_time(h);
    html_checks(h);
    if (h->check == CHECK_COUNT) {
        html_habits(h);
        html_exceptions(h);
    }
    html_domains(h);
    fputs("</main>\n<footer>\n<p>Written by policyctl readiness on ", h->out);
    html_name(h->out, h->report->host);
    fputs(", ", h->out);
    html_date(h->out, h->report->until);
    fputs(". Networks are the first 24 or 64 bits of an address. This file asks nothing of the "
          "network.</p>\n</footer>\n"
          "<script>",
          h->out);
    html_lines(h->out, html_script);
    fputs("</script>\n</body>\n</html>\n", h->out);
}

/* Of a report of one check, what that check wants changed. */
static size_t points_of_check(unsigned check, struct point *point, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (check == CHECK_COUNT || point[i].section == advice_check((enum check_id)check))
            point[kept++] = point[i];
    return kept;
}

enum status readiness_html(const struct ctl *ctl, const struct readiness *report, unsigned check)
{
    const char *path = ctl->config->letter.template_file;
    struct html h = { .ctl = ctl, .report = report, .check = check, .out = stdout };
    struct words *words;
    struct point *point;
    struct error e;

    if (words_load(*path ? path : NULL, &words, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    h.words = words;
    enum result r = points_find(report, LETTER_DOMAIN, NULL, &point, &h.points);
    if (r == OK) {
        h.point = point;
        h.points = points_of_check(check, point, h.points);
        page(&h);
    }
    words_free(&words);
    return r == OK ? STATUS_DONE : fail(STATUS_UNREACHABLE, "out of memory");
}
