/* SPDX-License-Identifier: MIT */
/* A readiness report for a terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policyctl/date.h"
#include "policyctl/readiness/readiness.h"
#include "policyctl/table.h"

enum { SHOWN_MAX = 20, CELL_MAX = 160 };

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- at a glance ---- */

void readiness_share(uint64_t lost, uint64_t whole, char text_r[static SHARE_TEXT_MAX])
{
    struct strbuf b;

    strbuf_init(&b, text_r, SHARE_TEXT_MAX);
    if (whole == 0)
        return;
    uint64_t permyriad = lost >= whole ? 0 : (whole - lost) * 10000 / whole;
    strbuf_addf(&b, "%" PRIu64 ".%02" PRIu64 " %%", permyriad / 100, permyriad % 100);
}

static void breaking(const struct check_report *c, char text_r[static CELL_MAX])
{
    size_t count = c->standing[STANDING_BREAKS];
    struct strbuf b;

    strbuf_init(&b, text_r, CELL_MAX);
    if (count > 0)
        strbuf_addf(&b, "%zu %s%s", count, subject_kind_name(c->subject[0].kind), plural(count));
}

static void glance_row(const struct readiness *r, const struct check_report *c, struct table *t)
{
    char who[CELL_MAX], accounts[SHARE_TEXT_MAX] = "", mail[SHARE_TEXT_MAX] = "";
    const char *verdict = conclusion_name(c->conclusion);

    breaking(c, who);
    if (c->conclusion != CONCLUSION_ENFORCED) {
        if (check_infos[c->id].subject == SUBJECT_LOGIN)
            readiness_share(c->standing[STANDING_BREAKS], r->connected, accounts);
        readiness_share(c->delivered, r->accepted, mail);
    }
    table_row(t, (const char *const[]){ check_infos[c->id].name, mode_name(c->mode), verdict, who, accounts, mail });
}

static enum colour verdict_colour(size_t column, const char *cell)
{
    static const struct {
        enum conclusion conclusion;
        enum colour colour;
    } colours[] = { { CONCLUSION_SAFE, COLOUR_GOOD },
                    { CONCLUSION_BREAKS, COLOUR_BAD },
                    { CONCLUSION_UNKNOWN, COLOUR_WARNING } };

    for (size_t i = 0; column == 2 && i < sizeof colours / sizeof *colours; i++)
        if (strcmp(cell, conclusion_name(colours[i].conclusion)) == 0)
            return colours[i].colour;
    return COLOUR_NONE;
}

static void glance(const struct readiness *r, unsigned check)
{
    static const char *const titles[] = { "CHECK", "MODE", "IF ENFORCED", "WHO BREAKS", "ACCOUNTS PASS", "MAIL PASSES" };
    struct table t = { .title = titles, .columns = sizeof titles / sizeof *titles, .paint = verdict_colour };

    for (int round = 0; round < 2; round++) {
        for (size_t id = 0; id < CHECK_COUNT; id++)
            if (check == CHECK_COUNT || check == id)
                glance_row(r, &r->check[id], &t);
        if (round == 0)
            table_print(&t);
    }
}

static bool has_reason(const struct check_report *c, const char *reason)
{
    for (size_t i = 0; i < c->reasons; i++)
        if (strcmp(c->reason[i], reason) == 0)
            return true;
    return false;
}

/* "REASON: check, check", unless an earlier check said it. */
static void reason_line(const struct readiness *r, size_t first, const char *reason)
{
    for (size_t id = 0; id < first; id++)
        if (has_reason(&r->check[id], reason))
            return;
    printf("%s: %s", reason, check_infos[first].name);
    for (size_t id = first + 1; id < CHECK_COUNT; id++)
        if (has_reason(&r->check[id], reason))
            printf(", %s", check_infos[id].name);
    printf("\n");
}

static void reasons(const struct readiness *r)
{
    printf("\n");
    for (size_t id = 0; id < CHECK_COUNT; id++)
        for (size_t i = 0; i < r->check[id].reasons; i++)
            reason_line(r, id, r->check[id].reason[i]);
}

static void reasons_of(const struct check_report *c)
{
    printf("\n");
    for (size_t i = 0; i < c->reasons; i++)
        printf("%s\n", c->reason[i]);
}

/* ---- who ---- */

/* "imap port 143 from 192.0.2.0/24", "as boss@example.com from ..." */
static void describe(const struct evidence *e, char text_r[static CELL_MAX])
{
    struct strbuf b;

    strbuf_init(&b, text_r, CELL_MAX);
    if (*e->service)
        strbuf_adds(&b, e->service);
    if (e->port)
        strbuf_addf(&b, " port %u", e->port);
    if (*e->envelope_sender)
        strbuf_addf(&b, "as %s", e->envelope_sender);
    if (*e->client)
        strbuf_addf(&b, "%sfrom %s", b.len ? " " : "", e->client);
}

static void subject_rows(const struct subject *subject, size_t count, struct table *t)
{
    char how[CELL_MAX], date[DATE_TEXT_MAX], times[24];
    struct strbuf b;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < subject[i].evidences; k++) {
            const struct evidence *e = &subject[i].evidence[k];
            describe(e, how);
            date_text(e->last_seen, date);
            strbuf_init(&b, times, sizeof times);
            strbuf_addu(&b, e->count);
            table_row(t, (const char *const[]){ k == 0 ? subject[i].name : "", e->cause, times, date, how });
        }
}

void readiness_subjects(const struct subject *subject, size_t count, size_t shown)
{
    static const char *const titles[] = { "WHO", "CAUSE", "COUNT", "LAST SEEN", "HOW" };
    struct table t = { .title = titles, .columns = sizeof titles / sizeof *titles };

    if (count < shown)
        shown = count;
    if (shown == 0)
        return;
    subject_rows(subject, shown, &t);
    table_print(&t);
    subject_rows(subject, shown, &t);
    if (count > shown)
        printf("... and %zu more\n", count - shown);
}

static void others(const struct check_report *c)
{
    static const struct {
        enum standing standing;
        const char *one, *more;
    } words[] = {
        { STANDING_REFUSED, "is refused already", "are refused already" },
        { STANDING_EXCEPTED, "is excepted", "are excepted" },
        { STANDING_SETTLED, "would pass by now", "would pass by now" },
        { STANDING_ATTEMPT, "tried, without any mail that arrived", "tried, without any mail that arrived" },
    };
    bool any = false;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t count = c->standing[words[i].standing];
        if (count > 0)
            printf("%s%zu %s", any ? "; " : "", count, count == 1 ? words[i].one : words[i].more);
        any |= count > 0;
    }
    if (any)
        printf("\n");
}

static void check_part(const struct check_report *c, size_t shown)
{
    char who[CELL_MAX];

    if (c->subjects == 0)
        return;
    breaking(c, who);
    printf("\n%s: %s\n", check_infos[c->id].name, *who ? who : "nobody who would break");
    readiness_subjects(c->subject, c->standing[STANDING_BREAKS], shown);
    others(c);
}

static void habit_part(const struct readiness *r, enum habit_id id, size_t shown)
{
    static const char *const titles[HABITS] = { [HABIT_BARE_NAME] = "logged in without a domain",
                                                [HABIT_OLD_NAME] = "still asked for",
                                                [HABIT_EXPOSED] = "sent the password in clear: have it replaced" };
    const struct habit *h = &r->habit[id];

    if (id == HABIT_OLD_NAME ? *r->old_name == '\0' : h->subjects == 0)
        return;
    printf("\n%zu account%s %s%s%s\n", h->subjects, plural(h->subjects), titles[id],
           id == HABIT_OLD_NAME ? " " : "", id == HABIT_OLD_NAME ? r->old_name : "");
    if (id == HABIT_OLD_NAME && r->smtp_name_unknown)
        printf("of those that send it is not known: Postfix tells the name from 3.12\n");
    if (id != HABIT_EXPOSED) /* the same as under starttls */
        readiness_subjects(h->subject, h->subjects, shown);
}

static void exception_part(const struct readiness *r)
{
    static const char *const titles[] = { "SCOPE", "CHECK", "MODE", "UNTIL" };
    struct table t = { .title = titles, .columns = sizeof titles / sizeof *titles };
    char date[DATE_TEXT_MAX];

    if (r->exceptions == 0)
        return;
    printf("\nexceptions\n");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < r->exceptions; i++) {
            const struct exception *e = &r->exception[i];
            date_text(e->until, date);
            table_row(&t, (const char *const[]){ e->scope, check_infos[e->id].name, mode_name(e->mode),
                                                 e->until ? date : "without end" });
        }
        if (round == 0)
            table_print(&t);
    }
}

/* On a terminal where it does not fit, on two lines. */
static void heading(const struct readiness *r)
{
    char whose[CELL_MAX + 320], what[CELL_MAX], since[DATE_TEXT_MAX];
    struct strbuf a, b;

    date_text(r->since, since);
    strbuf_init(&a, whose, sizeof whose);
    strbuf_addf(&a, "%s since %s:", *r->scope ? r->scope : r->host, since);
    strbuf_init(&b, what, sizeof what);
    strbuf_addf(&b, "%" PRIu64 " of %" PRIu64 " account%s seen, %" PRIu64 " message%s accepted", r->connected,
                r->accounts, plural(r->accounts), r->accepted, plural(r->accepted));
    bool fits = terminal_columns() == 0 || a.len + 1 + b.len <= terminal_columns();
    printf("%s%s%s\n\n", whose, fits ? " " : "\n    ", what);
}

void readiness_print(const struct readiness *r, unsigned check)
{
    size_t shown = check == CHECK_COUNT ? SHOWN_MAX : SIZE_MAX;

    heading(r);
    glance(r, check);
    if (check == CHECK_COUNT)
        reasons(r);
    else
        reasons_of(&r->check[check]);
    for (size_t id = 0; id < CHECK_COUNT; id++)
        if (check == CHECK_COUNT || check == id)
            check_part(&r->check[id], shown);
    for (size_t id = 0; check == CHECK_COUNT && id < HABITS; id++)
        habit_part(r, (enum habit_id)id, shown);
    if (check == CHECK_COUNT)
        exception_part(r);
}
