/* SPDX-License-Identifier: MIT */
/* What to do about a refusal: words for the customer or the other server's operator, and commands. */
#include <stdarg.h>
#include <stdio.h>

#include "lib/setting.h"
#include "policyctl/host/shell.h"
#include "policyctl/explain/explanation.h"
#include "policyctl/explain/log_parse.h"

/* ---- commands that may be copied ---- */

/* What a terminal would not show as it is, and what would be taken for an option, is no word to be copied. */
static bool is_copyable(struct span word)
{
    char text[REMEDY_TEXT_MAX];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_add_clean(&b, word);
    return word.len > 0 && word.ptr[0] != '-' && span_equal((struct span){ text, b.len }, word);
}

static struct remedy *add_remedy(struct explanation *e, const char *format, ...) PRINTF(2, 3);

static struct remedy *add_remedy(struct explanation *e, const char *format, ...)
{
    struct remedy *r = &e->remedy[e->remedies < REMEDIES_MAX ? e->remedies++ : REMEDIES_MAX - 1];
    va_list args;

    va_start(args, format);
    vsnprintf(r->text, sizeof r->text, format, args);
    va_end(args);
    r->command[0] = '\0';
    return r;
}

/* The command's words; each % is the next of the caller's. */
static void set_command(struct remedy *r, const char *command, const struct span *words, size_t count)
{
    struct span rest = span_of(command), word;
    struct strbuf b;
    bool copyable = true;

    strbuf_init(&b, r->command, sizeof r->command);
    while (rest.len > 0) {
        if (!take_until(&rest, " ", &word)) {
            word = rest;
            rest.len = 0;
        }
        if (count > 0 && span_equal(word, SPAN("%"))) {
            copyable &= is_copyable(word = *words++);
            count--;
        }
        shell_word(&b, word);
    }
    if (b.cut || !copyable)
        r->command[0] = '\0';
}

static struct span name_of(const struct address *a)
{
    return (struct span){ a->text, a->len };
}

/* ---- each check's ---- */

static void remedy_access(struct explanation *e)
{
    struct span row = span_of(e->now.finding[CHECK_ACCESS].row), id;
    struct remedy *r = add_remedy(
        e, "A deny entry names this client, its HELO name or the sender. Where it is wrong, remove it.");

    if (take(&row, "deny entry ") && take_until(&row, " ", &id))
        set_command(r, "policyctl list remove %", &id, 1);
    else
        set_command(r, "policyctl list show", NULL, 0);
}

static void remedy_account(struct explanation *e)
{
    static const struct {
        enum account_state state;
        const char *text, *command;
    } rows[] = {
        { ACCOUNT_SUSPENDED,
          "Once the reason is mended, release the account; with --require-new-password where the password "
          "was stolen.",
          "policyctl account release %" },
        { ACCOUNT_DISABLED,
          "If the account is to be used again:", "policyctl account set % --status active" },
        { ACCOUNT_NEW_PASSWORD, "The account was released on condition of another password: set one.",
          "policyctl account passwd %" },
        { ACCOUNT_ABSENT, "No account has this name, and account_status.unknown_login refuses it.",
          "policyctl account add %" },
    };
    struct span login = name_of(&e->login);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].state == e->account)
            set_command(add_remedy(e, "%s", rows[i].text), rows[i].command, &login, 1);
}

static void remedy_tls(struct explanation *e)
{
    struct span words[] = { span_of(check_infos[e->check].name), name_of(&e->login) };
    struct span service = e->line->field[LOG_SERVICE];
    char name[16], setting[64];
    struct strbuf b;

    if (str_copy(service.len > 0 ? service : SPAN("smtp"), name, sizeof name) != OK)
        name[0] = '\0';
    strbuf_init(&b, setting, sizeof setting);
    setting_starttls(name, 0, &b);
    if (e->values.reason.len > 0) /* the server's own words, with its own port */
        add_remedy(e, "In the customer's program: %.*s.", (int)e->values.reason.len, e->values.reason.ptr);
    else
        add_remedy(e, "In the customer's program: %s.", setting);
    set_command(
        add_remedy(e, "A program that cannot do so gets an exception, best with an end (--until DATE):"),
        "policyctl policy set % off --account %", words, 2);
}

static void remedy_sender_login(struct explanation *e)
{
    struct span words[] = { name_of(&e->login), name_of(&e->request.sender) };

    add_remedy(
        e,
        "Either the customer's program is to send as %s, or to log in as the account whose address it uses.",
        e->login.len > 0 ? e->login.text : "its own login");
    struct remedy *r =
        add_remedy(e, "Or the login may send as this address, or as all of the domain (@DOMAIN):");
    if (e->login.len > 0 && !e->login_assumed && e->request.sender.len > 0)
        set_command(r, "policyctl grant add % %", words, 2);
}

static void remedy_sender_auth(struct explanation *e)
{
    struct span words[] = { name_of(&e->request.sender), e->request.attr[ATTR_CLIENT_ADDRESS] };

    add_remedy(e, "A customer's program has to log in (SMTP AUTH) and to submit on port 587 with STARTTLS.");
    set_command(
        add_remedy(e, "A forwarder, or an application that cannot log in, is allowed by its address:"),
        "policyctl list allow --sender % --client %", words, 2);
}

/* What the operator of the other server is told. */
static const char *helo_advice(enum check_id id)
{
    switch (id) {
    case CHECK_HELO_LOCAL:
        return "no such name can exist on the Internet";
    case CHECK_HELO_FQDN:
        return "that is no full host name";
    case CHECK_HELO_SELF:
        return "that is the name of our own server";
    default:
        return "DNS knows no address under that name";
    }
}

static void remedy_helo(struct explanation *e)
{
    const struct span *attr = e->request.attr;
    struct span words[] = { attr[ATTR_CLIENT_ADDRESS], attr[ATTR_HELO_NAME] };
    char helo[DOMAIN_MAX + 1];
    bool is_name = domain_check(e->request.helo, helo, NULL) == OK; /* Postfix logs '?' for what is none */

    add_remedy(e,
               "Tell whoever runs %.*s: Your mail server introduces itself as \"%.*s\"; %s. Set the name it says "
               "in HELO to the full host name under which DNS knows its address (Postfix: myhostname; Exchange: "
               "the FQDN of the Send connector).",
               (int)words[0].len, words[0].ptr, (int)words[1].len, words[1].ptr, helo_advice(e->check));
    set_command(add_remedy(e, "To let its mail in until then (better with --until DATE):"),
                is_name ? "policyctl list allow --client % --helo %" : "policyctl list allow --client %", words, 2);
}

static void remedy_dnsbl(struct explanation *e)
{
    struct span client = e->request.attr[ATTR_CLIENT_ADDRESS];

    add_remedy(e,
               "The list that the reply names is kept by others: whoever runs %.*s looks up there why it is listed, mends "
               "that, and asks to be taken off.", (int)client.len, client.ptr);
    set_command(add_remedy(e, "To let its mail in until then (better with --until DATE):"),
                "policyctl list allow --client %", &client, 1);
}

static void remedy_greylist(struct explanation *e)
{
    struct span client = e->request.attr[ATTR_CLIENT_ADDRESS];

    add_remedy(e, "Nothing has to be done: a mail server tries again by itself, and then passes.");
    set_command(add_remedy(e, "A server that does not is let pass at once:"), "policyctl list allow --client %", &client, 1);
}

/* ---- the password, or the name ---- */

static void remedy_password(struct explanation *e)
{
    struct span login = name_of(&e->login);
    struct remedy *r;

    if (e->account == ACCOUNT_ABSENT) {
        r = add_remedy(e, "The customer's program is to use the account's whole address. If there is to be "
                          "such an account:");
        set_command(r, "policyctl account add %", &login, 1);
        return;
    }
    add_remedy(
        e,
        "The password was not the account's: the customer types it again in the program. Many of these "
        "from one address, for several accounts, are somebody who guesses.");
    r = add_remedy(e, "If it is forgotten:");
    set_command(r, "policyctl account passwd %", &login, 1);
}

void explain_remedies(struct explanation *e)
{
    static void (*const of_check[CHECK_COUNT])(struct explanation *) = {
        [CHECK_ACCESS] = remedy_access,
        [CHECK_ACCOUNT_STATUS] = remedy_account,
        [CHECK_STARTTLS] = remedy_tls,
        [CHECK_IMPLICIT_TLS] = remedy_tls,
        [CHECK_SENDER_LOGIN] = remedy_sender_login,
        [CHECK_SENDER_AUTH] = remedy_sender_auth,
        [CHECK_HELO_LOCAL] = remedy_helo,
        [CHECK_HELO_FQDN] = remedy_helo,
        [CHECK_HELO_SELF] = remedy_helo,
        [CHECK_HELO_RESOLVE] = remedy_helo,
        [CHECK_DNSBL] = remedy_dnsbl,
        [CHECK_GREYLIST] = remedy_greylist,
    };

    bool objects = e->now.finding[e->check].verdict == VERDICT_REFUSE;

    if (e->origin == ORIGIN_FOREIGN || e->origin == ORIGIN_EITHER)
        add_remedy(e, "%s", e->foreign->what);
    if (e->origin == ORIGIN_ACCOUNT)
        remedy_password(e);
    else if ((e->origin == ORIGIN_POSTERN && e->refuses_now) || (e->origin == ORIGIN_EITHER && objects))
        of_check[e->check](e);
    else if (e->origin == ORIGIN_POSTERN)
        add_remedy(e, "Nothing here: the sender, or the program, tries again.");
}
