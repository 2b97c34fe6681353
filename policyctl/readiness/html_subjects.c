/* SPDX-License-Identifier: MIT */
/* Who meets a check or has a habit: a sortable table, a row for each piece of evidence. */
#include "policyctl/readiness/html.h"
#include "policyctl/readiness/html_text.h"

/* What a browser still sorts at once; readiness --csv has all of them. */
enum { ROWS_MAX = 1000 };

struct column {
    const char *title;
    const char *(*text)(const struct evidence *);
};

static const char *cause(const struct evidence *e)
{
    return e->cause;
}

static const char *service(const struct evidence *e)
{
    return e->service;
}

static const char *server_name(const struct evidence *e)
{
    return e->server_name;
}

static const char *sender(const struct evidence *e)
{
    return e->envelope_sender;
}

static const char *client(const struct evidence *e)
{
    return e->client;
}

/* Those that are empty in every row are left out. */
static const struct column columns[] = {
    { "Cause", cause },     { "Service", service }, { "Server name", server_name },
    { "Sends as", sender }, { "Network", client },
};

enum { COLUMNS = sizeof columns / sizeof *columns, SERVICE = 1 };

struct shown {
    bool column[COLUMNS], arrived, standing;
};

static struct shown find_shown(const struct subject *subject, size_t count, bool with_standing)
{
    struct shown shown = { .standing = with_standing };

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < subject[i].evidences; k++) {
            for (size_t c = 0; c < COLUMNS; c++)
                shown.column[c] |= *columns[c].text(&subject[i].evidence[k]) != '\0';
            shown.column[SERVICE] |= subject[i].evidence[k].port > 0;
            shown.arrived |= subject[i].evidence[k].delivered > 0;
        }
    return shown;
}

static void table_head(const struct html *h, const struct shown *shown)
{
    fputs("<thead><tr><th scope=\"col\">Who</th>", h->out);
    if (shown->standing)
        fputs("<th scope=\"col\">Standing</th>", h->out);
    for (size_t c = 0; c < COLUMNS; c++)
        if (shown->column[c])
            fprintf(h->out, "<th scope=\"col\">%s</th>", columns[c].title);
    fputs("<th scope=\"col\" class=\"number\">Times</th>", h->out);
    if (shown->arrived)
        fputs("<th scope=\"col\" class=\"number\">Arrived</th>", h->out);
    fputs("<th scope=\"col\">Last seen</th></tr></thead>\n<tbody>\n", h->out);
}

static void number_cell(const struct html *h, uint64_t number)
{
    fprintf(h->out, "<td class=\"number\" data-sort=\"%llu\">", (unsigned long long)number);
    html_count(h->out, number);
    fputs("</td>", h->out);
}

static void standing_cell(const struct html *h, const struct subject *s)
{
    fprintf(h->out, "<td data-sort=\"%d\">", (int)s->standing);
    html_badge(h->out, standing_name(s->standing));
    if (s->until) {
        fputs(" <small>until ", h->out);
        html_date(h->out, s->until);
        fputs("</small>", h->out);
    }
    fputs("</td>", h->out);
}

static void evidence_row(const struct html *h, const struct shown *shown, const struct subject *s,
                         const struct evidence *e)
{
    fputs("<tr><th scope=\"row\">", h->out);
    html_name(h->out, s->name);
    fputs("</th>", h->out);
    if (shown->standing)
        standing_cell(h, s);
    for (size_t c = 0; c < COLUMNS; c++) {
        if (!shown->column[c])
            continue;
        fputs("<td>", h->out);
        html_name(h->out, columns[c].text(e));
        if (c == SERVICE && e->port)
            fprintf(h->out, "%s%u", *e->service ? " " : "port ", e->port);
        fputs("</td>", h->out);
    }
    number_cell(h, e->count);
    if (shown->arrived)
        number_cell(h, e->delivered);
    fprintf(h->out, "<td data-sort=\"%lld\">", (long long)e->last_seen);
    html_date(h->out, e->last_seen);
    fputs("</td></tr>\n", h->out);
}

void html_subjects(const struct html *h, const char *caption, const struct subject *subject, size_t count,
                   bool with_standing)
{
    struct shown shown = find_shown(subject, count, with_standing);
    size_t rows = 0, i;

    if (count == 0)
        return;
    html_table_open(h->out, caption);
    table_head(h, &shown);
    for (i = 0; i < count && rows < ROWS_MAX; i++)
        for (size_t k = 0; k < subject[i].evidences; k++, rows++)
            evidence_row(h, &shown, &subject[i], &subject[i].evidence[k]);
    fputs("</tbody>\n", h->out);
    html_table_close(h->out);
    if (i < count) {
        fputs("<p>&hellip; and ", h->out);
        html_count(h->out, count - i);
        fputs(" more: <code>policyctl readiness --csv</code> has all of them.</p>\n", h->out);
    }
}
