/* SPDX-License-Identifier: MIT */
/* The verdicts at a glance, and the policy rows that are exceptions to them. */
#include "policyctl/readiness/html.h"
#include "policyctl/readiness/html_text.h"

void html_badge(FILE *out, const char *word)
{
    fprintf(out, "<span class=\"badge b-%s\"><svg aria-hidden=\"true\"><use href=\"#i-%s\"/></svg>%s</span>",
            word, word, word);
}

void html_table_open(FILE *out, const char *caption)
{
    fputs("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"", out);
    html_text(out, caption);
    fputs("\">\n<table class=\"sortable\">\n<caption>", out);
    html_text(out, caption);
    fputs("</caption>\n", out);
}

void html_table_close(FILE *out)
{
    fputs("</table>\n</div>\n", out);
}

/* ---- verdicts ---- */

static void who_cell(const struct html *h, const struct check_report *c)
{
    size_t count = c->standing[STANDING_BREAKS];

    fprintf(h->out, "<td role=\"cell\" class=\"number\" data-label=\"Who breaks\" data-sort=\"%zu\">", count);
    if (count > 0) {
        html_count(h->out, count);
        fprintf(h->out, " %s%s", subject_kind_name(c->subject[0].kind), count == 1 ? "" : "s");
    }
    fputs("</td>", h->out);
}

/* data-sort in hundredths of a percent, which is what the text says. */
static void share_cell(const struct html *h, const char *label, uint64_t lost, uint64_t whole)
{
    char text[SHARE_TEXT_MAX];

    readiness_share(lost, whole, text);
    fprintf(h->out, "<td role=\"cell\" class=\"number\" data-label=\"%s\" data-sort=\"%.2f\">%s</td>", label,
            whole > 0 && lost < whole ? 100.0 * (double)(whole - lost) / (double)whole
            : *text                   ? 0.0
                                      : -1.0,
            text);
}

static void reasons_cell(const struct html *h, const struct check_report *c)
{
    fputs("<td role=\"cell\" class=\"reasons\">", h->out);
    if (c->reasons > 0)
        fputs("<ul>", h->out);
    for (size_t i = 0; i < c->reasons; i++) {
        fputs("<li>", h->out);
        html_text(h->out, c->reason[i]);
        fputs("</li>", h->out);
    }
    fputs(c->reasons > 0 ? "</ul></td></tr>\n" : "</td></tr>\n", h->out);
}

static void verdict_row(const struct html *h, const struct check_report *c)
{
    const struct check_info *info = &check_infos[c->id];
    bool is_open = c->conclusion != CONCLUSION_ENFORCED;
    const char *verdict = conclusion_name(c->conclusion);

    fprintf(h->out,
            "<tr role=\"row\" data-check=\"%s\" data-verdict=\"%s\"><th role=\"rowheader\" scope=\"row\" "
            "data-sort=\"%s\">",
            info->name, verdict, info->name);
    if (c->subjects > 0)
        fprintf(h->out, "<a href=\"#check-%s\">%s</a>", info->name, info->name);
    else
        fputs(info->name, h->out);
    fprintf(h->out,
            " <small>%s</small></th><td role=\"cell\" class=\"mode\" data-label=\"Mode\">%s</td>"
            "<td role=\"cell\" class=\"verdict\" data-sort=\"%d\">",
            info->help, mode_name(c->mode), (int)c->conclusion);
    html_badge(h->out, verdict);
    fputs("</td>", h->out);
    who_cell(h, c);
    share_cell(h, "Accounts pass", c->standing[STANDING_BREAKS],
               is_open && info->subject == SUBJECT_LOGIN ? h->report->connected : 0);
    share_cell(h, "Mail passes", c->delivered, is_open ? h->report->accepted : 0);
    reasons_cell(h, c);
}

void html_verdicts(const struct html *h)
{
    fputs("<section aria-labelledby=\"verdicts\">\n<h2 id=\"verdicts\">Verdicts</h2>\n"
          "<p class=\"lead\">What would happen if each check were enforced now.</p>\n"
          "<table class=\"sortable verdicts\" role=\"table\" aria-labelledby=\"verdicts\">\n<thead "
          "role=\"rowgroup\">"
          "<tr role=\"row\"><th role=\"columnheader\" scope=\"col\">Check</th>"
          "<th role=\"columnheader\" scope=\"col\">Mode</th><th role=\"columnheader\" scope=\"col\">If "
          "enforced</th>"
          "<th role=\"columnheader\" scope=\"col\" class=\"number\">Who breaks</th>"
          "<th role=\"columnheader\" scope=\"col\" class=\"number\">Accounts pass</th>"
          "<th role=\"columnheader\" scope=\"col\" class=\"number\">Mail passes</th>"
          "<th role=\"columnheader\" scope=\"col\" class=\"unsorted\">What stands in the "
          "way</th></tr></thead>\n"
          "<tbody role=\"rowgroup\">\n",
          h->out);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        if (html_shows(h, id))
            verdict_row(h, &h->report->check[id]);
    fputs("</tbody>\n</table>\n</section>\n", h->out);
}

/* ---- exceptions ---- */

static void exception_row(const struct html *h, const struct exception *e)
{
    fputs("<tr><th scope=\"row\">", h->out);
    html_name(h->out, e->scope);
    fprintf(h->out, "</th><td>%s</td><td>%s</td><td data-sort=\"%lld\">", check_infos[e->id].name,
            mode_name(e->mode), e->until ? (long long)e->until : INT64_MAX);
    if (e->until)
        html_date(h->out, e->until);
    else
        fputs("without end", h->out);
    fputs("</td></tr>\n", h->out);
}

void html_exceptions(const struct html *h)
{
    const struct readiness *r = h->report;

    fputs("<section aria-labelledby=\"exceptions\">\n<h2 id=\"exceptions\">Exceptions</h2>\n", h->out);
    if (r->exceptions == 0)
        fputs("<p>No domain and no account is excepted from a check.</p>\n", h->out);
    else {
        html_table_open(h->out, "Domains and accounts that a policy row excepts");
        fputs("<thead><tr><th scope=\"col\">Scope</th><th scope=\"col\">Check</th><th scope=\"col\">Mode</th>"
              "<th scope=\"col\">Until</th></tr></thead>\n<tbody>\n",
              h->out);
        for (size_t i = 0; i < r->exceptions; i++)
            exception_row(h, &r->exception[i]);
        fputs("</tbody>\n", h->out);
        html_table_close(h->out);
    }
    fputs("</section>\n", h->out);
}
