/* SPDX-License-Identifier: MIT */
/*
 * Writing: all sets in one transaction, each in a savepoint of its own.  Layer 2.
 */
#include "store_sqlite.h"

#include <string.h>

static void bind_values(sqlite3_stmt *stmt, const struct change_values *v)
{
    for (int i = 1, n = sqlite3_bind_parameter_count(stmt); i <= n; i++) {
        const char *value = change_value(v, sqlite3_bind_parameter_name(stmt, i) + 1);
        if (value)
            sqlite3_bind_text(stmt, i, value, -1, SQLITE_STATIC);
        else
            sqlite3_bind_null(stmt, i);
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

static enum result apply_change(struct sqlite_store *s, const struct change *c, int64_t now, struct error *e)
{
    const struct change_type *t = &change_types[c->kind];
    struct change_values values = { .used = 0 }; /* nothing to wipe unless it is filled in */
    enum result r = t->database == s->database ? change_check(c, now, &values, e)
                                               : error_set(e, BAD, "%s: not in this database", t->name);

    for (size_t i = 0; r == OK && i < CHANGE_STATEMENTS_MAX && t->sql[i]; i++) {
        sqlite3_stmt **stmt = &s->change[c->kind][i];
        if (sqlite_prepare(s, t->sql[i], stmt) != OK)
            return error_set(e, TRY_AGAIN, "%s: %s", t->name, sqlite3_errmsg(s->db));
        bind_values(*stmt, &values);
        if (sqlite3_step(*stmt) != SQLITE_DONE)
            r = explain_failure(s, t, &values, e);
        else if (i == 0 && t->none && sqlite3_changes(s->db) == 0) {
            change_explain(t->none, &values, e);
            r = NOT_FOUND;
        }
        sqlite3_reset(*stmt);
        sqlite3_clear_bindings(*stmt); /* a hash does not stay in memory */
    }
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
            r = apply_change(s, &change, now, &set->error);
        if (r != OK)
            return r;
    }
}

static enum result apply_set(struct sqlite_store *s, struct change_set *set, int64_t now)
{
    enum result r;

    set->error.text[0] = '\0';
    if (sqlite_transaction(s, TX_SAVEPOINT) != OK)
        return error_set(&set->error, TRY_AGAIN, "%s: try again", sqlite3_errmsg(s->db));
    r = apply_changes(s, set, now);
    if (r == TRY_AGAIN)
        return r; /* the whole transaction goes */
    set->result = r;
    if (r != OK && sqlite_transaction(s, TX_UNDO) != OK)
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
