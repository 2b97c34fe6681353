/* SPDX-License-Identifier: MIT */
#include "policyctl/readiness/preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/address.h"

enum { WINDOW_S = 7 * 86400, SHOWN = 10 };

struct preview {
    const struct ctl *ctl;
    char scope[DOMAIN_MAX + 1]; /* of the report that is there */
    struct readiness *report;   /* NULL: none yet, or none to be had */
    bool tried;
};

enum status preview_open(const struct ctl *ctl, struct preview **preview_r)
{
    *preview_r = calloc(1, sizeof **preview_r);
    if (!*preview_r)
        return fail(STATUS_UNREACHABLE, "out of memory");
    (*preview_r)->ctl = ctl;
    return STATUS_DONE;
}

void preview_free(struct preview **preview)
{
    if (*preview)
        readiness_free(&(*preview)->report);
    free(*preview);
    *preview = NULL;
}

/* An account's report is its domain's. */
static const struct readiness *report_of(struct preview *p, const char *scope)
{
    const char *at = strchr(scope, '@'), *domain = at ? at + 1 : scope;
    struct readiness_params params = { .scope = p->scope, .old_name = "", .since = p->ctl->now - WINDOW_S };

    if (p->tried && strcmp(p->scope, domain) == 0)
        return p->report;
    readiness_free(&p->report);
    p->tried = true;
    if (str_copy(span_of(domain), p->scope, sizeof p->scope) == OK)
        (void)!readiness_make(p->ctl, &params, &p->report); /* it says why */
    return p->report;
}

/* Whom a row for the account itself would hit: a narrower one than that there is not. */
static bool show_account(const struct check_report *c, const char *account)
{
    for (size_t i = 0; i < c->subjects; i++)
        if (strcmp(c->subject[i].name, account) == 0 && c->subject[i].standing != STANDING_SETTLED) {
            readiness_subjects(&c->subject[i], 1, 1);
            return false;
        }
    return c->reasons == 0;
}

bool preview_show(struct preview *p, enum check_id id, const char *scope)
{
    const struct readiness *r = report_of(p, scope);
    const struct check_report *c = r ? &r->check[id] : NULL;
    size_t breaks = c ? c->standing[STANDING_BREAKS] : 0;
    bool safe;

    printf("%s for %s: ", check_infos[id].name, *scope ? scope : "the host");
    if (!c) {
        printf("nothing is known of whom it will refuse\n");
        return false;
    }
    if (c->mode == MODE_ENFORCE && breaks == 0) {
        printf("enforced already\n");
        return true;
    }
    if (breaks > 0)
        printf("%zu %s%s would be refused\n", breaks, subject_kind_name(c->subject[0].kind), breaks == 1 ? "" : "s");
    else
        printf("nobody is known whom it would refuse\n");
    if (strchr(scope, '@'))
        safe = show_account(c, scope);
    else {
        readiness_subjects(c->subject, breaks, SHOWN);
        safe = c->conclusion == CONCLUSION_SAFE || c->conclusion == CONCLUSION_ENFORCED;
    }
    for (size_t i = 0; i < c->reasons; i++)
        printf("%s\n", c->reason[i]);
    return safe;
}

enum status preview_confirm(const char *question, bool yes)
{
    char answer[8] = "";

    if (yes)
        return STATUS_DONE;
    if (!isatty(STDIN_FILENO))
        return fail(STATUS_FAILED, "nothing was changed: say --yes where nobody can be asked");
    printf("%s [y/N] ", question);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return STATUS_DONE;
    return fail(STATUS_FAILED, "nothing was changed");
}
