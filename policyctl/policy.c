/* SPDX-License-Identifier: MIT */
/* policyctl policy: what each check does, for the host, a domain or an account. */
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "policyctl/change.h"
#include "policyctl/listing.h"
#include "policyctl/policy_plan.h"
#include "policyctl/readiness/preview.h"
#include "policyctl/table.h"

/* ---- changing ---- */

/* "" the host, or what --domain or --account names, in canonical form. */
static enum status scope_of(const struct args *a, char scope_r[static ADDRESS_MAX + 1])
{
    const char *domain = a->option[OPT_DOMAIN], *account = a->option[OPT_ACCOUNT];
    struct address address = { .text = "" };
    struct error e;
    enum result r = OK;

    scope_r[0] = '\0';
    if (domain && account)
        return fail(STATUS_INPUT, "--domain and --account exclude each other");
    if (domain)
        r = domain_check(domain, scope_r, &e);
    else if (account && (r = address_check(account, false, &address, &e)) == OK)
        r = str_copy(span_of(address.text), scope_r, ADDRESS_MAX + 1);
    return r == OK ? STATUS_DONE : fail_error(STATUS_INPUT, &e);
}

/* Shows whom it will hit; where that may be somebody, asks. */
static enum status confirm(const struct ctl *ctl, const struct change *change, size_t count, const char *scope)
{
    struct preview *preview = NULL;
    enum status status = preview_open(ctl, &preview);
    bool safe = true;
    enum check_id id;

    for (size_t i = 0; status == STATUS_DONE && i < count; i++)
        if (check_parse(span_of(change[i].field[FIELD_CHECK]), &id) == OK)
            safe &= preview_show(preview, id, scope);
    preview_free(&preview);
    return status == STATUS_DONE && !safe ? preview_confirm("Enforce it?", false) : status;
}

static enum status run_set(struct ctl *ctl, const struct args *a)
{
    char scope[ADDRESS_MAX + 1], until[UNTIL_TEXT_MAX];
    bool all = strcmp(a->operand[0], "all") == 0;
    struct change change[CHECK_COUNT] = { 0 };
    size_t count = 0;
    enum status status = scope_of(a, scope);

    if (status == STATUS_DONE)
        status = change_until(ctl, a, until);
    if (status != STATUS_DONE)
        return status;
    for (size_t i = 0; i < (all ? CHECK_COUNT : 1); i++) {
        if (all && strchr(scope, '@') && check_infos[i].subject != SUBJECT_LOGIN)
            continue; /* all that an account can have */
        change[count].kind = CHANGE_POLICY_SET;
        change[count].field[FIELD_CHECK] = all ? check_infos[i].name : a->operand[0];
        change[count].field[FIELD_MODE] = a->operand[1];
        change[count].field[FIELD_SCOPE] = scope;
        change[count++].field[FIELD_UNTIL] = until;
    }
    status = change_check_input(change, count);
    if (status == STATUS_DONE && strcmp(a->operand[1], mode_name(MODE_ENFORCE)) == 0 && !a->option[OPT_YES])
        status = confirm(ctl, change, count, scope);
    return status == STATUS_DONE ? change_submit(ctl, change, count) : status;
}

static bool mark_fn(const struct row *row, void *context)
{
    bool *found = context;
    enum check_id id;

    if (check_parse(span_of(row->column[0]), &id) == OK)
        found[id] = true;
    return true;
}

/* The checks that have a row in this scope: unsetting another one would fail the set. */
static enum status find_rows(struct ctl *ctl, const char *scope, bool found_r[CHECK_COUNT])
{
    struct store *store = NULL;
    enum status status = open_accounts(ctl, &store);

    if (status != STATUS_DONE)
        return status;
    enum result r = store_query(store, QUERY_POLICY, &scope, 1, mark_fn, found_r);
    store_close(&store);
    if (r == NOT_FOUND)
        return fail(STATUS_FAILED, "no policy row for %s", *scope ? scope : "the host");
    return r == OK ? STATUS_DONE : fail_read(ctl);
}

static enum status run_unset(struct ctl *ctl, const struct args *a)
{
    char scope[ADDRESS_MAX + 1];
    bool found[CHECK_COUNT] = { false }, all = strcmp(a->operand[0], "all") == 0;
    struct change change[CHECK_COUNT] = { 0 };
    size_t count = 0;
    enum status status = scope_of(a, scope);

    if (status == STATUS_DONE && all)
        status = find_rows(ctl, scope, found);
    if (status != STATUS_DONE)
        return status;
    for (size_t i = 0; i < CHECK_COUNT; i++)
        if (all ? found[i] : i == 0) {
            change[count].kind = CHANGE_POLICY_UNSET;
            change[count].field[FIELD_CHECK] = all ? check_infos[i].name : a->operand[0];
            change[count++].field[FIELD_SCOPE] = scope;
        }
    return change_submit(ctl, change, count);
}

/* ---- reading ---- */

struct show {
    const struct ctl *ctl;
    unsigned check; /* rows of this one; CHECK_COUNT: of checks that this version does not know */
    bool as_json;
    struct table table;
    struct json json;
};

static const char *scope_kind(const char *scope)
{
    return *scope == '\0' ? "host" : strchr(scope, '@') ? "account" : "domain";
}

/* starts: "0" where it counts at once */
static void emit(struct show *s, const char *check, const char *kind, const char *scope, const char *mode,
                 const char *starts, const char *expires)
{
    static const struct column from = { NULL, NULL, COLUMN_TIME }, until = { NULL, NULL, COLUMN_EXPIRY };
    char first[LISTING_TEXT_MAX], last[LISTING_TEXT_MAX];

    if (strcmp(starts, "0") == 0)
        starts = NULL;
    if (!s->as_json) {
        const char *cell[] = { check, *scope ? scope : kind, mode, listing_text(&from, starts, s->ctl->now, first),
                               listing_text(&until, expires, s->ctl->now, last) };
        table_row(&s->table, cell);
        return;
    }
    json_open(&s->json, NULL, '{');
    json_text(&s->json, "check", check);
    json_text(&s->json, "scope", kind);
    json_text(&s->json, "name", *scope ? scope : NULL);
    json_text(&s->json, "mode", mode);
    json_number_text(&s->json, "from", starts);
    json_number_text(&s->json, "until", expires);
    json_flag(&s->json, "expired", expires && strtoll(expires, NULL, 10) <= s->ctl->now);
    json_close(&s->json, '}');
}

/* scope, check_name, mode, expires, changed, starts */
static bool row_fn(const struct row *row, void *context)
{
    struct show *s = context;
    enum check_id id = CHECK_COUNT;

    if (check_parse(span_of(row->column[1]), &id) != OK)
        id = CHECK_COUNT;
    if (id == s->check)
        emit(s, row->column[1], scope_kind(row->column[0]), row->column[0], row->column[2], row->column[5],
             row->column[3]);
    return true;
}

/* Check by check: the default, the host's row, then domains and accounts. */
static enum result emit_all(struct store *store, struct show *s)
{
    enum result r = OK;

    for (s->check = 0; s->check <= CHECK_COUNT && r != TRY_AGAIN; s->check++) {
        if (s->check < CHECK_COUNT)
            emit(s, check_infos[s->check].name, "default", "", mode_name(check_infos[s->check].mode), "0", NULL);
        r = store_query(store, QUERY_POLICIES, NULL, 0, row_fn, s);
    }
    return r;
}

static enum result print(struct store *store, struct show *s)
{
    static const char *const titles[] = { "CHECK", "SCOPE", "MODE", "FROM", "UNTIL" };
    enum result r;

    if (s->as_json) {
        s->json.out = stdout;
        json_open(&s->json, NULL, '[');
        r = emit_all(store, s);
        json_close(&s->json, ']');
        return r;
    }
    s->table.title = titles;
    s->table.columns = sizeof titles / sizeof *titles;
    r = emit_all(store, s);
    table_print(&s->table);
    return r == TRY_AGAIN ? r : emit_all(store, s);
}

static enum status run_show(struct ctl *ctl, const struct args *a)
{
    struct show s = { .ctl = ctl, .as_json = a->option[OPT_JSON] };
    struct store *store = NULL;
    enum status status = open_accounts(ctl, &store);
    enum result r = TRY_AGAIN;

    if (status != STATUS_DONE)
        return status;
    if (store_begin(store) == OK) {
        r = print(store, &s);
        store_end(store);
    }
    store_close(&store);
    return r == TRY_AGAIN ? fail_read(ctl) : STATUS_DONE;
}

#define SCOPE (OPT(DOMAIN) | OPT(ACCOUNT))

const struct command policy_commands[] = {
    { .name = "policy", .verb = "plan", .operands = "[FILE]", .max = 1, .optional = OPT(DRY_RUN) | OPT(YES),
      .run = policy_plan, .help = "Shows what is planned, or plans what a file says",
      .example = "policyctl policy plan --dry-run strict.plan" },
    { .name = "policy", .verb = "set", .operands = "CHECK|all off|observe|hold|enforce", .min = 2, .max = 2,
      .optional = SCOPE | OPT(UNTIL) | OPT(YES), .run = run_set,
      .help = "Sets a check's mode for the host, a domain or an account",
      .example = "policyctl policy set helo_fqdn enforce --domain example.com" },
    { .name = "policy", .verb = "show", .operands = "", .optional = OPT(JSON), .run = run_show,
      .help = "Shows each check's default and the policy rows",
      .example = "policyctl policy show" },
    { .name = "policy", .verb = "unset", .operands = "CHECK|all", .min = 1, .max = 1, .optional = SCOPE,
      .run = run_unset, .help = "Removes a policy row: the next wider one counts again",
      .example = "policyctl policy unset helo_fqdn --domain example.com" },
    { 0 },
};
