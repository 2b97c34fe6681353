/* SPDX-License-Identifier: MIT */
/* The options of all subcommands, and the command line checked against a row. */
#include <getopt.h>
#include <string.h>

#include "policyctl/command.h"

const struct option_info option_infos[OPTION_COUNT] = {
    [OPT_ACCOUNT] = { "account", "ADDRESS", "for this account only" },
    [OPT_ACTION] = { "action", "ACTION", "allow or deny, where the file does not say" },
    [OPT_ALIAS_OF] = { "alias-of", "DOMAIN", "the domain stands for DOMAIN, address by address" },
    [OPT_APPLY] = { "apply", NULL, "make the changes" },
    [OPT_BY] = { "by", "KIND", "account (default), domain, client, helo or check" },
    [OPT_CHECK] = { "check", "CHECK", "this check only" },
    [OPT_CLIENT] = { "client", "ADDRESS", "the client's IP address; in a list entry also a network" },
    [OPT_CLIENT_NAME] = { "client-name", "NAME", "the client's name by DNS; in a list also .SUFFIX" },
    [OPT_CONTEXT] = { "context", "LIST", "policy_context: helo, sender, recipient or end-of-data" },
    [OPT_CSV] = { "csv", NULL, "for a spreadsheet" },
    [OPT_DOMAIN] = { "domain", "DOMAIN", "for this domain only" },
    [OPT_DOVECOT_CONFIG] = { "dovecot-config", "FILE", "Dovecot's configuration, where it is not its own" },
    [OPT_DOVECOT_ONLY] = { "dovecot-only", NULL, "leave Postfix out" },
    [OPT_DRY_RUN] = { "dry-run", NULL, "only show what would be done" },
    [OPT_EVIDENCE] = { "evidence", "TEXT", "what was seen, for administrators" },
    [OPT_FIELD] = { "field", "NAME=VALUE", "an extra field for Dovecot; the userdb's: userdb_NAME" },
    [OPT_FOLLOW] = { "follow", NULL, "stay, and show what happens from now on too" },
    [OPT_FORMAT] = { "format", "FORMAT", "of the file; policyctl(1) names them" },
    [OPT_GID] = { "gid", "GROUP", "the mail's group, or \"\" for none of its own" },
    [OPT_HELO] = { "helo", "NAME", "the name the client gives; in a list entry also a .suffix" },
    [OPT_HOME] = { "home", "PATH", "home, with {user}, {local}, {domain}; or \"\" likewise" },
    [OPT_HTML] = { "html", NULL, "one file for a browser" },
    [OPT_JSON] = { "json", NULL, "for programs" },
    [OPT_LOG] = { "log", "FILE", "a log; - for standard input" },
    [OPT_LOG_LINE] = { "log-line", "LINE", "a line of a log; - for standard input" },
    [OPT_LOGIN] = { "login", "ADDRESS", "the login of an authenticated client" },
    [OPT_MAIL] = { "mail", "LOCATION", "where the mail lies, with the same; or \"\" likewise" },
    [OPT_MEMBERS_SEND] = { "members-send", NULL, "each destination may send as the alias" },
    [OPT_NO_FIELD] = { "no-field", "NAME", "take the extra field away" },
    [OPT_NO_MEMBERS_SEND] = { "no-members-send", NULL, "only a sole destination may send as the alias" },
    [OPT_NOTE] = { "note", "TEXT", "what the entry is for" },
    [OPT_OLD_NAME] = { "old-name", "NAME", "a server name that is to go" },
    [OPT_ONCE] = { "once", NULL, "print one table and exit" },
    [OPT_PASSWORD_STDIN] = { "password-stdin", NULL, "the password is the first line of standard input" },
    [OPT_PER] = { "per", "KIND", "account (default), relay, domain, client or host" },
    [OPT_PORT] = { "port", "PORT", "the server's port" },
    [OPT_POSTFIX_CONFIG] = { "postfix-config", "DIR", "Postfix's configuration, where it is not its own" },
    [OPT_POSTFIX_ONLY] = { "postfix-only", NULL, "leave Dovecot out" },
    [OPT_QUIET] = { "quiet", NULL, "only what is to be mended" },
    [OPT_QUEUE_ID] = { "queue-id", "ID", "the message with this queue ID in the log" },
    [OPT_QUOTA] = { "quota", "SIZE", "of a mailbox, such as 2G; 0: unlimited; or \"\" likewise" },
    [OPT_REASON] = { "reason", "TEXT", "why; shown to the user after the password matched" },
    [OPT_RECIPIENT] = { "recipient", "ADDRESS", "the envelope recipient; in a list likewise" },
    [OPT_REFUSED] = { "refused", NULL, "who is refused most, instead of who sends most" },
    [OPT_RELAY] = { "relay", NULL, "a relay domain, or the account of a server that relays" },
    [OPT_REQUIRE_NEW_PASSWORD] = { "require-new-password", NULL, "the present password must not be used again" },
    [OPT_SENDER] = { "sender", "ADDRESS", "the envelope sender; in a list more: policyctl(1)" },
    [OPT_SERVICES] = { "services", "LIST", "all (default), or some of smtp,imap,pop3,sieve" },
    [OPT_SINCE] = { "since", "TIME", "7d (s, m, h, d or w), or a date; default 7d" },
    [OPT_STATE] = { "state", "STATE", "HELO, MAIL, RCPT (default), DATA or END-OF-MESSAGE" },
    [OPT_STATUS] = { "status", "active|disabled", "whether the account may be used at all" },
    [OPT_TEMPLATE] = { "template", "FILE", "words of your own; alone: says whether they are complete" },
    [OPT_UID] = { "uid", "USER", "the mail's user, or \"\" for none of its own" },
    [OPT_UNDO] = { "undo", NULL, "take back all that was ever made" },
    [OPT_UPDATE] = { "update", NULL, "take over what differs, instead of keeping it" },
    [OPT_UNTIL] = { "until", "DATE", "when it ends: YYYY-MM-DD or YYYY-MM-DDTHH:MM, local time" },
    [OPT_YES] = { "yes", NULL, "do not ask" },
};

enum { HELP_VALUE = 1000, OPTION_VALUE };

/* Wrong usage: one line with the synopsis as the remedy. */
static enum status wrong(const struct command *c, const char *what, const char *which)
{
    char text[400];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    command_synopsis(c, &b);
    return fail(STATUS_INPUT, "%s%s: usage: %s", what, which, text);
}

static void fill_table(const struct command *c, struct option table[OPTION_COUNT + 2])
{
    size_t n = 0;

    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if ((c->required | c->optional) & OPT_BIT(i))
            table[n++] = (struct option){ option_infos[i].name,
                                          option_infos[i].argument ? required_argument : no_argument, NULL,
                                          OPTION_VALUE + (int)i };
    table[n++] = (struct option){ "help", no_argument, NULL, HELP_VALUE };
    table[n] = (struct option){ NULL, 0, NULL, 0 };
}

static enum status check_complete(const struct command *c, const struct args *a)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if ((c->required & OPT_BIT(i)) && !a->option[i])
            return wrong(c, "missing --", option_infos[i].name);
    if (a->count < c->min)
        return wrong(c, "something is missing", "");
    if (a->count > c->max)
        return wrong(c, "unexpected: ", a->operand[c->max]);
    for (size_t i = 0; i < a->count; i++)
        if (a->operand[i][0] == '\0')
            return wrong(c, "an empty argument", "");
    return STATUS_DONE;
}

static enum status take_option(const struct command *c, enum option_id id, const char *value, struct args *a)
{
    bool repeats = (OPT_REPEATING & OPT_BIT(id)) != 0;

    if (a->option[id] && !repeats)
        return wrong(c, "given twice: --", option_infos[id].name);
    if (repeats && a->repeats == REPEATED_MAX)
        return wrong(c, "given too often: --", option_infos[id].name);
    if (repeats)
        a->repeated[a->repeats++] = (struct repeated){ id, value };
    a->option[id] = value;
    return STATUS_DONE;
}

enum status args_parse(const struct command *c, int argc, char **argv, struct args *args_r, bool *help_r)
{
    struct option table[OPTION_COUNT + 2];
    int value;

    memset(args_r, 0, sizeof *args_r);
    *help_r = false;
    fill_table(c, table);
    opterr = 0;
    optind = 0; /* GNU: start anew with another argv */
    while ((value = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        if (value == 'h' || value == HELP_VALUE) {
            *help_r = true;
            return STATUS_DONE;
        }
        if (value == ':')
            return wrong(c, "a value is missing behind ", argv[optind - 1]);
        if (value == '?')
            return wrong(c, "wrong option ", argv[optind - 1]);
        enum status status = take_option(c, (enum option_id)(value - OPTION_VALUE), optarg ? optarg : "", args_r);
        if (status != STATUS_DONE)
            return status;
    }
    args_r->operand = argv + optind;
    args_r->count = (size_t)(argc - optind);
    return check_complete(c, args_r);
}
