/* SPDX-License-Identifier: MIT */
#include "policyd/check.h"

#include <string.h>

enum {
    SENDER_STATES = STATE_MAIL | STATE_RCPT | STATE_DATA | STATE_END_OF_MESSAGE,
    HELO_STATES = SENDER_STATES | STATE_HELO,
    HELO_FLAGS = CHECK_SKIPPED_BY_ALLOW | CHECK_STRANGERS_ONLY,
};

/* Many questions to the DNS; a transaction; a question or three. All others cost rows that
 * are in memory, or protect accounts: those are never shed. */
enum { SHED_FIRST = 1, SHED_SECOND, SHED_LAST };

const struct check checks[CHECK_COUNT] = {
    [CHECK_ACCESS] = { .run = access_run,
                       .states = HELO_STATES,
                       .contexts = CONTEXT_RECIPIENT,
                       .flags = CHECK_STRANGERS_ONLY },
    [CHECK_ACCOUNT_STATUS] = { .run = account_status_run,
                               .states = SENDER_STATES,
                               .contexts = CONTEXT_SENDER | CONTEXT_END_OF_DATA,
                               .flags = CHECK_NEEDS_ACCOUNTS },
    [CHECK_STARTTLS] = { .run = starttls_run,
                         .states = SENDER_STATES,
                         .contexts = CONTEXT_SENDER,
                         .flags = CHECK_NEEDS_ACCOUNTS },
    [CHECK_IMPLICIT_TLS] = { .run = implicit_tls_run,
                             .states = SENDER_STATES,
                             .contexts = CONTEXT_SENDER,
                             .flags = CHECK_NEEDS_ACCOUNTS },
    [CHECK_SENDER_LOGIN] = { .run = sender_login_run,
                             .states = SENDER_STATES,
                             .contexts = CONTEXT_SENDER,
                             .flags = CHECK_NEEDS_ACCOUNTS },
    [CHECK_SENDER_AUTH] = { .run = sender_auth_run,
                            .states = SENDER_STATES,
                            .contexts = CONTEXT_SENDER,
                            .flags = HELO_FLAGS | CHECK_NEEDS_ACCOUNTS },
    [CHECK_HELO_LOCAL] = { .run = helo_local_run,
                           .states = HELO_STATES,
                           .contexts = CONTEXT_HELO,
                           .flags = HELO_FLAGS },
    [CHECK_HELO_FQDN] = { .run = helo_fqdn_run,
                          .states = HELO_STATES,
                          .contexts = CONTEXT_HELO,
                          .flags = HELO_FLAGS },
    [CHECK_HELO_SELF] = { .run = helo_self_run,
                          .states = HELO_STATES,
                          .contexts = CONTEXT_HELO,
                          .flags = HELO_FLAGS },
    [CHECK_HELO_RESOLVE] = { .run = helo_resolve_run,
                             .states = HELO_STATES,
                             .contexts = CONTEXT_HELO,
                             .flags = HELO_FLAGS,
                             .shed_at = SHED_LAST },
    [CHECK_DNSBL] = { .run = dnsbl_run,
                      .states = HELO_STATES,
                      .contexts = CONTEXT_RECIPIENT,
                      .flags = HELO_FLAGS,
                      .shed_at = SHED_FIRST },
    [CHECK_GREYLIST] = { .run = greylist_run,
                         .states = STATE_RCPT,
                         .contexts = CONTEXT_RECIPIENT,
                         .flags = HELO_FLAGS,
                         .shed_at = SHED_SECOND,
                         .committed = greylist_committed },
    [CHECK_SEND_LIMIT] = { .run = send_limit_run,
                           .states = STATE_RCPT | STATE_END_OF_MESSAGE,
                           .contexts = CONTEXT_RECIPIENT | CONTEXT_END_OF_DATA,
                           .flags = CHECK_CLIENTS_TOO | CHECK_COUNTS,
                           .committed = send_limit_committed },
    [CHECK_COMPROMISE] = { .run = compromise_run,
                           .states = STATE_END_OF_MESSAGE,
                           .contexts = CONTEXT_END_OF_DATA,
                           .flags = CHECK_AFTER_COMMIT },
};

bool check_is_shed(enum check_id id, unsigned load_level)
{
    return checks[id].shed_at > 0 && checks[id].shed_at <= load_level;
}

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
