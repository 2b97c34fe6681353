/* SPDX-License-Identifier: MIT */
#include "t/unit/fake_dns.h"

#include <string.h>

#include "lib/network.h"

static struct fake_dns_name *find(struct fake_dns *f, struct span name)
{
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    for (size_t i = 0; i < f->names; i++)
        if (span_equal_case(span_of(f->name[i].name), name))
            return &f->name[i];
    return NULL;
}

static void wait_for(struct fake_dns *f, struct dns_waiter *waiter)
{
    for (size_t i = 0; i < f->waiters; i++)
        if (f->waiter[i] == waiter)
            return;
    if (waiter && f->waiters < FAKE_DNS_WAITERS_MAX)
        f->waiter[f->waiters++] = waiter;
}

static enum dns_status ask(struct dns_source *source, struct span name, enum dns_type type,
                           struct dns_waiter *waiter, struct dns_answer *answer_r)
{
    struct fake_dns *f = (struct fake_dns *)source;
    struct fake_dns_name *n = find(f, name);

    f->questions++;
    memset(answer_r, 0, sizeof *answer_r);
    if (!n)
        answer_r->status = DNS_NXDOMAIN;
    else if (n->slow || n->never) {
        n->asked = true;
        wait_for(f, waiter);
        answer_r->status = DNS_PENDING;
    } else if (n->found & 1u << type) {
        answer_r->status = DNS_FOUND;
        answer_r->count = type == DNS_TXT ? 0 : 1;
        memcpy(answer_r->address[0], n->address, sizeof n->address);
        memcpy(answer_r->text, n->text, sizeof n->text);
    } else
        answer_r->status = n->others;
    return answer_r->status;
}

static void cancel(struct dns_source *source, struct dns_waiter *waiter)
{
    struct fake_dns *f = (struct fake_dns *)source;

    for (size_t i = 0; i < f->waiters; i++)
        if (f->waiter[i] == waiter)
            f->waiter[i--] = f->waiter[--f->waiters];
}

void fake_dns_init(struct fake_dns *f)
{
    memset(f, 0, sizeof *f);
    f->source = (struct dns_source){ ask, cancel };
}

static bool take_word(struct span *line, struct span *word_r)
{
    size_t len = 0;

    *line = span_trim(*line);
    while (len < line->len && line->ptr[len] != ' ' && line->ptr[len] != '\t')
        len++;
    *word_r = (struct span){ line->ptr, len };
    *line = (struct span){ line->ptr + len, line->len - len };
    return len > 0;
}

static enum result apply_word(struct fake_dns_name *n, struct span word)
{
    static const struct {
        struct span word;
        unsigned found;
        enum dns_status others;
    } words[] = {
        { SPAN("A"), 1u << DNS_A, DNS_NODATA },   { SPAN("AAAA"), 1u << DNS_AAAA, DNS_NODATA },
        { SPAN("MX"), 1u << DNS_MX, DNS_NODATA }, { SPAN("NODATA"), 0, DNS_NODATA },
        { SPAN("NXDOMAIN"), 0, DNS_NXDOMAIN },    { SPAN("SERVFAIL"), 0, DNS_FAILED },
    };

    if (span_equal(word, SPAN("SLOW")))
        n->slow = true;
    else if (span_equal(word, SPAN("NEVER")))
        n->never = true;
    else {
        size_t i = 0;
        while (i < sizeof words / sizeof *words && !span_equal(word, words[i].word))
            i++;
        if (i == sizeof words / sizeof *words)
            return BAD;
        n->found |= words[i].found;
        n->others = words[i].others;
    }
    return OK;
}

static bool starts_with(struct span text, struct span prefix)
{
    return text.len > prefix.len && memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

/* A=ADDRESS, or TXT=TEXT up to the end of the line. NOT_FOUND: neither. */
static enum result apply_value(struct fake_dns_name *n, struct span word, struct span *line)
{
    const struct span address = SPAN("A="), text = SPAN("TXT=");
    struct network ip;

    if (starts_with(word, address)) {
        if (network_parse_ip((struct span){ word.ptr + address.len, word.len - address.len }, &ip) != OK || ip.v6)
            return BAD;
        memcpy(n->address, ip.bytes, sizeof n->address);
        n->found |= 1u << DNS_A;
        return OK;
    }
    if (!starts_with(word, text))
        return NOT_FOUND;
    word.len = (size_t)(line->ptr + line->len - word.ptr);
    *line = (struct span){ word.ptr + word.len, 0 };
    n->found |= 1u << DNS_TXT;
    return str_copy((struct span){ word.ptr + text.len, word.len - text.len }, n->text, sizeof n->text);
}

enum result fake_dns_add(struct fake_dns *f, struct span line)
{
    struct span name, word;
    struct fake_dns_name *n;
    enum result r = OK;

    if (!take_word(&line, &name))
        return BAD;
    n = find(f, name);
    if (!n && f->names == FAKE_DNS_NAMES_MAX)
        return LIMIT;
    if (!n)
        n = &f->name[f->names++];
    memset(n, 0, sizeof *n);
    n->others = DNS_NODATA;
    if (str_copy(name, n->name, sizeof n->name) != OK)
        return LIMIT;
    while (r == OK && take_word(&line, &word)) {
        r = apply_value(n, word, &line);
        if (r == NOT_FOUND)
            r = apply_word(n, word);
    }
    return r;
}

bool fake_dns_answer(struct fake_dns *f)
{
    bool any = false;

    for (size_t i = 0; i < f->names; i++)
        if (f->name[i].slow && f->name[i].asked) {
            f->name[i].slow = false;
            any = true;
        }
    while (any && f->waiters > 0) {
        struct dns_waiter *waiter = f->waiter[--f->waiters];
        waiter->wake(waiter);
    }
    return any;
}
