/* SPDX-License-Identifier: MIT */
/*
 * The only door to the databases: accounts (who exists, who may send as whom,
 * modes and lists) and state (what was observed).  Layer 2.
 *
 * Reads are named queries that hand rows of text to a callback; writes are named
 * changes in sets: a set is done as a whole or not at all, and a failing set never
 * harms its neighbours in the same transaction.  Both are rows of tables
 * (store_schema.c), shared by every SQL backend; the SQL keeps to what SQLite and
 * PostgreSQL have in common.  A store belongs to one thread.
 */
#ifndef POSTERN_STORE_H
#define POSTERN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "result.h"
#include "str.h"

enum database { DATABASE_ACCOUNTS, DATABASE_STATE };

enum store_access {
    STORE_READ,    /* never writes, not even a -shm that is missing */
    STORE_WRITE,   /* the one connection that writes and checkpoints */
    STORE_MIGRATE, /* STORE_WRITE; brings an older file up to date */
    STORE_CREATE   /* STORE_MIGRATE; makes an absent file (0640) */
};

/* ---- reading ---- */

enum { ROW_COLUMNS_MAX = 13 };

/* Column texts (NULL for SQL NULL) stay valid until the callback returns. */
struct row {
    const char *column[ROW_COLUMNS_MAX];
    size_t count;
};

/* Return false to stop: the query then answers OK. */
typedef bool store_row_fn(const struct row *, void *context);

/* Parameters and columns of each stand in its row of store_schema.c. */
enum query {
    QUERY_DOMAIN,             /* name -> name, kind, target */
    QUERY_DOMAINS,            /* -> name, kind, target, accounts, aliases */
    QUERY_ACCOUNT,            /* address -> kind, status, suspended, reason, until, has_policy,
                                 new_password_since, has_limit */
    QUERY_ACCOUNT_ALL,        /* address -> every column but the password */
    QUERY_ACCOUNTS,           /* domain ('' all) -> the same, ordered by address */
    QUERY_SUSPENDED,          /* -> address, services, since, until, reason, by, evidence; newest first */
    QUERY_ACCOUNT_NAMES,      /* domain -> address */
    QUERY_ACCOUNTS_AFTER,     /* address -> address: the next 256, ordered */
    QUERY_LOGIN,              /* address -> status, suspended, reason, until, password, spent, has_fields */
    QUERY_ACCOUNT_PASSWORD,   /* address -> password, spent */
    QUERY_ACCOUNT_FIELDS,     /* address ('' none), domain -> name, value, scope: the account's, then those
                                 of its domain that it does not have */
    QUERY_ALIAS,              /* address -> members_send, destinations, the first of them */
    QUERY_BEARER,             /* address -> account (0, 1), members_send (NULL: no alias), the rest as ALIAS */
    QUERY_ALIASES,            /* domain ('' all) -> address, members_send, destination */
    QUERY_ALIAS_DESTINATIONS, /* address -> destination */
    QUERY_ALIAS_MEMBER,       /* address, destination -> destination */
    QUERY_GRANT,              /* login, '@login domain', sender, '@sender domain' -> grantee, address */
    QUERY_GRANTS_OF,          /* login, '@login domain' -> grantee, sender: a login's own and its domain's */
    QUERY_GRANTS,             /* grantee ('' all) -> grantee, address */
    QUERY_GRANTEES,           /* sender, '@sender domain' -> grantee */
    QUERY_POLICY,             /* scope -> check_name, mode, expires, starts; of each check in this order */
    QUERY_POLICIES,           /* -> scope, check_name, mode, expires, changed, starts */
    QUERY_POLICIES_NOW,       /* now -> scope, check_name, mode: the rows that count */
    QUERY_LISTED,             /* shape, recipient, sender, client_name, helo, client, scope -> id, action, expires,
                                 note: of the entries that say just this, at most one that allows and one that denies */
    QUERY_LIST_SHAPES,        /* -> shape (list_entry.h): those that there are */
    QUERY_LIST_AFTER,         /* id -> id, and what LISTED takes: the next 1024, ordered by id */
    QUERY_LIST_ENTRIES,       /* -> id, action, client, client_name, helo, sender, recipient, scope, expires, note */
    QUERY_ACCOUNT_COUNTS,     /* -> accounts, suspended, domains, aliases, grants, policies, entries */
    QUERY_SUSPENDED_COUNT,    /* now -> accounts */
    QUERY_GREYLIST,           /* client ('' all) -> client, sender, recipient, state, known, expires; last met first */
    QUERY_GREYLIST_CLIENTS,   /* client ('' all) -> client, passes, last_seen */
    QUERY_OBSERVATIONS,       /* since -> subject, check_name, cause, envelope_sender, client, mode,
                                 subject_kind, count, delivered, first_seen, last_seen, sample */
    QUERY_OBSERVATIONS_OF,    /* subject -> the same */
    QUERY_SENDING_OF,         /* account -> envelope_sender, messages, recipients, bytes, first_seen, last_seen */
    QUERY_SENDING_ACCOUNTS,   /* since -> account, messages */
    QUERY_LOGINS,             /* since -> account, outcome, service, mechanism, security, port, server_name,
                                 client, cause, bare, count, first_seen, last_seen */
    QUERY_LOGINS_OF,          /* account -> the same */
    QUERY_TALLIES,            /* since, scope -> start, check_name, outcome, count */
    QUERY_ACCOUNT_EVENTS,     /* id -> id, time, kind, account, services, reason, until, by, evidence: of
                                 accounts.db, the next 64 that state.db is to be told of */
    QUERY_EVENTS,             /* id, account ('' all), since -> as struct event_row: the next 256, ordered */
    QUERY_SHED_EVENTS,        /* -> time, kind, subject of check_shed and check_restored, by id */
    QUERY_EVENT_LAST,         /* -> the last id that was given, the time of the newest that is there */
    QUERY_EVIDENCE,           /* account, since -> last, first, source (event, login, sending, observation), count,
                                 what, and six that go by the source (policyctl/evidence.c); newest first */
    QUERY_LIMITS,             /* scope, counted_by -> window_s, messages, recipients, bytes (NULL: no limit) */
    QUERY_LIMIT_NETWORKS,     /* -> scope: the networks that have limits */
    QUERY_LIMITS_ALL,         /* -> scope, counted_by, window_s, messages, recipients, bytes */
    QUERY_USAGE,              /* key -> counts (usage.h) */
    QUERY_BEHAVIOUR,          /* account -> record (policyd/behaviour.h) */
    QUERY_COUNT
};

/* ---- changing ---- */

enum { CHANGE_FIELDS_MAX = 12 };

/* What a change is told, by name; each has a type that is checked and normalised
 * in one place (store_change.c). */
enum field {
    FIELD_ADDRESS,     /* an address with a domain */
    FIELD_CATCHALL,    /* an address, or "@domain": an alias' name */
    FIELD_DOMAIN,      /* a domain */
    FIELD_TARGET,      /* a domain: what an alias domain stands for */
    FIELD_KIND,        /* domain: mailbox, relay, alias; account: user, relay */
    FIELD_PASSWORD,    /* a hash with its {SCHEME} */
    FIELD_STATUS,      /* active, disabled */
    FIELD_SERVICES,    /* all, or some of smtp,imap,pop3,sieve */
    FIELD_REASON,      /* one line */
    FIELD_UNTIL,       /* seconds since 1970, or empty: without end */
    FIELD_DESTINATION, /* an address */
    FIELD_SEND,        /* 0 or 1: members may send as the alias */
    FIELD_GRANTEE,     /* an address or @domain */
    FIELD_SENDER,      /* an address, @domain or *; in a list entry as list_entry.h has it, or empty */
    FIELD_CHECK,       /* a check's name */
    FIELD_SCOPE,       /* '' the host, a domain, or an address */
    FIELD_MODE,        /* off, observe, enforce */
    FIELD_ACTION,      /* allow, deny */
    FIELD_CLIENT,      /* a network, or empty */
    FIELD_HELO,        /* a host name or .suffix, or empty */
    FIELD_CLIENT_NAME, /* likewise, as DNS has it */
    FIELD_LIST_RECIPIENT, /* as the sender of a list entry */
    FIELD_NOTE,        /* one line, may be empty */
    FIELD_ID,          /* a number */
    FIELD_NEW_PASSWORD, /* 0 or 1: the present one must not be used again */
    FIELD_NAME, FIELD_VALUE, /* of an account's field (extra_field.h) */
    FIELD_SUBJECT, FIELD_CAUSE, FIELD_SAMPLE, /* one line each */
    FIELD_ENVELOPE_SENDER, /* one line: as it came, may be no address */
    FIELD_OUTCOME,     /* of a tally or a login: a word */
    FIELD_SERVICE, FIELD_MECHANISM, FIELD_SECURITY, FIELD_PORT, FIELD_SERVER_NAME, FIELD_BARE, /* of a login */
    FIELD_START,       /* seconds since 1970, empty: 0 */
    FIELD_NUMBER,      /* how many */
    FIELD_DELIVERED, FIELD_RECIPIENTS, FIELD_BYTES, /* likewise */
    FIELD_EVENT,       /* its kind (event_row.h) */
    FIELD_ACCOUNT,     /* an address, or empty */
    FIELD_BY, FIELD_EVIDENCE, /* one line each, may be empty: who or what did it, and what was seen */
    FIELD_ORIGIN,      /* a number, or empty */
    FIELD_MESSAGES,    /* likewise, of a limit */
    FIELD_COUNTED_BY,  /* account, relay, domain, client, host */
    FIELD_WINDOW,      /* seconds */
    FIELD_KEY,         /* of a row of usage: "account john@example.com" */
    FIELD_LIMITS,      /* of that row (usage_limits_format) */
    FIELD_COUNTS,      /* of that row, whole (usage_format) */
    FIELD_RECORD,      /* of an account's behaviour */
    FIELD_RECIPIENT,   /* of a row of the greylist: one line */
    FIELD_RULE,        /* greylist_rule_format */
    FIELD_RESEND,      /* a number by which a request is known again; empty: 0, by nothing */
    FIELD_NOW,         /* seconds since 1970: set by store_apply's caller */
    FIELD_COUNT
};

enum change_kind {
    CHANGE_DOMAIN_ADD,      /* domain, kind, target (alias only) */
    CHANGE_DOMAIN_REMOVE,   /* domain; refused while something is in it */
    CHANGE_ACCOUNT_ADD,     /* address, kind, password */
    CHANGE_ACCOUNT_PASSWORD,/* address, password */
    CHANGE_ACCOUNT_STATUS,  /* address, status */
    CHANGE_ACCOUNT_SUSPEND, /* address, services, reason, until, by, evidence; also an event, as the next */
    CHANGE_ACCOUNT_RELEASE, /* address, new_password: with 1 also one that is not suspended, by */
    CHANGE_ACCOUNT_EVENT_DONE, /* id: state.db has it and all before */
    CHANGE_ACCOUNT_REMOVE,  /* address; with its fields, grants, policy rows and alias memberships */
    CHANGE_ACCOUNT_FIELD_SET, /* scope (not the host), name, value */
    CHANGE_ACCOUNT_FIELD_UNSET, /* scope, name */
    CHANGE_ALIAS_ADD,       /* catchall, send */
    CHANGE_ALIAS_SET,       /* catchall, send */
    CHANGE_ALIAS_MEMBER,    /* catchall, destination */
    CHANGE_ALIAS_MEMBER_REMOVE, /* catchall, destination */
    CHANGE_ALIAS_REMOVE,    /* catchall */
    CHANGE_GRANT_ADD,       /* grantee, sender */
    CHANGE_GRANT_REMOVE,    /* grantee, sender */
    CHANGE_POLICY_SET,      /* check, scope, mode, start, until; rows that began since then go */
    CHANGE_POLICY_UNSET,    /* check, scope: with all that is planned */
    CHANGE_POLICY_UNPLAN,   /* check, scope, start */
    CHANGE_LIST_ADD,        /* action, client, client_name, helo, sender, list_recipient, scope, until, note */
    CHANGE_LIST_SET,        /* the same: of the entry that says just this; an empty note says nothing */
    CHANGE_LIST_REMOVE,     /* id */
    CHANGE_LIST_REMOVE_ENTRY, /* action, client, client_name, helo, sender, list_recipient, scope */
    CHANGE_LIMIT_SET,       /* scope or client, counted_by, window (0: no limit), messages, recipients, bytes */
    CHANGE_LIMIT_UNSET,     /* scope or client, counted_by, window (empty: all) */
    CHANGE_OBSERVE,         /* check, subject, cause, envelope_sender, client, mode, number, delivered, sample */
    CHANGE_SENDING,         /* address, envelope_sender, number, recipients, bytes */
    CHANGE_TALLY,           /* start, scope, check or '', outcome, number */
    CHANGE_LOGIN,           /* subject, outcome, service, mechanism, security, port, server_name, client, cause,
                               bare, number */
    CHANGE_EVENT_ADD,       /* event, account, subject, services, reason, until, by, evidence; start: when, 0
                               now; origin: its id in accounts.db, with which it is added once */
    CHANGE_USAGE,           /* key, number, recipients, bytes, limits, resend. LIMIT, with a line for whoever
                               sends, where a limit would be passed. In a set, the first that was added
                               before ends it: OK, nothing is added twice */
    CHANGE_USAGE_ROW,       /* key, counts, until: the row as it is to be, whatever it was */
    CHANGE_GREYLIST,        /* client, envelope_sender, recipient, rule. OK: it passes; PENDING, with the seconds
                               that it has to wait as the line: done all the same */
    CHANGE_GREYLIST_TRIM,   /* what expired goes, and what is past the bounds */
    CHANGE_GREYLIST_FORGET, /* client, envelope_sender or empty: all, with what the client earned */
    CHANGE_USAGE_SWEEP,     /* a part of what no longer counts goes */
    CHANGE_BEHAVIOUR,       /* address, record */
    CHANGE_FORGET,          /* address: all that state.db says of it */
    CHANGE_STATE_TRIM,      /* number: observations to keep of each kind; start: what was last seen earlier goes */
    CHANGE_COUNT
};

/* Field texts are the caller's; NULL counts as empty. store_apply puts the
 * canonical form into a place of its own. */
struct change {
    enum change_kind kind;
    const char *field[FIELD_COUNT];
};

/* Changes one after the other. next: OK, NOT_FOUND at the end, BAD with a line; `first`
 * begins anew. A change lasts until the next one. */
struct change_source {
    enum result (*next)(struct change_source *, bool first, struct change *change_r, struct error *);
};

/* Done as a whole or not at all. */
struct change_set {
    const struct change *change;
    size_t count;
    struct change_source *source; /* where it is not NULL: in place of the two */
    bool repeated;      /* set by store_apply, with OK: it was done before (CHANGE_USAGE) */
    enum result result; /* set by store_apply: OK, PENDING (CHANGE_GREYLIST), NOT_FOUND, LIMIT, TRY_AGAIN, BAD */
    struct error error; /* one line where not OK */
};

const char *change_name(enum change_kind); /* "domain-add": also its name on the control socket */
enum result change_parse(struct span name, enum change_kind *kind_r) MUST_CHECK;
const char *field_name(enum field); /* "address" */
enum result field_parse(struct span name, enum field *field_r) MUST_CHECK;
bool change_takes(enum change_kind, enum field);
enum database change_database(enum change_kind);

/* Checks a change's fields alone, without a store: BAD or LIMIT, with a line, where one
 * can never be right, whatever the table holds. */
enum result change_validate(const struct change *, struct error *) MUST_CHECK;

/* How many octets a change's texts take, and a copy with its texts in as many. */
size_t change_texts_size(const struct change *);
struct change change_copy(const struct change *, char *texts);

/* Rows that policyd keeps of each kind of observation. */
enum { OBSERVATION_ROWS_MAX = 65536 };
/* And of accounts' behaviour, the last ones that changed. */
#define BEHAVIOUR_ROWS_MAX 65536
/* Of the greylist, those that wait and those that came again; and of clients whose senders do. */
#define GREYLIST_ROWS_MAX    262144
#define GREYLIST_CLIENTS_MAX 65536
/* And of events, the newest. */
#define EVENT_ROWS_MAX 65536
/* Of clients' usage: past that, a client that is new is not counted. */
#define USAGE_CLIENTS_MAX 262144

/* ---- a store ---- */

struct store_params {
    const char *backend; /* "sqlite", "memory", "fail"; NULL: "sqlite" */
    const char *path;    /* sqlite: the file */
    enum database database;
    enum store_access access;
    unsigned busy_timeout_ms;
    unsigned cache_kib; /* memory for pages; 0: 2048 */
    bool older;         /* with STORE_READ: one of an earlier version, too, which can be copied */
};

struct store;

/* BAD, with one line that names the file and the remedy: no file, not a database,
 * no permission, a newer schema, a network file system. TRY_AGAIN: locked. */
enum result store_open(const struct store_params *, struct store **store_r, struct error *) MUST_CHECK;
void store_close(struct store **);

/* Runs a query with `count` parameters (NULL is not allowed). OK: at least one row
 * was handed out; NOT_FOUND: none; TRY_AGAIN: the store could not be asked. */
enum result store_query(struct store *, enum query, const char *const *params, size_t count,
                        store_row_fn *fn, void *context) MUST_CHECK;

/* Between the two all queries see one state, and cost less. Nothing to undo where
 * begin failed. */
enum result store_begin(struct store *) MUST_CHECK;
void store_end(struct store *);

/* Applies all sets in one transaction at the time `now` (seconds since 1970) and
 * sets each one's result. Where it answers OK the transaction is committed, and a
 * set whose result is OK or PENDING is durable; else nothing was done and every set's result
 * says so. A set that fails is undone alone. */
enum result store_apply(struct store *, struct change_set *const *sets, size_t count, int64_t now) MUST_CHECK;

/* Answers as store_apply would for one set, and changes nothing: also where the store may
 * only be read. */
enum result store_preview(struct store *, struct change_set *, int64_t now) MUST_CHECK;

/* Pages that the log has grown by since it was written back last. */
unsigned store_behind(const struct store *);

/* Writes the log back into the database as far as readers allow. PENDING: a reader still needs a
 * part of it; TRY_AGAIN: locked, or the disk fails. */
enum result store_checkpoint(struct store *) MUST_CHECK;

/* Makes a whole copy of the database as it is now, while others write, in a file that is absent or
 * empty, and reads it back. TRY_AGAIN, with a line: locked; BAD: no room, or it is damaged. What
 * became of the file is then the caller's to remove. */
enum result store_copy(struct store *, const char *file, struct error *) MUST_CHECK;

/* TRY_AGAIN: the file was removed or replaced since it was opened. Costs less than
 * store_version. */
enum result store_check_file(struct store *) MUST_CHECK;

/* The version of the database library where that has a bug which damages files that two
 * processes write (sqlite.org/wal.html, the WAL-reset bug), else NULL. */
const char *store_wal_reset(void);

/* A number that changes whenever somebody changed the database through another
 * connection; TRY_AGAIN also where the file was removed or replaced. */
enum result store_version(struct store *, uint64_t *version_r) MUST_CHECK;

#endif
