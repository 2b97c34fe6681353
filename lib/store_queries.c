/* SPDX-License-Identifier: MIT */
/* What is asked: the SQL of each query, its columns as store.h has them.  Layer 2. */
#include "store_schema.h"

/* Columns of an account for people and programs: never the password. */
#define ACCOUNT_COLUMNS                                                                                      \
    "account.address, kind, status, suspended, suspended_reason, suspended_since, suspended_until, "         \
    "credential.changed, created, new_password_since, suspended_by, suspended_evidence"
#define ACCOUNT_TABLES " FROM account LEFT JOIN credential ON credential.address = account.address "

#define OBSERVATION_COLUMNS                                                                                  \
    "subject, check_name, cause, envelope_sender, client, mode, subject_kind, count, delivered,"             \
    " first_seen, last_seen, sample"
#define LIST_KEY                                                                                             \
    "shape = ?1 AND recipient = ?2 AND sender = ?3 AND client_name = ?4 AND helo = ?5 AND client = ?6"       \
    " AND scope = ?7"

const char *const query_sql[QUERY_COUNT] = {
    [QUERY_DOMAIN] = "SELECT name, kind, target FROM domain WHERE name = ?1",
    [QUERY_DOMAINS] = "SELECT name, kind, target,"
                      " (SELECT count(*) FROM account WHERE account.domain = domain.name),"
                      " (SELECT count(*) FROM alias WHERE alias.domain = domain.name)"
                      " FROM domain ORDER BY name",
    [QUERY_ACCOUNT] = "SELECT kind, status, suspended, suspended_reason, suspended_until,"
                      " EXISTS (SELECT 1 FROM policy WHERE scope = address), new_password_since,"
                      " EXISTS (SELECT 1 FROM send_limit WHERE scope = address)"
                      " FROM account WHERE address = ?1",
    [QUERY_ACCOUNT_ALL] = "SELECT " ACCOUNT_COLUMNS ACCOUNT_TABLES "WHERE account.address = ?1",
    [QUERY_ACCOUNTS] = "SELECT " ACCOUNT_COLUMNS ACCOUNT_TABLES
                       "WHERE ?1 IN ('', domain) ORDER BY account.address",
    [QUERY_SUSPENDED] = "SELECT address, suspended, suspended_since, suspended_until, suspended_reason,"
                        " suspended_by, suspended_evidence FROM account WHERE suspended IS NOT NULL"
                        " ORDER BY suspended_since DESC, address",
    [QUERY_ACCOUNT_NAMES] = "SELECT address FROM account WHERE domain = ?1 ORDER BY address",
    [QUERY_ACCOUNTS_AFTER] = "SELECT address FROM account WHERE address > ?1 ORDER BY address LIMIT 256",
    /* Not scope IN (…): SQLite would fill a table of its own with the two, each time. */
    [QUERY_LOGIN] = "SELECT status, suspended, suspended_reason, suspended_until, password, spent,"
                    " EXISTS (SELECT 1 FROM account_field WHERE scope = account.address)"
                    " OR EXISTS (SELECT 1 FROM account_field WHERE scope = domain)"
                    " FROM account JOIN credential ON credential.address = account.address"
                    " WHERE account.address = ?1",
    [QUERY_ACCOUNT_PASSWORD] = "SELECT password, spent FROM credential WHERE address = ?1",
    [QUERY_ACCOUNT_FIELDS] = "SELECT name, value, scope FROM account_field WHERE scope = ?1"
                             " UNION ALL SELECT name, value, scope FROM account_field d WHERE scope = ?2"
                             " AND NOT EXISTS (SELECT 1 FROM account_field WHERE scope = ?1 AND name = d.name)",
    [QUERY_ALIAS] = "SELECT members_send,"
                    " (SELECT count(*) FROM alias_destination d WHERE d.address = alias.address),"
                    " (SELECT min(destination) FROM alias_destination d WHERE d.address = alias.address)"
                    " FROM alias WHERE address = ?1",
    [QUERY_BEARER] = "SELECT EXISTS (SELECT 1 FROM account WHERE address = ?1), members_send,"
                     " (SELECT count(*) FROM alias_destination WHERE address = ?1),"
                     " (SELECT min(destination) FROM alias_destination WHERE address = ?1)"
                     " FROM (SELECT 1) one LEFT JOIN alias ON alias.address = ?1",
    [QUERY_ALIASES] = "SELECT a.address, a.members_send, d.destination"
                      " FROM alias a LEFT JOIN alias_destination d ON d.address = a.address"
                      " WHERE ?1 IN ('', a.domain) ORDER BY a.address, d.destination",
    [QUERY_ALIAS_DESTINATIONS] = "SELECT destination FROM alias_destination WHERE address = ?1"
                                 " ORDER BY destination",
    [QUERY_ALIAS_MEMBER] = "SELECT destination FROM alias_destination WHERE address = ?1 AND destination = ?2",
    /* Six look-ups by primary key, most specific first: IN would build a table each time. */
    [QUERY_GRANT] = "SELECT grantee, sender FROM send_grant WHERE grantee = ?1 AND sender = ?3"
                    " UNION ALL SELECT grantee, sender FROM send_grant WHERE grantee = ?2 AND sender = ?3"
                    " UNION ALL SELECT grantee, sender FROM send_grant WHERE grantee = ?1 AND sender = ?4"
                    " UNION ALL SELECT grantee, sender FROM send_grant WHERE grantee = ?2 AND sender = ?4"
                    " UNION ALL SELECT grantee, sender FROM send_grant WHERE grantee = ?1 AND sender = '*'"
                    " UNION ALL SELECT grantee, sender FROM send_grant WHERE grantee = ?2 AND sender = '*'"
                    " LIMIT 1",
    [QUERY_GRANTS_OF] = "SELECT grantee, sender FROM send_grant WHERE grantee = ?1"
                        " UNION ALL SELECT grantee, sender FROM send_grant WHERE grantee = ?2",
    [QUERY_GRANTS] = "SELECT grantee, sender FROM send_grant WHERE ?1 IN ('', grantee)"
                     " ORDER BY grantee, sender",
    [QUERY_GRANTEES] = "SELECT DISTINCT grantee FROM send_grant WHERE sender IN (?1, ?2, '*')"
                       " ORDER BY grantee",
    [QUERY_POLICY] = "SELECT check_name, mode, expires, starts FROM policy WHERE scope = ?1"
                     " ORDER BY check_name, starts",
    [QUERY_POLICIES] = "SELECT scope, check_name, mode, expires, changed, starts FROM policy"
                       " ORDER BY scope, check_name, starts",
    [QUERY_POLICIES_NOW] =
        "SELECT scope, check_name, mode FROM policy AS p"
        " WHERE starts <= ?1 AND (expires IS NULL OR expires > ?1)"
        " AND NOT EXISTS (SELECT 1 FROM policy AS q WHERE q.scope = p.scope AND q.check_name = p.check_name"
        " AND q.starts > p.starts AND q.starts <= ?1 AND (q.expires IS NULL OR q.expires > ?1))"
        " ORDER BY scope, check_name",
    [QUERY_LISTED] = "SELECT id, action, expires, note FROM list_entry WHERE " LIST_KEY " ORDER BY action",
    /* One step through the index for each; DISTINCT would read all of it. */
    [QUERY_LIST_SHAPES] =
        "WITH RECURSIVE step (shape) AS (SELECT min(shape) FROM list_entry UNION ALL"
        " SELECT (SELECT min(l.shape) FROM list_entry AS l WHERE l.shape > step.shape) FROM step"
        " WHERE step.shape IS NOT NULL) SELECT shape FROM step WHERE shape IS NOT NULL",
    [QUERY_LIST_AFTER] = "SELECT id, shape, recipient, sender, client_name, helo, client, scope FROM list_entry"
                         " WHERE id > CAST(?1 AS INTEGER) ORDER BY id LIMIT 1024",
    [QUERY_LIST_ENTRIES] = "SELECT id, action, client, client_name, helo, sender, recipient, scope, expires, note"
                           " FROM list_entry ORDER BY id",
    [QUERY_ACCOUNT_COUNTS] = "SELECT (SELECT count(*) FROM account),"
                             " (SELECT count(*) FROM account WHERE suspended IS NOT NULL),"
                             " (SELECT count(*) FROM domain), (SELECT count(*) FROM alias),"
                             " (SELECT count(*) FROM send_grant), (SELECT count(*) FROM policy),"
                             " (SELECT count(*) FROM list_entry)",
    [QUERY_SUSPENDED_COUNT] = "SELECT count(*) FROM account WHERE suspended IS NOT NULL"
                              " AND (suspended_until IS NULL OR suspended_until > ?1)",
    [QUERY_GREYLIST] = "SELECT client, sender, recipient, state, known, expires FROM greylist"
                       " WHERE ?1 IN ('', client) ORDER BY expires DESC, client, sender, recipient",
    [QUERY_GREYLIST_CLIENTS] = "SELECT client, passes, last_seen FROM greylist_client"
                               " WHERE ?1 IN ('', client) ORDER BY last_seen DESC, client",
    [QUERY_OBSERVATIONS] = "SELECT " OBSERVATION_COLUMNS " FROM observation WHERE last_seen >= ?1"
                           " ORDER BY subject, check_name, cause, envelope_sender, client, mode",
    [QUERY_OBSERVATIONS_OF] = "SELECT " OBSERVATION_COLUMNS " FROM observation WHERE subject = ?1"
                              " ORDER BY check_name, cause, envelope_sender, client, mode",
    [QUERY_SENDING_OF] = "SELECT envelope_sender, messages, recipients, bytes, first_seen, last_seen"
                         " FROM sending WHERE account = ?1 ORDER BY messages DESC, envelope_sender",
    [QUERY_SENDING_ACCOUNTS] = "SELECT account, sum(messages) FROM sending WHERE last_seen >= ?1"
                               " GROUP BY account ORDER BY account",
    [QUERY_LOGINS] = "SELECT " LOGIN_COLUMNS " FROM login WHERE last_seen >= ?1 ORDER BY " LOGIN_KEY,
    [QUERY_LOGINS_OF] = "SELECT " LOGIN_COLUMNS " FROM login WHERE account = ?1 ORDER BY " LOGIN_KEY,
    [QUERY_TALLIES] = "SELECT start, check_name, outcome, count FROM tally WHERE start >= ?1 AND scope = ?2"
                      " ORDER BY start, check_name, outcome",
    [QUERY_ACCOUNT_EVENTS] = "SELECT id, time, kind, account, services, reason, until, by, evidence"
                             " FROM account_event WHERE id > ?1 ORDER BY id LIMIT 64",
    [QUERY_EVENTS] = "SELECT id, time, kind, account, subject, services, reason, until, by, evidence FROM event"
                     " WHERE id > ?1 AND ?2 IN ('', account) AND time >= ?3 ORDER BY id LIMIT 256",
    [QUERY_SHED_EVENTS] = "SELECT time, kind, subject FROM event WHERE kind IN ('check_shed', 'check_restored')"
                          " ORDER BY id",
    /* The newest may be gone; its number is not given again. */
    [QUERY_EVENT_LAST] = "SELECT seq, (SELECT time FROM event ORDER BY id DESC LIMIT 1) FROM sqlite_sequence"
                         " WHERE name = 'event'",
    [QUERY_EVIDENCE] =
        "SELECT time AS last, time AS first, 'event' AS source, 1, kind, subject, services, reason, until, by, evidence"
        " FROM event WHERE account = ?1 AND time >= ?2"
        " UNION ALL SELECT max(last_seen), min(first_seen), 'login', sum(count), outcome, service, client, '', NULL,"
        " '', '' FROM login WHERE account = ?1 AND last_seen >= ?2 GROUP BY outcome, service, client"
        " UNION ALL SELECT last_seen, first_seen, 'sending', messages, envelope_sender, '', '', '', recipients,"
        " '', '' FROM sending WHERE account = ?1 AND last_seen >= ?2"
        " UNION ALL SELECT last_seen, first_seen, 'observation', count, check_name, cause, client, envelope_sender,"
        " delivered, mode, sample FROM observation WHERE subject = ?1 AND last_seen >= ?2"
        " ORDER BY 1 DESC, 2 DESC, 3, 5, 6, 7",
    [QUERY_LIMITS] = "SELECT window_s, messages, recipients, bytes FROM send_limit"
                     " WHERE scope = ?1 AND counted_by = ?2 ORDER BY window_s",
    [QUERY_LIMIT_NETWORKS] = "SELECT DISTINCT scope FROM send_limit WHERE counted_by = 'client' AND scope <> ''",
    [QUERY_LIMITS_ALL] = "SELECT scope, counted_by, window_s, messages, recipients, bytes FROM send_limit"
                         " ORDER BY scope, counted_by, window_s",
    [QUERY_BEHAVIOUR] = "SELECT record FROM behaviour WHERE account = ?1",
    [QUERY_USAGE] = "SELECT counts FROM usage WHERE key = ?1",
};
