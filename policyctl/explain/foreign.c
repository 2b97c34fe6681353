/* SPDX-License-Identifier: MIT */
/* Refusals by others, known by their words (Postfix's smtpd_check.c, postscreen, Dovecot's login_common). */
#include "policyctl/explain/explanation.h"
#include "policyctl/explain/log_parse.h"

/* The first that fits counts. */
static const struct foreign known[] = {
    { "Relay access denied", "Postfix, reject_unauth_destination",
      "The recipient's domain is not one of this host's, and the client has not logged in. A customer's "
      "program has to log in and to submit on port 587; a domain that is to be here is added by policyctl "
      "domain add." },
    { "User unknown in", "Postfix, reject_unlisted_recipient",
      "Neither an account nor an alias bears the recipient's address, or not when this was logged: see "
      "policyctl account show and policyctl alias list." },
    { "Policy service unavailable", "Postfix, since policyd did not answer",
      "See policyctl status; the lines of policyd around this time say why. Mail waited at the sender and "
      "was not lost." },
    { "Server configuration problem", "Postfix, since policyd or another policy service did not answer",
      "See policyctl status, and the warnings of Postfix just before this line." },
    { "Server configuration error", "Postfix",
      "Postfix could not use one of its own settings or tables: see its warnings just before this line." },
    { "Temporary lookup failure", "Postfix, since a table did not answer",
      "Postfix's tables are answered by policyd: see policyctl status, and the warnings just before this "
      "line." },
    { "blocked using", "Postfix, reject_rbl_client or postscreen",
      "A DNS list names the client: its operator asks the list to be taken off. The list stands in main.cf." },
    { "not owned by user", "Postfix, reject_sender_login_mismatch",
      "Postfix looked up who may send as the sender: policyctl grant add lets another login do so." },
    { "not logged in", "Postfix, reject_sender_login_mismatch",
      "The sender belongs to an account, and the client has not logged in." },
    { "Access denied", "Postfix, reject or an access table",
      "On a submission port this is said to whoever has not logged in: the customer's program has to use a "
      "name and password." },
    { "Host not found", "Postfix, reject_unknown_helo_hostname",
      "The HELO name has no A or MX record: its operator names the server as DNS does." },
    { "need fully-qualified", "Postfix, reject_non_fqdn_helo_hostname and its like",
      "The name or address that Postfix shows in the reply has no domain." },
    { "Domain not found", "Postfix, reject_unknown_sender_domain or reject_unknown_recipient_domain",
      "The address' domain has no A or MX record." },
    { "cannot find your", "Postfix, reject_unknown_client_hostname or its reverse form",
      "The client's address has no name in DNS that leads back to it: its operator has that set." },
    { "Invalid name", "Postfix, reject_invalid_helo_hostname", "The HELO name is malformed." },
    { "Improper use of SMTP command pipelining", "Postfix, reject_unauth_pipelining",
      "The client sent commands before it was its turn: a spammer's program, mostly." },
    { "Protocol error", "Postfix, postscreen", "The client failed postscreen's tests." },
    { "reylist", "a greylisting service",
      "The client is to try again later, and is let in then. Postern has no such check." },
    { "uota", "Dovecot's quota service, or another",
      "The mailbox is full: policyctl account set ADDRESS --quota SIZE." },
    { "ailbox is full", "Dovecot's quota service, or another",
      "The mailbox is full: policyctl account set ADDRESS --quota SIZE." },
    { "nverified address", "Postfix, reject_unverified_sender or reject_unverified_recipient",
      "Postfix asked the address' own server, which does not take mail for it." },
    { "ndeliverable address", "Postfix, reject_unverified_sender or reject_unverified_recipient",
      "Postfix asked the address' own server, which does not take mail for it." },
    { "essage size exceeds", "Postfix, message_size_limit", "The message is larger than main.cf allows." },
};

const struct foreign foreign_unknown = { "", "another rule of Postfix, policy service or milter",
                                         "No check of Postern has these words. Look for them in main.cf, "
                                         "in the tables it names, and in the services of "
                                         "smtpd_*_restrictions and smtpd_milters." };

const struct foreign foreign_milter = {
    "", "a milter",
    "See the milter's own log around this time; smtpd_milters in main.cf and master.cf names it."
};

const struct foreign *foreign_by_words(struct span text)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (find_first(text, known[i].words) < text.len)
            return &known[i];
    return NULL;
}
