/* SPDX-License-Identifier: MIT */
/* A readiness report for a spreadsheet (RFC 4180): a line for each piece of evidence. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policyctl/date.h"
#include "policyctl/readiness/readiness.h"

/* A stranger's text that a spreadsheet would take for a formula stands behind an
 * apostrophe. */
static void cell(const char *text, char end)
{
    putchar('"');
    if (*text && strchr("=+-@\t\r", *text))
        putchar('\'');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    printf(end == '\n' ? "\"\r\n" : "\"%c", end);
}

static void number_cell(uint64_t value)
{
    printf("%" PRIu64 ",", value);
}

static void date_cell(int64_t seconds)
{
    char date[DATE_TEXT_MAX];

    date_text(seconds, date);
    cell(date, ',');
}

static void evidence_line(const char *what, const char *standing, const struct subject *s, const struct evidence *e)
{
    cell(what, ',');
    cell(subject_kind_name(s->kind), ',');
    cell(s->name, ',');
    cell(standing, ',');
    cell(e->cause, ',');
    cell(e->service, ',');
    if (e->port)
        number_cell(e->port);
    else
        cell("", ',');
    cell(e->server_name, ',');
    cell(e->client, ',');
    cell(e->envelope_sender, ',');
    number_cell(e->count);
    number_cell(e->delivered);
    date_cell(e->first_seen);
    date_cell(e->last_seen);
    cell(e->sample, '\n');
}

void readiness_csv(const struct readiness *r, unsigned check)
{
    printf("check,kind,subject,standing,cause,service,port,server_name,network,envelope_sender,count,delivered,"
           "first_seen,last_seen,sample\r\n");
    for (size_t id = 0; id < CHECK_COUNT; id++)
        for (size_t i = 0; (check == CHECK_COUNT || check == id) && i < r->check[id].subjects; i++) {
            const struct subject *s = &r->check[id].subject[i];
            for (size_t k = 0; k < s->evidences; k++)
                evidence_line(check_infos[id].name, standing_name(s->standing), s, &s->evidence[k]);
        }
    for (unsigned id = 0; check == CHECK_COUNT && id < HABITS; id++)
        for (size_t i = 0; i < r->habit[id].subjects; i++) {
            const struct subject *s = &r->habit[id].subject[i];
            for (size_t k = 0; k < s->evidences; k++)
                evidence_line(habit_name((enum habit_id)id), "", s, &s->evidence[k]);
        }
}
