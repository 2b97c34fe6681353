/* SPDX-License-Identifier: MIT */
/*
 * Writing: all sets in one transaction, each in a savepoint of its own.  Layer 2.
 */
#include "store_sqlite.h"

#include <string.h>

/* Parameters are looked up by name once. */
static enum result prepare_statement(struct sqlite_store *s, const char *sql, struct change_statement *c)
{
    if (c->stmt)
        return OK;
    if (sqlite_prepare(s, sql, &c->stmt) != OK)
        return TRY_AGAIN;
    c->parameters = (size_t)sqlite3_bind_parameter_count(c->stmt);
    if (c->parameters > CHANGE_PARAMETERS_MAX)
        return TRY_AGAIN; /* cannot be: a change has fewer fields */
    for (size_t i = 0; i < c->parameters; i++)
        c->number[i] = (signed char)change_value_number(sqlite3_bind_parameter_name(c->stmt, (int)i + 1) + 1);
    return OK;
}

static void bind_values(const struct change_statement *c, const struct change_values *v)
{
    for (size_t i = 0; i < c->parameters; i++) {
        const char *value = change_value_at(v, c->number[i]);
        if (value)
            sqlite3_bind_text(c->stmt, (int)i + 1, value, -1, SQLITE_STATIC);
        else
            sqlite3_bind_null(c->stmt, (int)i + 1);
    }
}

/* Only the set is at fault where a constraint failed; all else fails the transaction. */
static enum result explain_failure(struct sqlite_store *s, const struct change_type *t,
                                   const struct change_values *v, struct error *e)
{
    int code = sqlite3_extended_errcode(s->db);

    if (code == SQLITE_CONSTRAINT_FOREIGNKEY && t->foreign)
        change_explain(t->foreign, v, e);
    else if ((code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE) && t->exists)
        change_explain(t->exists, v, e);
    else if ((code & 0xff) == SQLITE_CONSTRAINT)
        error_set(e, BAD, "%s: %s", t->name, sqlite3_errmsg(s->db));
    else
        return error_set(e, TRY_AGAIN, "%s: %s: try again", t->name, sqlite3_errmsg(s->db));
    return BAD;
}

static enum result check_change(struct sqlite_store *s, const struct change *c, int64_t now,
                                struct change_values *values_r, struct error *e)
{
    const struct change_type *t = &change_types[c->kind];

    values_r->used = 0; /* nothing to wipe unless it is filled in */
    return t->database == s->database ? change_check(c, now, values_r, e)
                                      : error_set(e, BAD, "%s: not in this database", t->name);
}

static enum result start_statement(struct sqlite_store *s, enum change_kind kind, size_t i,
                                   const struct change_values *v, sqlite3_stmt **stmt_r, struct error *e)
{
    const struct change_type *t = &change_types[kind];
    struct change_statement *c = &s->change[kind][i];

    if (prepare_statement(s, t->sql[i], c) != OK)
        return error_set(e, TRY_AGAIN, "%s: %s", t->name, sqlite3_errmsg(s->db));
    *stmt_r = c->stmt;
    bind_values(c, v);
    return OK;
}

/* Reads the row that is to change, and what it becomes. *exists_r: there is one. */
static enum result merge_row(struct sqlite_store *s, enum change_kind kind, struct change_values *v,
                             int64_t now, bool *exists_r, struct error *e)
{
    sqlite3_stmt *stmt = NULL;
    enum result r = start_statement(s, kind, 0, v, &stmt, e);
    int rc;

    if (r != OK)
        return r;
    rc = sqlite3_step(stmt);
    *exists_r = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        r = change_merges[kind].merge(v, *exists_r ? (const char *)sqlite3_column_text(stmt, 0) : NULL, now,
                                      e);
    else
        r = explain_failure(s, &change_types[kind], v, e);
    sqlite3_reset(stmt);
    return r;
}

static enum result run_statement(struct sqlite_store *s, enum change_kind kind, size_t i,
                                 const struct change_values *v, struct error *e)
{
    const struct change_type *t = &change_types[kind];
    sqlite3_stmt *stmt = NULL;
    enum result r = start_statement(s, kind, i, v, &stmt, e);

    if (r != OK)
        return r;
    if (sqlite3_step(stmt) != SQLITE_DONE)
        r = explain_failure(s, t, v, e);
    else if (i == 0 && t->none && sqlite3_changes(s->db) == 0) {
        change_explain(t->none, v, e);
        r = NOT_FOUND;
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt); /* a hash does not stay in memory */
    return r;
}

/* *repeated_r: it was done before. PENDING: it is done, and the error's text is what a merge says. */
static enum result apply_merge(struct sqlite_store *s, enum change_kind kind, struct change_values *v,
                               int64_t now, bool *repeated_r, struct error *e)
{
    const struct change_type *t = &change_types[kind];
    bool exists = false;
    enum result r, answer = merge_row(s, kind, v, now, &exists, e);

    *repeated_r = answer == NOT_FOUND;
    if (answer == NOT_FOUND)
        return OK;
    r = answer == PENDING ? OK : answer; /* written all the same */
    if (r == OK && change_merges[kind].either)
        r = run_statement(s, kind, exists ? 1 : 2, v, e);
    else
        for (size_t i = 1; r == OK && i < CHANGE_STATEMENTS_MAX && t->sql[i]; i++)
            r = run_statement(s, kind, i, v, e);
    return r == OK ? answer : r;
}

static enum result apply_change(struct sqlite_store *s, const struct change *c, int64_t now, bool *repeated_r,
                                struct error *e)
{
    const struct change_type *t = &change_types[c->kind];
    struct change_values values;
    enum result r = check_change(s, c, now, &values, e);

    if (r == OK && change_merges[c->kind].merge)
        r = apply_merge(s, c->kind, &values, now, repeated_r, e);
    else
        for (size_t i = 0; r == OK && i < CHANGE_STATEMENTS_MAX && t->sql[i]; i++)
            r = run_statement(s, c->kind, i, &values, e);
    explicit_bzero(values.text, values.used);
    return r;
}

/* The i-th, asked for in their order; NOT_FOUND behind the last. */
static enum result next_change(struct change_set *set, size_t i, struct change *change_r)
{
    if (set->source)
        return set->source->next(set->source, i == 0, change_r, &set->error);
    if (i == set->count)
        return NOT_FOUND;
    *change_r = set->change[i];
    return OK;
}

static enum result apply_changes(struct sqlite_store *s, struct change_set *set, int64_t now)
{
    struct change change;

    for (size_t i = 0;; i++) {
        enum result r = next_change(set, i, &change);
        if (r == NOT_FOUND)
            return OK;
        if (r == OK)
            r = apply_change(s, &change, now, &set->repeated, &set->error);
        if (r != OK || set->repeated)
            return r;
    }
}

/* A single statement undoes itself where it fails. */
static bool is_one_statement(const struct change_set *set)
{
    if (set->source || set->count != 1)
        return false;
    if (change_merges[set->change->kind].merge)
        return change_merges[set->change->kind].either;
    return !change_types[set->change->kind].sql[1];
}

static enum result apply_set(struct sqlite_store *s, struct change_set *set, int64_t now)
{
    enum result r;

    set->error.text[0] = '\0';
    set->repeated = false;
    if (is_one_statement(set)) {
        r = apply_changes(s, set, now);
        set->result = r;
        return r == TRY_AGAIN ? r : OK;
    }
    if (sqlite_transaction(s, TX_SAVEPOINT) != OK)
        return error_set(&set->error, TRY_AGAIN, "%s: try again", sqlite3_errmsg(s->db));
    r = apply_changes(s, set, now);
    if (r == TRY_AGAIN)
        return r; /* the whole transaction goes */
    set->result = r;
    if (r != OK && r != PENDING && sqlite_transaction(s, TX_UNDO) != OK)
        return error_set(&set->error, TRY_AGAIN, "%s: try again", sqlite3_errmsg(s->db));
    return sqlite_transaction(s, TX_RELEASE);
}

static enum result fail_all(struct sqlite_store *s, struct change_set *const *sets, size_t count,
                            const char *why)
{
    char text[256]; /* sets may hold it: it is written over below */
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_adds(&b, why);
    if (!sqlite3_get_autocommit(s->db))
        (void)!sqlite_transaction(s, TX_ROLLBACK);
    for (size_t i = 0; i < count; i++)
        sets[i]->result = error_set(&sets[i]->error, TRY_AGAIN, "nothing was changed: %s", text);
    return TRY_AGAIN;
}

enum result sqlite_store_apply(struct store *base, struct change_set *const *sets, size_t count, int64_t now)
{
    struct sqlite_store *s = (struct sqlite_store *)base;

    if (sqlite_transaction(s, TX_BEGIN_IMMEDIATE) != OK)
        return fail_all(s, sets, count, sqlite3_errmsg(s->db));
    for (size_t i = 0; i < count; i++)
        if (apply_set(s, sets[i], now) != OK)
            return fail_all(s, sets, count, sets[i]->error.text);
    if (sqlite_transaction(s, TX_COMMIT) != OK)
        return fail_all(s, sets, count, sqlite3_errmsg(s->db));
    return OK;
}

/* ---- without writing ---- */

static enum result preview_change(struct sqlite_store *s, const struct change *c, int64_t now,
                                  struct change_set *set)
{
    struct change_values values;
    enum result r = check_change(s, c, now, &values, &set->error);

    if (r == OK && change_merges[c->kind].merge) {
        bool exists;
        r = merge_row(s, c->kind, &values, now, &exists, &set->error);
        set->repeated = r == NOT_FOUND;
    }
    explicit_bzero(values.text, values.used);
    return set->repeated ? OK : r;
}

/* Changes without a merge are taken to succeed, and no change to see the one before. */
enum result sqlite_store_preview(struct store *base, struct change_set *set, int64_t now)
{
    struct sqlite_store *s = (struct sqlite_store *)base;

    set->result = OK;
    set->repeated = false;
    set->error.text[0] = '\0';
    for (size_t i = 0; i < set->count && set->result == OK && !set->repeated; i++)
        set->result = preview_change(s, &set->change[i], now, set);
    return set->result == TRY_AGAIN ? TRY_AGAIN : OK;
}
