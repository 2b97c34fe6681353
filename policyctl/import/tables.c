/* SPDX-License-Identifier: MIT */
/*
 * What the tables of iRedMail (samples/iredmail/iredmail.mysql) and PostfixAdmin
 * (public/upgrade.php) mean.  A dump has them in the order of their names.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policyctl/import/lines.h"
#include "policyctl/import/memory.h"
#include "policyctl/import/rows.h"

const char *row_value(const struct table_row *row, const char *column)
{
    for (size_t i = 0; i < row->columns; i++)
        if (strcmp(row->name[i], column) == 0)
            return row->value[i] ? row->value[i] : "";
    return "";
}

/* MySQL writes 1, PostgreSQL t or true. */
static bool is_true(const struct table_row *row, const char *column)
{
    const char *value = row_value(row, column);

    return value[0] == '1' || value[0] == 't' || value[0] == 'T';
}

static enum result pass_over(struct import *im)
{
    im->passed_over++;
    return OK;
}

static enum result take_domain(struct import *im, const struct table_row *row)
{
    const char *name = row_value(row, "domain");

    if (strcmp(name, "ALL") == 0 || memory_find(im->memory, ITEM_ALIAS_DOMAIN, name))
        return OK; /* PostfixAdmin has one for its administrators, and alias domains as domains too */
    if (!is_true(row, "active") && memory_add(im->memory, ABOUT_INACTIVE, name, "", im->line) != OK)
        return import_error(im, "out of memory");
    return import_domain(im, name, is_true(row, "backupmx") ? "relay" : "mailbox", NULL);
}

static enum result take_alias_domain(struct import *im, const struct table_row *row)
{
    return is_true(row, "active")
               ? import_domain(im, row_value(row, "alias_domain"), "alias", row_value(row, "target_domain"))
               : pass_over(im);
}

static enum result take_mailbox(struct import *im, const struct table_row *row, unsigned quota_unit)
{
    char address[512];
    const char *canonical, *domain;
    uint64_t quota = 0;

    if (import_address(im, span_of(row_value(row, "username")), &canonical) != OK)
        return BAD;
    if (str_copy(span_of(canonical), address, sizeof address) != OK)
        return import_error(im, "an address that is too long");
    domain = strrchr(address, '@') + 1;
    if (import_account(im, address, "user", row_value(row, "password")) != OK ||
        import_status(im, address,
                      is_true(row, "active") && !memory_find(im->memory, ABOUT_INACTIVE, domain)) != OK)
        return BAD;
    if (str_number(span_of(row_value(row, "quota")), 0, UINT64_MAX / quota_unit, &quota) != OK)
        quota = 0; /* -1: none */
    return import_quota(im, address, quota * quota_unit);
}

/* A mailbox that goes to itself keeps a copy. */
static enum result take_destination(struct import *im, const char *alias, struct span text)
{
    const char *destination;

    if (import_address(im, text, &destination) != OK)
        return BAD;
    return strcmp(alias, destination) == 0 ? import_copy(im, alias) : import_destination(im, alias, destination);
}

static enum result take_alias_name(struct import *im, const struct table_row *row, char *alias_r, size_t size)
{
    const char *canonical;

    if (import_address(im, span_of(row_value(row, "address")), &canonical) != OK)
        return BAD;
    return str_copy(span_of(canonical), alias_r, size) == OK ? OK : import_error(im, "an address that is too long");
}

/* ---- iRedMail: quotas in MiB; a row for each destination ---- */

static enum result take_iredmail_mailbox(struct import *im, const struct table_row *row)
{
    char address[512];
    const char *canonical;

    if (take_mailbox(im, row, 1024 * 1024) != OK || *row_value(row, "allow_nets") == '\0')
        return im->error.text[0] ? BAD : OK;
    if (import_address(im, span_of(row_value(row, "username")), &canonical) != OK ||
        str_copy(span_of(canonical), address, sizeof address) != OK)
        return BAD;
    return import_field(im, address, "allow_nets", row_value(row, "allow_nets"));
}

static enum result take_forwarding(struct import *im, const struct table_row *row)
{
    char alias[512];

    if (!is_true(row, "active") || is_true(row, "is_maillist")) /* mlmmj's lists have a transport of their own */
        return pass_over(im);
    if (take_alias_name(im, row, alias, sizeof alias) != OK)
        return BAD;
    return take_destination(im, alias, span_of(row_value(row, "forwarding")));
}

static const struct table_handler iredmail[] = {
    { "domain", take_domain },
    { "alias_domain", take_alias_domain },
    { "forwardings", take_forwarding },
    { "mailbox", take_iredmail_mailbox },
    { 0 },
};

enum result read_iredmail(struct import *im, FILE *f)
{
    return dump_read(im, f, iredmail);
}

/* ---- PostfixAdmin: quotas in octets; all destinations in one row ---- */

static enum result take_postfixadmin_mailbox(struct import *im, const struct table_row *row)
{
    return take_mailbox(im, row, 1);
}

static enum result take_goto(struct import *im, const struct table_row *row)
{
    struct span destinations = span_of(row_value(row, "goto")), word;
    char alias[512];

    if (!is_true(row, "active"))
        return pass_over(im);
    if (take_alias_name(im, row, alias, sizeof alias) != OK)
        return BAD;
    while (lines_word(&destinations, " \t\r\n,", &word))
        if (take_destination(im, alias, word) != OK)
            return BAD;
    return OK;
}

static const struct table_handler postfixadmin[] = {
    { "alias_domain", take_alias_domain },
    { "domain", take_domain },
    { "alias", take_goto },
    { "mailbox", take_postfixadmin_mailbox },
    { 0 },
};

enum result read_postfixadmin(struct import *im, FILE *f)
{
    static const char magic[] = "SQLite format 3";
    char begin[sizeof magic] = "";

    if (pread(fileno(f), begin, sizeof magic - 1, 0) > 0 && strcmp(begin, magic) == 0) /* fails on a pipe */
        return sqlite_read(im, postfixadmin);
    return dump_read(im, f, postfixadmin);
}
