/* SPDX-License-Identifier: MIT */
#include "policyd/check.h"

#include <string.h>

enum {
    SENDER_STATES = STATE_MAIL | STATE_RCPT | STATE_DATA | STATE_END_OF_MESSAGE,
    HELO_STATES = SENDER_STATES | STATE_HELO,
    HELO_FLAGS = CHECK_SKIPPED_BY_ALLOW | CHECK_STRANGERS_ONLY,
};

const struct check checks[CHECK_COUNT] = {
    [CHECK_ACCESS] = { access_run, HELO_STATES, CONTEXT_RECIPIENT, CHECK_STRANGERS_ONLY },
    [CHECK_ACCOUNT_STATUS] = { account_status_run, SENDER_STATES, CONTEXT_SENDER | CONTEXT_END_OF_DATA,
                               CHECK_NEEDS_ACCOUNTS },
    [CHECK_STARTTLS] = { starttls_run, SENDER_STATES, CONTEXT_SENDER, CHECK_NEEDS_ACCOUNTS },
    [CHECK_IMPLICIT_TLS] = { implicit_tls_run, SENDER_STATES, CONTEXT_SENDER, CHECK_NEEDS_ACCOUNTS },
    [CHECK_SENDER_LOGIN] = { sender_login_run, SENDER_STATES, CONTEXT_SENDER, CHECK_NEEDS_ACCOUNTS },
    [CHECK_SENDER_AUTH] = { sender_auth_run, SENDER_STATES, CONTEXT_SENDER,
                            HELO_FLAGS | CHECK_NEEDS_ACCOUNTS },
    [CHECK_HELO_LOCAL] = { helo_local_run, HELO_STATES, CONTEXT_HELO, HELO_FLAGS },
    [CHECK_HELO_FQDN] = { helo_fqdn_run, HELO_STATES, CONTEXT_HELO, HELO_FLAGS },
    [CHECK_HELO_SELF] = { helo_self_run, HELO_STATES, CONTEXT_HELO, HELO_FLAGS },
    [CHECK_HELO_RESOLVE] = { helo_resolve_run, HELO_STATES, CONTEXT_HELO, HELO_FLAGS },
};

static struct span placeholder(const struct check_ctx *c, struct span name, const char *detail)
{
    if (span_equal(name, SPAN("login")))
        return span_of(c->request->login.text);
    if (span_equal(name, SPAN("sender")))
        return c->request->sender.len > 0 ? span_of(c->request->sender.text) : SPAN("<>");
    if (span_equal(name, SPAN("recipient")))
        return span_of(c->request->recipient.text);
    if (span_equal(name, SPAN("helo")))
        return c->request->attr[ATTR_HELO_NAME];
    return span_of(detail); /* {suffix}, {reason} */
}

enum verdict check_refuse(const struct check_ctx *c, struct finding *f, const char *cause,
                          const char *subject, const char *detail)
{
    struct strbuf b;
    size_t code_len;

    strbuf_init(&b, f->reply, sizeof f->reply);
    strbuf_adds(&b, check_infos[c->id].action);
    strbuf_addc(&b, ' ');
    code_len = b.len;
    for (const char *p = c->config->text[c->id]; *p;) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (end)
            strbuf_add_clean(
                &b, placeholder(c, (struct span){ p + 1, (size_t)(end - p) - 1 }, detail ? detail : ""));
        else { /* whole characters, or none where they do not fit */
            end = p + strcspn(p + 1, "{");
            strbuf_add_clean(&b, (struct span){ p, (size_t)(end - p) + 1 });
        }
        p = end + 1;
    }
    if (b.len == code_len) /* placeholders that are empty: a code alone is misread by some (CVE-2026-43964) */
        strbuf_adds(&b, "refused");
    if (*c->config->help_url && (checks[c->id].flags & CHECK_STRANGERS_ONLY) == 0)
        strbuf_addf(&b, " %s", c->config->help_url);
    strbuf_init(&b, f->cause, sizeof f->cause);
    strbuf_add_clean(&b, span_of(cause));
    strbuf_init(&b, f->subject, sizeof f->subject);
    strbuf_add_clean(&b, span_of(subject));
    return VERDICT_REFUSE;
}
