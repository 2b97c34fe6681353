/* SPDX-License-Identifier: MIT */
#include "store_schema.h"

/* An account takes its policy rows, grants and memberships with it; an alias that
 * has no destination left goes too. */
#define ALIASES_WITHOUT_DESTINATION                                                                          \
    ("DELETE FROM alias WHERE NOT EXISTS"                                                                    \
     " (SELECT 1 FROM alias_destination d WHERE d.address = alias.address)")

/* Rows that one subject, and one account's senders, may take. */
#define OBSERVATIONS_OF_ONE "64"
#define SENDERS_OF_ONE      "64"
/* Of each outcome and security: neither guessing nor a telephone on its way pushes out a
 * login that ought to be mended. */
#define LOGINS_OF_ONE "64"

#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number
#define USAGE_WINDOWS    TEXT_OF(USAGE_WINDOWS_MAX)
/* Rows of usage that are looked over at once. */
#define SWEEP_ROWS "512"

/* Of messages that are under way at once each may find the account stolen: the first one's suspension is the
 * event, and its evidence stays. What an administrator does is always one. */
#define NOT_SUSPENDED_SO                                                                                     \
    "NOT (coalesce(:by, '') = 'compromise' AND coalesce(suspended_by, '') = :by AND suspended = :services" \
    " AND suspended_reason = :reason AND suspended_until IS NULL)"

/* What an entry says, and the entry that says just this. */
#define LIST_FIELDS                                                                                          \
    FIELD_ACTION, FIELD_CLIENT, FIELD_CLIENT_NAME, FIELD_HELO, FIELD_SENDER, FIELD_LIST_RECIPIENT, FIELD_SCOPE
#define LIST_ENTRY                                                                                           \
    "shape = :shape AND recipient = :list_recipient AND sender = :sender AND client_name = :client_name"     \
    " AND helo = :helo AND client = :client AND scope = :scope AND action = :action"

#define OBSERVATION_KEY "subject, check_name, cause, envelope_sender, client, mode"
#define TRIM_KIND(kind)                                                                                      \
    "DELETE FROM observation WHERE (" OBSERVATION_KEY ") IN (SELECT " OBSERVATION_KEY                        \
    " FROM observation WHERE subject_kind = '" kind "' ORDER BY arrived DESC, last_seen DESC"                \
    " LIMIT 9223372036854775807 OFFSET :number)"

#define TRIM_GREYLIST(known)                                                                                 \
    "DELETE FROM greylist WHERE (client, sender, recipient) IN (SELECT client, sender, recipient"            \
    " FROM greylist WHERE known = " known " ORDER BY expires DESC LIMIT 9223372036854775807 OFFSET " TEXT_OF( \
        GREYLIST_ROWS_MAX) ")"

const struct change_type change_types[CHANGE_COUNT] = {
    [CHANGE_DOMAIN_ADD] = { "domain-add", DATABASE_ACCOUNTS, { FIELD_DOMAIN, FIELD_KIND, FIELD_TARGET, FIELD_NOW },
        { "INSERT INTO domain (name, kind, target, created) SELECT :domain, :kind, :target, :now"
          " WHERE :kind <> 'alias' OR EXISTS"
          " (SELECT 1 FROM domain WHERE name = :target AND kind <> 'alias' AND name <> :domain)" },
        "domain {target} is not known, or is itself an alias: add the domain it shall stand for first",
        "domain {domain} exists already", NULL },
    [CHANGE_DOMAIN_REMOVE] = { "domain-remove", DATABASE_ACCOUNTS, { FIELD_DOMAIN, FIELD_NOW },
        { "DELETE FROM domain WHERE name = :domain",
          "DELETE FROM policy WHERE scope = :domain",
          "DELETE FROM account_field WHERE scope = :domain",
          "DELETE FROM send_limit WHERE scope = :domain",
          "DELETE FROM list_entry WHERE scope = :domain AND scope <> ''",
          "DELETE FROM list_entry WHERE recipient <> '' AND recipient LIKE '%@' ||"
          " replace(:domain, '_', '\\_') ESCAPE '\\'",
          "DELETE FROM send_grant WHERE grantee = '@' || :domain OR sender LIKE '%@' ||"
          " replace(:domain, '_', '\\_') ESCAPE '\\'" },
        "no domain {domain}", NULL,
        "domain {domain} still has accounts, aliases or alias domains: remove them first" },
    [CHANGE_ACCOUNT_ADD] = { "account-add", DATABASE_ACCOUNTS,
        { FIELD_ADDRESS, FIELD_KIND, FIELD_PASSWORD, FIELD_NOW },
        { "INSERT INTO account (address, domain, kind, status, created)"
          " SELECT :address, :domain_of, :kind, 'active', :now WHERE NOT EXISTS"
          " (SELECT 1 FROM domain WHERE name = :domain_of AND kind = 'alias')",
          "INSERT INTO credential (address, password, changed) VALUES (:address, :password, :now)" },
        "{domain_of} is an alias domain: add the account in the domain it stands for",
        "account {address} exists already",
        "domain {domain_of} is not known: policyctl domain add {domain_of}" },
    [CHANGE_ACCOUNT_PASSWORD] = { "account-password", DATABASE_ACCOUNTS,
        { FIELD_ADDRESS, FIELD_PASSWORD, FIELD_NOW },
        { "UPDATE credential SET password = :password, changed = :now WHERE address = :address",
          "UPDATE account SET new_password_since = NULL WHERE address = :address AND NOT EXISTS"
          " (SELECT 1 FROM credential WHERE address = :address AND spent = password)" },
        "no account {address}", NULL, NULL },
    [CHANGE_ACCOUNT_STATUS] = { "account-status", DATABASE_ACCOUNTS,
        { FIELD_ADDRESS, FIELD_STATUS, FIELD_NOW },
        { "UPDATE account SET status = :status WHERE address = :address" },
        "no account {address}", NULL, NULL },
    [CHANGE_ACCOUNT_SUSPEND] = { "account-suspend", DATABASE_ACCOUNTS,
        { FIELD_ADDRESS, FIELD_SERVICES, FIELD_REASON, FIELD_UNTIL, FIELD_BY, FIELD_EVIDENCE, FIELD_NOW },
        { "UPDATE account SET address = address WHERE address = :address", /* whether there is one */
          "INSERT INTO account_event (time, kind, account, services, reason, until, by, evidence)"
          " SELECT :now, 'account_suspended', address, :services, :reason, :until, :by, :evidence"
          " FROM account WHERE address = :address AND " NOT_SUSPENDED_SO,
          "UPDATE account SET suspended = :services, suspended_reason = :reason, suspended_since = :now,"
          " suspended_until = :until, suspended_by = :by, suspended_evidence = :evidence"
          " WHERE address = :address AND " NOT_SUSPENDED_SO },
        "no account {address}", NULL, NULL },
    [CHANGE_ACCOUNT_RELEASE] = { "account-release", DATABASE_ACCOUNTS,
        { FIELD_ADDRESS, FIELD_NEW_PASSWORD, FIELD_BY, FIELD_NOW },
        { "INSERT INTO account_event (time, kind, account, services, reason, by, evidence)"
          " SELECT :now, CASE WHEN suspended IS NULL THEN 'password_demanded' ELSE 'account_released' END,"
          " address, suspended, coalesce(suspended_reason, ''), :by,"
          " CASE :new_password WHEN '1' THEN 'another password is demanded' ELSE '' END"
          " FROM account WHERE address = :address AND (suspended IS NOT NULL OR :new_password = '1')",
          "UPDATE account SET suspended = NULL, suspended_reason = NULL, suspended_since = NULL,"
          " suspended_until = NULL, suspended_by = NULL, suspended_evidence = NULL,"
          " new_password_since = CASE :new_password WHEN '1' THEN :now ELSE new_password_since END"
          " WHERE address = :address",
          "UPDATE credential SET spent = password WHERE address = :address AND :new_password = '1'" },
        "no suspended account {address}", NULL, NULL },
    [CHANGE_ACCOUNT_EVENT_DONE] = { "account-event-done", DATABASE_ACCOUNTS, { FIELD_ID, FIELD_NOW },
        { "DELETE FROM account_event WHERE id <= CAST(:id AS INTEGER)" }, NULL, NULL, NULL },
    [CHANGE_ACCOUNT_REMOVE] = { "account-remove", DATABASE_ACCOUNTS, { FIELD_ADDRESS, FIELD_NOW },
        { "DELETE FROM account WHERE address = :address",
          "DELETE FROM send_grant WHERE :address IN (grantee, sender)",
          "DELETE FROM policy WHERE scope = :address",
          "DELETE FROM account_field WHERE scope = :address",
          "DELETE FROM send_limit WHERE scope = :address",
          "DELETE FROM list_entry WHERE recipient = :address AND recipient <> ''",
          "DELETE FROM alias_destination WHERE destination = :address",
          ALIASES_WITHOUT_DESTINATION },
        "no account {address}", NULL, NULL },
    [CHANGE_ACCOUNT_FIELD_SET] = { "account-field-set", DATABASE_ACCOUNTS,
        { FIELD_SCOPE, FIELD_NAME, FIELD_VALUE, FIELD_NOW },
        { "INSERT INTO account_field (scope, name, value) SELECT :scope, :name, :value"
          " WHERE EXISTS (SELECT 1 FROM domain WHERE name = :scope)"
          " OR EXISTS (SELECT 1 FROM account WHERE address = :scope)"
          " ON CONFLICT (scope, name) DO UPDATE SET value = :value" },
        "no account or domain {scope}", NULL, NULL },
    [CHANGE_ACCOUNT_FIELD_UNSET] = { "account-field-unset", DATABASE_ACCOUNTS,
        { FIELD_SCOPE, FIELD_NAME, FIELD_NOW },
        { "DELETE FROM account_field WHERE scope = :scope AND name = :name" },
        "{scope} has no {name} of its own", NULL, NULL },
    [CHANGE_ALIAS_ADD] = { "alias-add", DATABASE_ACCOUNTS, { FIELD_CATCHALL, FIELD_SEND, FIELD_NOW },
        { "INSERT INTO alias (address, domain, members_send, created)"
          " VALUES (:alias, :domain_of, coalesce(:members_send, 0), :now) ON CONFLICT (address) DO UPDATE"
          " SET members_send = coalesce(:members_send, alias.members_send)" },
        NULL, NULL, "domain {domain_of} is not known: policyctl domain add {domain_of}" },
    [CHANGE_ALIAS_SET] = { "alias-set", DATABASE_ACCOUNTS, { FIELD_CATCHALL, FIELD_SEND, FIELD_NOW },
        { "UPDATE alias SET members_send = coalesce(:members_send, members_send) WHERE address = :alias" },
        "no alias {alias}", NULL, NULL },
    [CHANGE_ALIAS_MEMBER] = { "alias-member", DATABASE_ACCOUNTS,
        { FIELD_CATCHALL, FIELD_DESTINATION, FIELD_NOW },
        { "INSERT INTO alias_destination (address, destination) VALUES (:alias, :destination)" },
        NULL, "alias {alias} goes to {destination} already", "no alias {alias}" },
    [CHANGE_ALIAS_MEMBER_REMOVE] = { "alias-member-remove", DATABASE_ACCOUNTS,
        { FIELD_CATCHALL, FIELD_DESTINATION, FIELD_NOW },
        { "DELETE FROM alias_destination WHERE address = :alias AND destination = :destination",
          ALIASES_WITHOUT_DESTINATION },
        "alias {alias} does not go to {destination}", NULL, NULL },
    [CHANGE_ALIAS_REMOVE] = { "alias-remove", DATABASE_ACCOUNTS, { FIELD_CATCHALL, FIELD_NOW },
        { "DELETE FROM alias WHERE address = :alias" }, "no alias {alias}", NULL, NULL },
    [CHANGE_GRANT_ADD] = { "grant-add", DATABASE_ACCOUNTS, { FIELD_GRANTEE, FIELD_SENDER, FIELD_NOW },
        { "INSERT INTO send_grant (grantee, sender, created) SELECT :grantee, :sender, :now"
          " WHERE EXISTS (SELECT 1 FROM account WHERE address = :grantee)"
          " OR EXISTS (SELECT 1 FROM domain WHERE '@' || name = :grantee)" },
        "no account or domain {grantee}", "{grantee} may send as {sender} already", NULL },
    [CHANGE_GRANT_REMOVE] = { "grant-remove", DATABASE_ACCOUNTS, { FIELD_GRANTEE, FIELD_SENDER, FIELD_NOW },
        { "DELETE FROM send_grant WHERE grantee = :grantee AND sender = :sender" },
        "{grantee} has no grant for {sender}", NULL, NULL },
    [CHANGE_POLICY_SET] = { "policy-set", DATABASE_ACCOUNTS,
        { FIELD_CHECK, FIELD_SCOPE, FIELD_MODE, FIELD_START, FIELD_UNTIL, FIELD_NOW },
        { "INSERT INTO policy (scope, check_name, mode, starts, expires, changed)"
          " SELECT :scope, :check, :mode, :start, :until, :now WHERE :scope = ''"
          " OR EXISTS (SELECT 1 FROM domain WHERE name = :scope)"
          " OR EXISTS (SELECT 1 FROM account WHERE address = :scope)"
          " ON CONFLICT (scope, check_name, starts) DO UPDATE"
          " SET mode = :mode, expires = :until, changed = :now",
          /* What has begun since would count instead. */
          "DELETE FROM policy WHERE scope = :scope AND check_name = :check AND starts > :start AND starts <= :now" },
        "no account or domain {scope}", NULL, NULL },
    [CHANGE_POLICY_UNSET] = { "policy-unset", DATABASE_ACCOUNTS, { FIELD_CHECK, FIELD_SCOPE, FIELD_NOW },
        { "DELETE FROM policy WHERE scope = :scope AND check_name = :check" },
        "no policy row for {check} in that scope", NULL, NULL },
    [CHANGE_POLICY_UNPLAN] = { "policy-unplan", DATABASE_ACCOUNTS,
        { FIELD_CHECK, FIELD_SCOPE, FIELD_START, FIELD_NOW },
        { "DELETE FROM policy WHERE scope = :scope AND check_name = :check AND starts = :start" },
        "no policy row for {check} in that scope from that time", NULL, NULL },
    [CHANGE_LIST_ADD] = { "list-add", DATABASE_ACCOUNTS,
        { LIST_FIELDS, FIELD_UNTIL, FIELD_NOTE, FIELD_NOW },
        { "INSERT INTO list_entry (action, client, client_name, helo, sender, recipient, scope, expires, note,"
          " created, shape) VALUES (:action, :client, :client_name, :helo, :sender, :list_recipient, :scope,"
          " :until, :note, :now, :shape)" },
        NULL, "such an entry exists already", NULL },
    [CHANGE_LIST_SET] = { "list-set", DATABASE_ACCOUNTS,
        { LIST_FIELDS, FIELD_UNTIL, FIELD_NOTE, FIELD_NOW },
        { "UPDATE list_entry SET expires = :until, note = CASE :note WHEN '' THEN note ELSE :note END"
          " WHERE " LIST_ENTRY },
        "no such entry: see policyctl list show", NULL, NULL },
    [CHANGE_LIST_REMOVE] = { "list-remove", DATABASE_ACCOUNTS, { FIELD_ID, FIELD_NOW },
        { "DELETE FROM list_entry WHERE id = :id" }, "no list entry {id}: see policyctl list show", NULL, NULL },
    [CHANGE_LIST_REMOVE_ENTRY] = { "list-remove-entry", DATABASE_ACCOUNTS, { LIST_FIELDS, FIELD_NOW },
        { "DELETE FROM list_entry WHERE " LIST_ENTRY },
        "no such entry: see policyctl list show", NULL, NULL },
    [CHANGE_LIMIT_SET] = { "limit-set", DATABASE_ACCOUNTS,
        { FIELD_SCOPE, FIELD_CLIENT, FIELD_COUNTED_BY, FIELD_WINDOW, FIELD_MESSAGES, FIELD_RECIPIENTS, FIELD_BYTES,
          FIELD_NOW },
        { "INSERT INTO send_limit (scope, counted_by, window_s, messages, recipients, bytes, changed)"
          " SELECT :scope || :client, :counted_by, :window, :messages, :recipients, :bytes, :now WHERE (:scope = ''"
          " OR EXISTS (SELECT 1 FROM domain WHERE name = :scope)"
          " OR EXISTS (SELECT 1 FROM account WHERE address = :scope))"
          " AND (:window = '0' OR (SELECT count(*) FROM send_limit WHERE scope = :scope || :client AND counted_by = :counted_by"
          " AND window_s NOT IN (0, CAST(:window AS INTEGER))) < " USAGE_WINDOWS ")"
          " ON CONFLICT (scope, counted_by, window_s) DO UPDATE"
          " SET messages = :messages, recipients = :recipients, bytes = :bytes, changed = :now",
          /* No limit, and limits, exclude each other. */
          "DELETE FROM send_limit WHERE scope = :scope || :client AND counted_by = :counted_by"
          " AND (window_s = 0) <> (:window = '0')" },
        "no account or domain {scope}, or it has " USAGE_WINDOWS " windows already", NULL, NULL },
    [CHANGE_LIMIT_UNSET] = { "limit-unset", DATABASE_ACCOUNTS,
        { FIELD_SCOPE, FIELD_CLIENT, FIELD_COUNTED_BY, FIELD_WINDOW, FIELD_NOW },
        { "DELETE FROM send_limit WHERE scope = :scope || :client AND counted_by = :counted_by"
          " AND window_s = coalesce(CAST(:window AS INTEGER), window_s)" },
        "no such limit in that scope: see policyctl limit show", NULL, NULL },
    [CHANGE_OBSERVE] = { "observe", DATABASE_STATE,
        { FIELD_CHECK, FIELD_SUBJECT, FIELD_CAUSE, FIELD_ENVELOPE_SENDER, FIELD_CLIENT, FIELD_MODE, FIELD_NUMBER,
          FIELD_DELIVERED, FIELD_SAMPLE, FIELD_NOW },
        { "INSERT INTO observation (subject, check_name, cause, envelope_sender, client, mode, subject_kind, count,"
          " delivered, arrived, first_seen, last_seen, sample) VALUES (:subject, :check, :cause, :envelope_sender,"
          " :client, :mode, :subject_kind, :number, :delivered, CAST(:delivered AS INTEGER) > 0, :now, :now, :sample)"
          " ON CONFLICT (subject, check_name, cause, envelope_sender, client, mode) DO UPDATE"
          " SET count = observation.count + excluded.count, delivered = observation.delivered + excluded.delivered,"
          " arrived = CASE WHEN excluded.arrived = 1 THEN 1 ELSE observation.arrived END,"
          " last_seen = excluded.last_seen, sample = excluded.sample",
          "DELETE FROM observation WHERE subject = :subject"
          " AND (check_name, cause, envelope_sender, client, mode) IN"
          " (SELECT check_name, cause, envelope_sender, client, mode FROM observation WHERE subject = :subject"
          " ORDER BY arrived DESC, last_seen DESC LIMIT 9223372036854775807 OFFSET " OBSERVATIONS_OF_ONE ")" },
        NULL, NULL, NULL },
    [CHANGE_SENDING] = { "sending", DATABASE_STATE,
        { FIELD_ADDRESS, FIELD_ENVELOPE_SENDER, FIELD_NUMBER, FIELD_RECIPIENTS, FIELD_BYTES, FIELD_NOW },
        { "INSERT INTO sending (account, envelope_sender, messages, recipients, bytes, first_seen, last_seen)"
          " VALUES (:address, :envelope_sender, :number, :recipients, :bytes, :now, :now)"
          " ON CONFLICT (account, envelope_sender) DO UPDATE SET messages = sending.messages + excluded.messages,"
          " recipients = sending.recipients + excluded.recipients, bytes = sending.bytes + excluded.bytes,"
          " last_seen = excluded.last_seen",
          "DELETE FROM sending WHERE account = :address AND envelope_sender IN"
          " (SELECT envelope_sender FROM sending WHERE account = :address ORDER BY last_seen DESC"
          " LIMIT 9223372036854775807 OFFSET " SENDERS_OF_ONE ")" },
        NULL, NULL, NULL },
    [CHANGE_TALLY] = { "tally", DATABASE_STATE,
        { FIELD_START, FIELD_SCOPE, FIELD_CHECK, FIELD_OUTCOME, FIELD_NUMBER, FIELD_NOW },
        { "INSERT INTO tally (start, scope, check_name, outcome, count)"
          " VALUES (:start, :scope, :check, :outcome, :number)"
          " ON CONFLICT (start, scope, check_name, outcome) DO UPDATE SET count = tally.count + excluded.count" },
        NULL, NULL, NULL },
    [CHANGE_LOGIN] = { "login", DATABASE_STATE,
        { FIELD_SUBJECT, FIELD_OUTCOME, FIELD_SERVICE, FIELD_MECHANISM, FIELD_SECURITY, FIELD_PORT,
          FIELD_SERVER_NAME, FIELD_CLIENT, FIELD_CAUSE, FIELD_BARE, FIELD_NUMBER, FIELD_NOW },
        { "INSERT INTO login (" LOGIN_COLUMNS ") VALUES (:subject, :outcome, :service, :mechanism, :security,"
          " :port, :server_name, :client, :cause, :bare, :number, :now, :now)"
          " ON CONFLICT (" LOGIN_KEY ") DO UPDATE SET count = login.count + excluded.count,"
          " last_seen = excluded.last_seen",
          "DELETE FROM login WHERE account = :subject AND outcome = :outcome AND (" LOGIN_KEY ") IN"
          " (SELECT " LOGIN_KEY " FROM login WHERE account = :subject AND outcome = :outcome AND security = :security"
          " ORDER BY last_seen DESC LIMIT 9223372036854775807 OFFSET " LOGINS_OF_ONE ")" },
        NULL, NULL, NULL },
    [CHANGE_EVENT_ADD] = { "event-add", DATABASE_STATE,
        { FIELD_EVENT, FIELD_ACCOUNT, FIELD_SUBJECT, FIELD_SERVICES, FIELD_REASON, FIELD_UNTIL, FIELD_BY,
          FIELD_EVIDENCE, FIELD_ORIGIN, FIELD_START, FIELD_NOW },
        { "INSERT INTO event (time, kind, account, subject, services, reason, until, by, evidence, origin)"
          " VALUES (CASE :start WHEN '0' THEN :now ELSE :start END, :event, :account, :subject,"
          " CASE WHEN :event IN ('account_suspended', 'account_released') THEN :services END,"
          " :reason, :until, :by, :evidence, :origin) ON CONFLICT (origin, time) DO NOTHING",
          /* accounts.db was put back from a backup: its numbers began again, within a second */
          "INSERT INTO event (time, kind, account, subject, services, reason, until, by, evidence)"
          " SELECT time, :event, :account, :subject,"
          " CASE WHEN :event IN ('account_suspended', 'account_released') THEN :services END,"
          " :reason, :until, :by, :evidence FROM event AS known WHERE origin = :origin AND time = CAST(:start AS INTEGER)"
          " AND (kind, account, reason, by, evidence) <> (:event, :account, :reason, :by, :evidence)"
          " AND NOT EXISTS (SELECT 1 FROM event WHERE account = :account AND origin IS NULL AND time = known.time"
          " AND (kind, reason, by, evidence) = (:event, :reason, :by, :evidence))",
          "DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - " TEXT_OF(EVENT_ROWS_MAX) },
        NULL, NULL, NULL },
    [CHANGE_USAGE] = { "usage", DATABASE_STATE,
        { FIELD_KEY, FIELD_NUMBER, FIELD_RECIPIENTS, FIELD_BYTES, FIELD_LIMITS, FIELD_RESEND, FIELD_NOW },
        { "SELECT counts FROM usage WHERE key = :key",
          "UPDATE usage SET counts = :merged, expires = :expires WHERE key = :key",
          "INSERT INTO usage (key, counts, expires) SELECT :key, :merged, :expires"
          " WHERE :key NOT LIKE 'client %' OR (SELECT clients FROM usage_sweep) < " TEXT_OF(USAGE_CLIENTS_MAX) },
        NULL, NULL, NULL },
    [CHANGE_USAGE_ROW] = { "usage-row", DATABASE_STATE, { FIELD_KEY, FIELD_COUNTS, FIELD_UNTIL, FIELD_NOW },
        { "INSERT INTO usage (key, counts, expires) SELECT :key, :counts, :until WHERE :key NOT LIKE 'client %'"
          " OR (SELECT clients FROM usage_sweep) < " TEXT_OF(USAGE_CLIENTS_MAX)
          " OR EXISTS (SELECT 1 FROM usage WHERE key = :key)"
          " ON CONFLICT (key) DO UPDATE SET counts = excluded.counts, expires = excluded.expires" },
        NULL, NULL, NULL },
    [CHANGE_GREYLIST] = { "greylist", DATABASE_STATE,
        { FIELD_CLIENT, FIELD_ENVELOPE_SENDER, FIELD_RECIPIENT, FIELD_RULE, FIELD_NOW },
        { "SELECT coalesce(g.state, '') || '/' || coalesce(c.last_seen, 0) || ' ' || coalesce(c.passes, 0)"
          " FROM (SELECT 1) one LEFT JOIN greylist g ON g.client = :client AND g.sender = :envelope_sender"
          " AND g.recipient = :recipient LEFT JOIN greylist_client c ON c.client = :client",
          "INSERT INTO greylist (client, sender, recipient, state, known, expires)"
          " VALUES (:client, :envelope_sender, :recipient, :merged, :known, :expires)"
          " ON CONFLICT (client, sender, recipient) DO UPDATE SET state = excluded.state,"
          " known = excluded.known, expires = excluded.expires",
          "INSERT INTO greylist_client (client, passes, last_seen, expires)"
          " SELECT :client, :client_passes, :client_seen, :client_expires WHERE :client_passes <> '0'"
          " ON CONFLICT (client) DO UPDATE SET passes = excluded.passes, last_seen = excluded.last_seen,"
          " expires = excluded.expires" },
        NULL, NULL, NULL },
    [CHANGE_GREYLIST_TRIM] = { "greylist-trim", DATABASE_STATE, { FIELD_NOW },
        { "DELETE FROM greylist WHERE known IN (0, 1) AND expires <= :now", TRIM_GREYLIST("0"), TRIM_GREYLIST("1"),
          "DELETE FROM greylist_client WHERE expires <= :now",
          "DELETE FROM greylist_client WHERE client IN (SELECT client FROM greylist_client ORDER BY expires DESC"
          " LIMIT 9223372036854775807 OFFSET " TEXT_OF(GREYLIST_CLIENTS_MAX) ")" },
        NULL, NULL, NULL },
    [CHANGE_GREYLIST_FORGET] = { "greylist-forget", DATABASE_STATE,
        { FIELD_CLIENT, FIELD_ENVELOPE_SENDER, FIELD_NOW },
        { "DELETE FROM greylist WHERE client = :client AND :envelope_sender IN ('', sender)",
          "DELETE FROM greylist_client WHERE client = :client AND :envelope_sender = ''" },
        "nothing of {client} is on the greylist", NULL, NULL },
    [CHANGE_USAGE_SWEEP] = { "usage-sweep", DATABASE_STATE, { FIELD_NOW },
        { "UPDATE usage_sweep SET low = high, high = coalesce((SELECT max(key) FROM (SELECT key FROM usage"
          " WHERE key > usage_sweep.high ORDER BY key LIMIT " SWEEP_ROWS ")), '')"
          " WHERE EXISTS (SELECT 1 FROM usage)",
          "DELETE FROM usage WHERE key > (SELECT low FROM usage_sweep) AND key <= (SELECT high FROM usage_sweep)"
          " AND expires <= :now" },
        NULL, NULL, NULL },
    [CHANGE_BEHAVIOUR] = { "behaviour", DATABASE_STATE, { FIELD_ADDRESS, FIELD_RECORD, FIELD_NOW },
        { "INSERT INTO behaviour (account, record, changed) VALUES (:address, :record, :now)"
          " ON CONFLICT (account) DO UPDATE SET record = excluded.record, changed = excluded.changed" },
        NULL, NULL, NULL },
    [CHANGE_FORGET] = { "forget", DATABASE_STATE, { FIELD_ADDRESS, FIELD_NOW },
        { "DELETE FROM observation WHERE subject = :address OR envelope_sender = :address",
          "DELETE FROM sending WHERE account = :address OR envelope_sender = :address",
          "DELETE FROM login WHERE account = :address",
          "DELETE FROM event WHERE account = :address",
          "DELETE FROM usage WHERE key = 'account ' || :address",
          "UPDATE usage_sweep SET low = '', high = '' WHERE 'account ' || :address IN (low, high)", /* begins anew */
          "DELETE FROM behaviour WHERE account = :address",
          "DELETE FROM greylist WHERE sender = :address OR recipient = :address" },
        NULL, NULL, NULL },
    [CHANGE_STATE_TRIM] = { "state-trim", DATABASE_STATE, { FIELD_NUMBER, FIELD_START, FIELD_NOW },
        { "DELETE FROM tally WHERE start < :start",
          "DELETE FROM sending WHERE last_seen < :start",
          "DELETE FROM login WHERE last_seen < :start",
          "DELETE FROM event WHERE time < :start",
          "DELETE FROM behaviour WHERE changed < :start OR account IN (SELECT account FROM behaviour"
          " ORDER BY changed DESC LIMIT 9223372036854775807 OFFSET " TEXT_OF(BEHAVIOUR_ROWS_MAX) ")",
          "DELETE FROM observation WHERE subject_kind IN ('account', 'sender', 'host') AND arrived IN (0, 1)"
          " AND last_seen < :start",
          TRIM_KIND("account"), TRIM_KIND("sender"), TRIM_KIND("host") },
        NULL, NULL, NULL },
};

const struct change_merge change_merges[CHANGE_COUNT] = {
    [CHANGE_USAGE] = { usage_merge, .either = true },
    [CHANGE_GREYLIST] = { greylist_merge, .either = false },
};
