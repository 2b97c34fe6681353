/* SPDX-License-Identifier: MIT */
/*
 * What holds for an account of the fields that Dovecot is told: the account's own, then
 * its domain's, then the configuration's.  Layer 2.
 */
#ifndef POSTERN_ACCOUNT_FIELDS_H
#define POSTERN_ACCOUNT_FIELDS_H

#include "config.h"
#include "store.h"

enum field_source { SOURCE_ACCOUNT, SOURCE_DOMAIN, SOURCE_CONFIG };

/* The texts stay valid until it returns. */
typedef void account_field_fn(const char *name, const char *value, enum field_source, void *context);

/* Hands out each field once. address "": what holds for the domain's accounts. OK also
 * where there is none; TRY_AGAIN: the store could not be asked. */
enum result account_fields_read(struct store *, const struct config *, const char *address, const char *domain,
                                account_field_fn *fn, void *context) MUST_CHECK;

#endif
