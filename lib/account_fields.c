/* SPDX-License-Identifier: MIT */
#include "account_fields.h"

#include <string.h>

#include "extra_field.h"

struct reading {
    account_field_fn *fn;
    void *context;
    bool said[MAILBOX_FIELDS]; /* by a row */
};

static bool take_field(const struct row *row, void *context)
{
    struct reading *r = context;

    for (size_t i = 0; i < MAILBOX_FIELDS; i++)
        r->said[i] |= strcmp(row->column[0], mailbox_fields[i]) == 0;
    r->fn(row->column[0], row->column[1], strchr(row->column[2], '@') ? SOURCE_ACCOUNT : SOURCE_DOMAIN,
          r->context);
    return true;
}

enum result account_fields_read(struct store *store, const struct config *c, const char *address,
                                const char *domain, account_field_fn *fn, void *context)
{
    const char *const params[] = { address, domain };
    const char *const configured[MAILBOX_FIELDS] = { c->dovecot.home, c->dovecot.mail, c->dovecot.uid,
                                                     c->dovecot.gid, c->dovecot.quota };
    struct reading r = { .fn = fn, .context = context };

    if (store_query(store, QUERY_ACCOUNT_FIELDS, params, 2, take_field, &r) == TRY_AGAIN)
        return TRY_AGAIN;
    for (size_t i = 0; i < MAILBOX_FIELDS; i++)
        if (!r.said[i] && *configured[i])
            fn(mailbox_fields[i], configured[i], SOURCE_CONFIG, context);
    return OK;
}
