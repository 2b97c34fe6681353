/* SPDX-License-Identifier: MIT */
/*
 * The restriction lists of an smtpd, and where in them policyd is asked.  Layer 9.
 */
#ifndef POSTERN_HOST_HOOK_LIST_H
#define POSTERN_HOST_HOOK_LIST_H

#include "policyctl/host/hook.h"

enum { HOOK_LISTS = 8 };

struct hook_list {
    const char *name;
    const char *context; /* NULL: no hook belongs there */
    bool submission;     /* it does also where mail programs log in */
};

extern const struct hook_list hook_lists[HOOK_LISTS];

/* Whether the service should ask policyd there. */
bool hook_is_wanted(const struct service *, const struct hook_list *);

/* A list of a service. */
struct hook_place {
    const struct postfix *p;
    const struct service *s;
    const struct hook_list *list;
    struct words words; /* in effect, restriction classes opened */
    size_t at;          /* of the hook; words.count: none */
    size_t end;         /* the first word that ends the list; words.count: none */
    struct hook hook;
};

void hook_find(const struct postfix *, const struct service *, const struct hook_list *, struct hook_place *place_r);

/* Whether the word there stands behind warn_if_reject. */
bool hook_only_warns(const struct words *, size_t at);

/* The parameter that holds the list's text, by way of "$name" where that is all of it, and whether it is
 * the service's own. */
const char *hook_source(const struct hook_place *, char *name_r, size_t size, bool *own_r);

/* Appends what stands in the list besides hooks: as written where that is word for word what is in
 * effect, so that variables stay. */
void hook_add_rest(const struct hook_place *, const char *written, struct strbuf *);

#endif
