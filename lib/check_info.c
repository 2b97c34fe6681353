/* SPDX-License-Identifier: MIT */
#include "check_info.h"

const struct check_info check_infos[CHECK_COUNT] = {
    [CHECK_ACCESS] = { "access", "clients, HELO names and senders that a deny entry names", MODE_ENFORCE,
                       SUBJECT_RECIPIENT_DOMAIN, "554 5.7.1", "Access denied", false },
    [CHECK_ACCOUNT_STATUS] = { "account_status", "logins of suspended or disabled accounts", MODE_ENFORCE,
                               SUBJECT_LOGIN, "554 5.7.1", "Account suspended: {reason}", false },
    [CHECK_STARTTLS] = { "starttls", "passwords over a connection without encryption", MODE_ENFORCE,
                         SUBJECT_LOGIN, "554 5.7.1", "This server takes no password without encryption. {reason}", false },
    [CHECK_IMPLICIT_TLS] = { "implicit_tls", "passwords over implicit TLS instead of STARTTLS", MODE_OFF,
                             SUBJECT_LOGIN, "554 5.7.1", "This server takes no password on this port. {reason}", false },
    [CHECK_SENDER_LOGIN] = { "sender_login", "envelope senders that the login may not use", MODE_OBSERVE,
                             SUBJECT_LOGIN, "553 5.7.1",
                             "You are logged in as {login}, which may not send as {sender}", false },
    [CHECK_SENDER_AUTH] = { "sender_auth", "senders in hosted mailbox domains without authentication",
                            MODE_OBSERVE, SUBJECT_SENDER_DOMAIN, "REJECT",
                            "SMTP AUTH is required for users under this sender domain", false },
    [CHECK_HELO_LOCAL] = { "helo_local", "HELO names that cannot exist on the Internet", MODE_ENFORCE,
                           SUBJECT_RECIPIENT_DOMAIN, "554 5.7.1", "Go away, bad guy ({suffix}).", false },
    [CHECK_HELO_FQDN] = { "helo_fqdn", "HELO names that are no FQDN and no address literal", MODE_OBSERVE,
                          SUBJECT_RECIPIENT_DOMAIN, "504 5.5.2", "need fully-qualified hostname", false },
    [CHECK_HELO_SELF] = { "helo_self", "HELO under this host's own name or address", MODE_OFF,
                          SUBJECT_RECIPIENT_DOMAIN, "554 5.7.1", "HELO under the name of this host", false },
    [CHECK_HELO_RESOLVE] = { "helo_resolve", "HELO names without A, AAAA or MX record", MODE_OBSERVE,
                             SUBJECT_RECIPIENT_DOMAIN, "450 4.7.1", "Host not found", false },
    [CHECK_DNSBL] = { "dnsbl", "clients, HELO names and senders that DNS lists name", MODE_OFF,
                      SUBJECT_RECIPIENT_DOMAIN, "554 5.7.1", "Service unavailable; {reason}", false },
    [CHECK_GREYLIST] = { "greylist", "the first message of a client, sender and recipient, for a while", MODE_OFF,
                         SUBJECT_RECIPIENT_DOMAIN, "451 4.7.1", "Greylisted, try again in {reason} s", false },
    [CHECK_SEND_LIMIT] = { "send_limit", "more mail in a time than an account, a domain or a client may send",
                           MODE_OBSERVE, SUBJECT_LOGIN, "450 4.7.1", "Sending limit reached: {reason}", false },
    [CHECK_COMPROMISE] = { "compromise", "mail of accounts that somebody else seems to use", MODE_OBSERVE,
                           SUBJECT_LOGIN, "554 5.7.1", "Account suspended: {reason}", true },
};

static const char *const mode_names[] = { "off", "observe", "hold", "enforce" };

const char *mode_name(enum mode m)
{
    return mode_names[m];
}

enum result mode_parse(struct span name, enum mode *mode_r)
{
    for (unsigned m = MODE_OFF; m <= MODE_ENFORCE; m++)
        if (span_equal(name, span_of(mode_names[m]))) {
            *mode_r = (enum mode)m;
            return OK;
        }
    return BAD;
}

enum result check_parse(struct span name, enum check_id *id_r)
{
    for (unsigned i = 0; i < CHECK_COUNT; i++)
        if (span_equal(name, span_of(check_infos[i].name))) {
            *id_r = (enum check_id)i;
            return OK;
        }
    return NOT_FOUND;
}
