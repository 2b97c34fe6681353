/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "dovecot-plugin/auth_private.h"
#include "lib/setting.h"

/* Everything one decision needs, from one state of the store. */
struct rows {
    const struct auth_core *core;
    const struct address *address;
    bool disabled;
    char suspended[32]; /* "", "all", or services */
    char reason[256];
    int64_t suspended_until; /* 0: until released */
    char password[AUTH_PASSWORD_MAX];
    char spent[AUTH_PASSWORD_MAX]; /* the hash that must not be used again, or "" */
    bool password_cut, has_fields;
    bool asks_modes;               /* some check objects: else no mode matters */
    signed char mode[CHECK_COUNT]; /* -1: no row that counts */
    struct account_fields *fields;
    int64_t now;
};

/* Dovecot's services by the names that a suspension uses; NULL: not a login, mail
 * still arrives. */
static const char *suspension_scope(const char *service)
{
    static const struct {
        const char *service, *scope;
    } services[] = {
        { "submission", "smtp" }, { "managesieve", "sieve" }, { "lmtp", NULL }, { "lda", NULL }
    };

    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (strcmp(service, services[i].service) == 0)
            return services[i].scope;
    return service;
}

/* ---- rows ---- */

static void copy(const char *text, char *array, size_t size)
{
    struct strbuf b;

    strbuf_init(&b, array, size);
    strbuf_adds(&b, text);
}

static int64_t number(const char *text)
{
    return text ? strtoll(text, NULL, 10) : 0;
}

/* A hash that does not fit is none: half of it must never be compared. */
static bool take_login(const struct row *row, void *context)
{
    struct rows *rows = context;

    rows->disabled = strcmp(row->column[0], "active") != 0;
    copy(row->column[1], rows->suspended, sizeof rows->suspended);
    copy(row->column[2], rows->reason, sizeof rows->reason);
    rows->suspended_until = number(row->column[3]);
    rows->password_cut = str_copy(span_of(row->column[4]), rows->password, sizeof rows->password) != OK ||
                         str_copy(span_of(row->column[5]), rows->spent, sizeof rows->spent) != OK;
    rows->has_fields = number(row->column[6]) != 0;
    return false;
}

static bool take_mode(const struct row *row, void *context)
{
    struct rows *rows = context;
    int64_t expires = number(row->column[2]), starts = number(row->column[3]);
    enum check_id id;
    enum mode mode;

    if (check_parse(span_of(row->column[0]), &id) == OK && mode_parse(span_of(row->column[1]), &mode) == OK &&
        starts <= rows->now && (!row->column[2] || expires > rows->now))
        rows->mode[id] = (signed char)mode;
    return true;
}

/* The narrowest scope comes last, and within it what began last: it takes the place of the others. */
static enum result read_modes(struct store *store, struct rows *rows)
{
    char domain[DOMAIN_MAX + 1];
    struct span text = address_domain(rows->address);
    const char *scopes[] = { "", domain, rows->address->text };

    memset(rows->mode, -1, sizeof rows->mode);
    if (str_copy(text, domain, sizeof domain) != OK || text.len == 0)
        scopes[1] = NULL;
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
        if (scopes[i]) {
            enum result r = store_query(store, QUERY_POLICY, &scopes[i], 1, take_mode, rows);
            if (r != OK && r != NOT_FOUND)
                return TRY_AGAIN;
        }
    return OK;
}

static enum result read_login(struct store *store, void *context)
{
    struct rows *rows = context;
    const char *name = rows->address->text;
    enum result r = store_query(store, QUERY_LOGIN, &name, 1, take_login, rows);

    if (r == OK && rows->password_cut)
        return NOT_FOUND;
    if (r == OK && rows->asks_modes)
        r = read_modes(store, rows);
    if (r == OK && rows->has_fields)
        r = auth_fields_read(rows->core, store, rows->address, false, rows->fields);
    return r;
}

/* ---- decisions ---- */

static const char *check_name(enum check_id id)
{
    return check_infos[id].name;
}

static enum mode mode_of(const struct rows *rows, enum check_id id)
{
    return rows->mode[id] >= 0 ? (enum mode)rows->mode[id] : check_infos[id].mode;
}

/* The check's text with {login} and {reason} filled in; other placeholders belong to
 * SMTP and stay empty. */
static void write_reason(const struct auth_core *c, enum check_id id, const char *login, const char *detail,
                         struct auth_answer *a)
{
    struct strbuf b;

    strbuf_init(&b, a->reason, sizeof a->reason);
    for (const char *p = c->config->text[id]; *p;) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        struct span name = { p + 1, end ? (size_t)(end - p) - 1 : 0 };
        if (!end)
            strbuf_addc(&b, *p++);
        else {
            if (span_equal(name, SPAN("login")))
                strbuf_add_clean(&b, span_of(login));
            else if (span_equal(name, SPAN("reason")))
                strbuf_add_clean(&b, span_of(detail));
            p = end + 1;
        }
    }
    if (*c->config->help_url)
        strbuf_addf(&b, " %s", c->config->help_url);
}

static bool is_suspended(const struct rows *rows, const char *scope)
{
    if (!rows->suspended[0] || (rows->suspended_until && rows->suspended_until <= rows->now))
        return false;
    if (strcmp(rows->suspended, "all") == 0)
        return true;
    for (const char *p = rows->suspended; *p;) {
        size_t len = strcspn(p, ",");
        if (span_equal((struct span){ p, len }, span_of(scope)))
            return true;
        p += len + (p[len] == ',');
    }
    return false;
}

/* NULL, or why the account is closed to the service; `detail_r`: for its owner.
 * is_spent: the password is the one that must not be used again. */
static const char *closed(const struct rows *rows, const char *service, bool is_spent, const char **detail_r)
{
    const char *scope = suspension_scope(service);

    *detail_r = "";
    if (!scope)
        return NULL;
    if (rows->disabled) {
        *detail_r = "disabled by the administrator";
        return "disabled";
    }
    if (is_suspended(rows, scope)) {
        *detail_r = rows->reason;
        return "suspended";
    }
    if (is_spent) {
        *detail_r = setting_new_password;
        return "new_password";
    }
    return NULL;
}

/* The check that objects to the way the password came, or CHECK_COUNT. */
static enum check_id objection(const struct auth_core *c, const struct auth_login *login)
{
    if (login->secured == AUTH_SECURED_NONE)
        return CHECK_STARTTLS;
    if (login->secured == AUTH_SECURED_TLS && port_list_has(&c->config->dovecot.implicit_tls_ports, login->local_port))
        return CHECK_IMPLICIT_TLS;
    return CHECK_COUNT;
}

/* After the password matched. */
static enum auth_result judge(const struct auth_core *c, const struct auth_login *login,
                              const struct rows *rows, bool is_spent, struct auth_answer *a)
{
    enum check_id id = objection(c, login);
    enum mode mode = id < CHECK_COUNT ? mode_of(rows, id) : MODE_OFF;
    const char *detail, *cause = closed(rows, login->service, is_spent, &detail);
    char setting[64];
    struct strbuf b;

    if (cause) {
        a->cause = cause;
        write_reason(c, CHECK_ACCOUNT_STATUS, rows->address->text, detail, a);
        return AUTH_REFUSED;
    }
    if (mode == MODE_OBSERVE)
        a->observed = check_name(id);
    if (mode != MODE_ENFORCE)
        return AUTH_OK;
    a->cause = check_name(id);
    strbuf_init(&b, setting, sizeof setting);
    setting_starttls(login->service, id == CHECK_IMPLICIT_TLS ? 0 : login->local_port, &b);
    write_reason(c, id, rows->address->text, setting, a);
    return AUTH_REFUSED;
}

static enum auth_result read_rows(struct auth_core *c, const struct auth_login *login,
                                  struct address *address, struct rows *rows, struct auth_answer *a)
{
    enum result r = auth_parse_user(c, login->user, address);

    memset(rows, 0, sizeof *rows);
    /* Each text by its end: all of them are eight kilobytes, and a worker's memory is cold. */
    a->cause = a->observed = "";
    a->user[0] = a->reason[0] = a->error.text[0] = '\0';
    a->fields.count = a->fields.used = 0;
    rows->core = c;
    rows->address = address;
    rows->asks_modes = objection(c, login) < CHECK_COUNT;
    rows->fields = &a->fields;
    rows->now = login->now;
    if (r == OK) {
        copy(address->text, a->user, sizeof a->user);
        r = auth_store_read(c->store, read_login, rows, &a->error);
    } else if (r != NOT_FOUND)
        error_set(&a->error, TRY_AGAIN, "out of memory");
    if (r == LIMIT)
        error_set(&a->error, LIMIT, "%s: too many extra fields", address->text);
    if (r == OK)
        return AUTH_OK;
    return r == NOT_FOUND ? AUTH_UNKNOWN : AUTH_UNAVAILABLE;
}

/* Hashes of nothing in particular, at libcrypt's default cost: checking a password
 * against one takes as long as against a real one. */
static const char *dummy_hash(const struct config *c)
{
    return strcmp(c->password_scheme, "bcrypt") == 0
               ? "{CRYPT}$2b$05$ZuORA6Nl/iyxvlV5pJREDOzdwV9iesQjz2F0WqlTpROxRrGirJqeS"
               : "{CRYPT}$y$j9T$TtjdxFE/OXkQavlMpGuFM1$c4a1WIB2MgAgdHFRMCEnUBvGoqMfToKLIlGjRrjqJwD";
}

/* ---- what policyd is told ---- */

static enum login_security security_of(const struct auth_core *c, const struct auth_login *login)
{
    bool of_postfix = login->local_port == 0; /* which says no more than "secured" */

    if (login->secured == AUTH_SECURED_NONE)
        return LOGIN_NONE;
    if (of_postfix)
        return LOGIN_SECURED;
    if (login->secured == AUTH_SECURED_TRUSTED)
        return LOGIN_TRUSTED;
    return port_list_has(&c->config->dovecot.implicit_tls_ports, login->local_port) ? LOGIN_IMPLICIT
                                                                                    : LOGIN_STARTTLS;
}

static void report(struct auth_core *c, const struct auth_login *login, const struct auth_answer *a,
                   enum login_outcome outcome)
{
    struct login_event e = { .security = security_of(c, login),
                             .outcome = outcome,
                             .port = login->local_port,
                             .bare = strchr(login->user, '@') == NULL };

    copy(outcome == LOGIN_UNKNOWN ? "" : a->user, e.account, sizeof e.account);
    copy(login->service, e.service, sizeof e.service);
    copy(login->mechanism, e.mechanism, sizeof e.mechanism);
    copy(login->client, e.client, sizeof e.client);
    copy(*a->cause ? a->cause : a->observed, e.cause, sizeof e.cause);
    if (domain_check(login->server_name, e.server_name, NULL) != OK)
        e.server_name[0] = '\0';
    auth_report_send(c->report, &e, login->now);
}

static const enum login_outcome outcomes[] = {
    [AUTH_OK] = LOGIN_OK,           [AUTH_UNKNOWN] = LOGIN_UNKNOWN,         [AUTH_MISMATCH] = LOGIN_MISMATCH,
    [AUTH_REFUSED] = LOGIN_REFUSED, [AUTH_UNAVAILABLE] = LOGIN_UNAVAILABLE,
};

/* ---- logins ---- */

/* The password has matched; the same one may have been hashed anew since. */
static bool is_spent(const struct rows *rows, auth_verify_fn *verify, void *context)
{
    return rows->spent[0] && (strcmp(rows->spent, rows->password) == 0 || verify(rows->spent, true, context));
}

enum auth_result auth_core_login(struct auth_core *c, const struct auth_login *login, auth_verify_fn *verify,
                                 void *context, struct auth_answer *answer_r)
{
    struct address address;
    struct rows rows;
    enum auth_result r = read_rows(c, login, &address, &rows, answer_r);

    if (r == AUTH_UNKNOWN)
        (void)verify(dummy_hash(c->config), true, context);
    else if (r == AUTH_OK)
        r = verify(rows.password, false, context)
                ? judge(c, login, &rows, is_spent(&rows, verify, context), answer_r)
                : AUTH_MISMATCH;
    explicit_bzero(&rows, sizeof rows);
    report(c, login, answer_r, outcomes[r]);
    return r;
}

enum auth_result auth_core_credentials(struct auth_core *c, const struct auth_login *login,
                                       char password_r[static AUTH_PASSWORD_MAX],
                                       struct auth_answer *answer_r)
{
    struct address address;
    struct rows rows;
    const char *detail;
    enum auth_result r = read_rows(c, login, &address, &rows, answer_r);

    password_r[0] = '\0';
    if (r == AUTH_OK) {
        bool is_spent = strcmp(rows.spent, rows.password) == 0; /* nothing else to compare it with */
        const char *cause = closed(&rows, login->service, is_spent, &detail);
        if (cause) {
            answer_r->cause = cause;
            r = AUTH_REFUSED;
        } else
            copy(rows.password, password_r, AUTH_PASSWORD_MAX);
    }
    explicit_bzero(&rows, sizeof rows);
    report(c, login, answer_r, r == AUTH_OK ? LOGIN_LOOKUP : outcomes[r]);
    return r;
}
