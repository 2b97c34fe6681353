/* SPDX-License-Identifier: MIT */
/* What the plots show, in figures by the day. */
#include <time.h>

#include "lib/login_event.h"
#include "policyctl/readiness/html.h"
#include "policyctl/readiness/html_text.h"

enum { DAY_S = 86400, DAY_TEXT_MAX = 16 };

static void add(struct moment *sum, const struct moment *m)
{
    sum->accepted += m->accepted;
    sum->refused += m->refused;
    sum->lost += m->lost;
    for (size_t i = 0; i < LOGIN_KINDS; i++)
        sum->logins[i] += m->logins[i];
    for (size_t id = 0; id < CHECK_COUNT; id++) {
        sum->check[id].observed += m->check[id].observed;
        sum->check[id].delivered += m->check[id].delivered;
        sum->check[id].refused += m->check[id].refused;
    }
}

/* A day of a domain is one of UTC, the host's hours make up local ones. */
static void day_name(const struct readiness *r, const struct moment *m, char name_r[static DAY_TEXT_MAX])
{
    time_t start = (time_t)m->start;
    struct tm tm;

    if (!(r->step_s == DAY_S ? gmtime_r(&start, &tm) : localtime_r(&start, &tm)) ||
        strftime(name_r, DAY_TEXT_MAX, "%Y-%m-%d", &tm) == 0)
        snprintf(name_r, DAY_TEXT_MAX, "?");
}

/* The next day that begins with moment *i, which is moved past it. */
static struct moment next_day(const struct readiness *r, size_t *i, char name_r[static DAY_TEXT_MAX])
{
    struct moment sum = { .start = r->moment[*i].start };
    char other[DAY_TEXT_MAX] = "";

    day_name(r, &r->moment[*i], name_r);
    do {
        add(&sum, &r->moment[(*i)++]);
        if (*i < r->moments)
            day_name(r, &r->moment[*i], other);
    } while (*i < r->moments && strcmp(other, name_r) == 0);
    return sum;
}

static void head_cell(const struct html *h, const char *title)
{
    fprintf(h->out, "<th scope=\"col\" class=\"number\">%s</th>", title);
}

static void cell(const struct html *h, uint64_t number)
{
    fprintf(h->out, "<td class=\"number\" data-sort=\"%llu\">", (unsigned long long)number);
    html_count(h->out, number);
    fputs("</td>", h->out);
}

/* ---- mail ---- */

static bool has_mail(const struct html *h, const struct moment *whole, unsigned id)
{
    return html_shows(h, id) && (whole->check[id].observed > 0 || whole->check[id].refused > 0);
}

static void mail_head(const struct html *h, const struct moment *whole)
{
    head_cell(h, "Accepted");
    head_cell(h, "Refused");
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        if (has_mail(h, whole, id))
            head_cell(h, check_infos[id].name);
}

static void mail_cells(const struct html *h, const struct moment *whole, const struct moment *m)
{
    cell(h, m->accepted);
    cell(h, m->refused);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        if (has_mail(h, whole, id))
            cell(h, m->check[id].delivered + m->check[id].refused);
}

/* ---- logins ---- */

static void login_head(const struct html *h, const struct moment *whole)
{
    (void)whole;
    for (unsigned i = 0; i < LOGIN_KINDS; i++)
        head_cell(h, login_security_names[i]);
}

static void login_cells(const struct html *h, const struct moment *whole, const struct moment *m)
{
    (void)whole;
    for (unsigned i = 0; i < LOGIN_KINDS; i++)
        cell(h, m->logins[i]);
}

/* ---- both ---- */

static const struct table_kind {
    const char *caption;
    void (*head)(const struct html *, const struct moment *whole);
    void (*cells)(const struct html *, const struct moment *whole, const struct moment *);
} kinds[] = {
    { "Messages by the day; by check, those that it refused, or that arrived and would have been refused",
      mail_head, mail_cells },
    { "Logins by the day and security", login_head, login_cells },
};

static void day_table(const struct html *h, const struct table_kind *kind, const struct moment *whole)
{
    const struct readiness *r = h->report;
    char name[DAY_TEXT_MAX];

    html_table_open(h->out, kind->caption);
    fputs("<thead><tr><th scope=\"col\">Day</th>", h->out);
    kind->head(h, whole);
    fputs("</tr></thead>\n<tbody>\n", h->out);
    for (size_t i = 0; i < r->moments;) {
        struct moment sum = next_day(r, &i, name);
        fprintf(h->out, "<tr><th scope=\"row\"><time>%s</time></th>", name);
        kind->cells(h, whole, &sum);
        fputs("</tr>\n", h->out);
    }
    fputs("</tbody>\n", h->out);
    html_table_close(h->out);
}

void html_days(const struct html *h)
{
    struct moment whole = { .start = 0 };

    for (size_t i = 0; i < h->report->moments; i++)
        add(&whole, &h->report->moment[i]);
    if (h->report->moments == 0)
        return;
    fputs("<details><summary>The same in figures</summary>\n", h->out);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        day_table(h, &kinds[i], &whole);
    fputs("</details>\n", h->out);
}
