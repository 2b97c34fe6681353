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

static const struct subject *find_account(const struct check_report *c, const char *account)
{
    for (size_t i = 0; i < c->subjects; i++)
        if (c->subject[i].kind == KIND_ACCOUNT && strcmp(c->subject[i].name, account) == 0)
            return &c->subject[i];
    return NULL;
}

/* Its row that keeps the check from refusing, which the new one replaces; NULL: none. */
static const struct exception *row_of(const struct readiness *r, enum check_id id, const char *account)
{
    for (size_t i = 0; i < r->exceptions; i++)
        if (r->exception[i].id == id && strcmp(r->exception[i].scope, account) == 0)
            return &r->exception[i];
    return NULL;
}

static bool show_reasons(const struct check_report *c)
{
    for (size_t i = 0; i < c->reasons; i++)
        printf("  %s\n", c->reason[i]);
    return c->reasons == 0;
}

static bool show_account(const struct readiness *r, const struct check_report *c, const char *account)
{
    const struct subject *s = find_account(c, account);
    const struct exception *own = row_of(r, c->id, account);

    if (!own && (c->mode == MODE_ENFORCE || (s && s->standing == STANDING_REFUSED))) {
        printf("enforced already\n");
        return true;
    }
    if (s && (s->standing == STANDING_BREAKS || s->standing == STANDING_EXCEPTED)) {
        printf("it would be refused\n");
        readiness_subjects(s, 1, 1);
        show_reasons(c);
        return false;
    }
    printf("nothing is known that would be refused\n");
    if (own)
        printf("  it has a mode of its own, %s: since when it was watched is not known\n", mode_name(own->mode));
    return show_reasons(c) && !own;
}

static bool show_all(const struct readiness *r, const struct check_report *c)
{
    char mail[SHARE_TEXT_MAX];
    size_t breaks = c->standing[STANDING_BREAKS];

    if (c->conclusion == CONCLUSION_ENFORCED) {
        printf("enforced already\n");
        return true;
    }
    readiness_share(c->delivered, r->accepted, mail);
    if (breaks > 0)
        printf("%zu %s%s would be refused", breaks, subject_kind_name(c->subject[0].kind), breaks == 1 ? "" : "s");
    else
        printf("%s", c->conclusion == CONCLUSION_SAFE ? "safe, nobody would be refused"
                                                      : "nobody is known whom it would refuse");
    printf(*mail ? ", %s of the mail passes\n" : "\n", mail);
    readiness_subjects(c->subject, breaks, SHOWN);
    show_reasons(c);
    return c->conclusion == CONCLUSION_SAFE;
}

bool preview_show(struct preview *p, enum check_id id, const char *scope)
{
    const struct readiness *r = report_of(p, scope);

    printf("%s for %s: ", check_infos[id].name, *scope ? scope : "the host");
    if (!r) {
        printf("nothing is known of whom it will refuse\n");
        return false;
    }
    return strchr(scope, '@') ? show_account(r, &r->check[id], scope) : show_all(r, &r->check[id]);
}

enum status preview_confirm(const char *question, bool yes)
{
    char answer[8] = "";

    if (yes)
        return STATUS_DONE;
    if (!isatty(STDIN_FILENO))
        return fail(STATUS_INPUT, "no terminal to ask on, nothing was changed: use --yes");
    printf("%s [y/N] ", question);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return STATUS_DONE;
    return fail(STATUS_FAILED, "nothing was changed");
}
