/* SPDX-License-Identifier: MIT */
/* Postfix's settings besides the hooks, held against policyd.conf and the modes of the checks. */
#include <string.h>

#include "lib/network.h"
#include "policyctl/doctor/postfix.h"
#include "policyctl/host/shell.h"

static const struct rule helo_optional = { "helo_required", LEVEL_WARNING,
                                           "A HELO check is enforced, and a client that sends no HELO at all "
                                           "meets none." };
static const struct rule helo_optional_note = { "helo_required", LEVEL_NOTE,
                                                "A client that sends no HELO at all meets no HELO check." };
static const struct rule auth_without_tls = {
    "native_tls", LEVEL_NOTE,
    "Postfix offers AUTH without encryption, which `starttls` then refuses. No exception is left: with the setting on, "
    "no password crosses the network in clear at all."
};
static const struct rule untrusted = {
    "mynetworks", LEVEL_WARNING,
    "Postfix relays for these clients, and policyd takes them for strangers: HELO checks and sender_auth meet them."
};
static const struct rule trusted_only = {
    "mynetworks", LEVEL_NOTE,
    "policyd spares these clients the HELO checks and sender_auth, and Postfix does not relay for them. An entry of "
    "`policyctl list allow` says for whom and why, and can end."
};

static void examine_helo(struct doctor *d, const struct postfix *p, const struct service *s)
{
    const struct rule *rule = d->exceptions.helo_enforced ? &helo_optional : &helo_optional_note;
    char remedy[512];
    struct strbuf b;

    if (s->submission || service_is_on(p, s, "smtpd_helo_required"))
        return;
    strbuf_init(&b, remedy, sizeof remedy);
    if (service_own(p, s, "smtpd_helo_required"))
        remedy_service(p, s, "smtpd_helo_required", "yes", &b);
    else
        remedy_main(p, "smtpd_helo_required", "yes", &b);
    doctor_say(d, rule, s->name, remedy, "smtpd_helo_required = no");
}

static void examine_tls(struct doctor *d, const struct postfix *p, const struct service *s)
{
    const struct exceptions *e = &d->exceptions;
    char remedy[512];
    struct strbuf b;

    if (!e->known || !e->enforced || e->count > 0 || !service_is_on(p, s, "smtpd_sasl_auth_enable") ||
        service_is_on(p, s, "smtpd_tls_auth_only") || service_is_on(p, s, "smtpd_tls_wrappermode") ||
        strcmp(service_effective(p, s, "smtpd_tls_security_level"), "encrypt") == 0)
        return;
    strbuf_init(&b, remedy, sizeof remedy);
    if (service_own(p, s, "smtpd_tls_auth_only"))
        remedy_service(p, s, "smtpd_tls_auth_only", "yes", &b);
    else
        remedy_main(p, "smtpd_tls_auth_only", "yes", &b);
    doctor_say(d, &auth_without_tls, s->name, remedy, "smtpd_tls_auth_only = no");
}

void examine_smtpd(struct doctor *d, const struct postfix *p)
{
    for (size_t i = 0; i < p->services; i++) {
        examine_helo(d, p, &p->service[i]);
        examine_tls(d, p, &p->service[i]);
    }
}

/* ---- networks ---- */

/* "[::1]/128" and "[::ffff:127.0.0.0]/104", as Postfix writes them; those mapped into IPv6 are the IPv4 ones. */
static enum result parse_network(struct span word, struct network *n)
{
    char text[128];
    struct strbuf b;
    struct error e;

    strbuf_init(&b, text, sizeof text);
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] != '[' && word.ptr[i] != ']')
            strbuf_addc(&b, word.ptr[i]);
    if (network_parse((struct span){ text, b.len }, n, &e) != OK)
        return BAD;
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (n->v6 && n->bits >= 96 && memcmp(n->bytes, mapped, sizeof mapped) == 0) {
        memmove(n->bytes, n->bytes + 12, 4);
        n->bits = (unsigned char)(n->bits - 96);
        n->v6 = false;
    }
    return OK;
}

static bool is_within(const struct network *n, const struct network *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].v6 == n->v6 && list[i].bits <= n->bits && network_contains(&list[i], n))
            return true;
    return false;
}

/* The effect of `+=` is to add: at the end of the file it is outside every section. */
static void remedy_trust(const struct doctor *d, const char *quoted, struct strbuf *b)
{
    char line[1200];
    struct strbuf l;

    strbuf_init(&l, line, sizeof line);
    strbuf_addf(&l, "trusted_networks += {%s}", quoted);
    shell_word(b, SPAN("echo"));
    shell_word(b, span_of(line));
    shell_operator(b, ">>");
    shell_word(b, span_of(d->ctl->config->path));
    shell_operator(b, "&&");
    shell_word(b, SPAN("policyctl"));
    shell_word(b, SPAN("-c"));
    shell_word(b, span_of(d->ctl->config->path));
    shell_word(b, SPAN("reload"));
}

static void add_item(struct strbuf *b, const char *quote, const char *text)
{
    strbuf_addf(b, "%s%s%s%s", b->len ? ", " : "", quote, text, quote);
}

/* The networks of `from` that none of `in` covers, as text and as policyd.conf quotes them. */
static bool difference(const struct network *from, size_t from_count, const struct network *in, size_t in_count,
                       struct strbuf *plain, struct strbuf *quoted)
{
    char text[NETWORK_TEXT_MAX];

    for (size_t i = 0; i < from_count; i++) {
        if (is_within(&from[i], in, in_count) || (i > 0 && is_within(&from[i], from, i)))
            continue;
        network_text(&from[i], text);
        add_item(plain, "", text);
        add_item(quoted, "\"", text);
    }
    return plain->len > 0;
}

static size_t read_mynetworks(struct doctor *d, const struct postfix *p, struct network *list_r, size_t max)
{
    static struct words w;
    size_t count = 0;

    words_parse(postfix_effective(p, "mynetworks"), &w);
    for (size_t i = 0; i < w.count && count < max; i++)
        if (parse_network(w.word[i], &list_r[count]) == OK)
            count++;
        else
            doctor_unknown(d, "mynetworks", "%.*s is no network", w.word[i].len < 100 ? (int)w.word[i].len : 100,
                           w.word[i].ptr);
    return count;
}

void examine_mynetworks(struct doctor *d, const struct postfix *p)
{
    static struct network mine[WORDS_MAX];
    const struct network_list *trusted = &d->ctl->config->trusted_networks;
    size_t count = read_mynetworks(d, p, mine, WORDS_MAX);
    char plain[200], quoted[1000], remedy[1600];
    struct strbuf a, b, r;

    strbuf_init(&a, plain, sizeof plain);
    strbuf_init(&b, quoted, sizeof quoted);
    strbuf_init(&r, remedy, sizeof remedy);
    if (difference(mine, count, trusted->item, trusted->count, &a, &b)) {
        remedy_trust(d, quoted, &r);
        doctor_say(d, &untrusted, "", r.cut || b.cut ? "" : remedy,
                   "mynetworks holds what trusted_networks does not: %s", plain);
    }
    strbuf_init(&a, plain, sizeof plain);
    strbuf_init(&b, quoted, sizeof quoted);
    if (difference(trusted->item, trusted->count, mine, count, &a, &b))
        doctor_say(d, &trusted_only, "", NULL, "trusted_networks holds what mynetworks does not: %s", plain);
}
