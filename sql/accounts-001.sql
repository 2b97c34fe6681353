-- SPDX-License-Identifier: MIT
-- accounts.db, version 1: who exists, who may send as whom, modes and lists.
-- Names are canonical (lib/address.h): case-folded, domains as A-labels.
-- Times are seconds since 1970-01-01 UTC.

CREATE TABLE domain (
    name    TEXT PRIMARY KEY NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('mailbox', 'relay', 'alias')),
    target  TEXT REFERENCES domain (name),      -- alias: the domain it stands for
    created BIGINT NOT NULL,
    CHECK ((kind = 'alias') = (target IS NOT NULL))
) WITHOUT ROWID;
CREATE INDEX domain_target ON domain (target) WHERE target IS NOT NULL;

CREATE TABLE account (
    address          TEXT PRIMARY KEY NOT NULL,
    domain           TEXT NOT NULL REFERENCES domain (name),
    kind             TEXT NOT NULL CHECK (kind IN ('user', 'relay')),
    status           TEXT NOT NULL CHECK (status IN ('active', 'disabled')),
    suspended        TEXT,                      -- NULL, 'all' or some of 'smtp,imap,pop3,sieve'
    suspended_reason TEXT,
    suspended_since  BIGINT,
    suspended_until  BIGINT,                    -- NULL: until released
    created          BIGINT NOT NULL,
    CHECK ((suspended IS NULL) = (suspended_since IS NULL))
) WITHOUT ROWID;
CREATE INDEX account_domain ON account (domain);
CREATE INDEX account_suspended ON account (suspended_since) WHERE suspended IS NOT NULL;

-- Apart from the account: policyd, which asks for accounts with every request, never
-- has a page with a hash in its memory.
CREATE TABLE credential (
    address  TEXT PRIMARY KEY NOT NULL REFERENCES account (address) ON DELETE CASCADE,
    password TEXT NOT NULL,                     -- {SCHEME}hash, as Dovecot reads it
    changed  BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE alias (
    address      TEXT PRIMARY KEY NOT NULL,     -- 'info@example.com', or '@example.com': catch-all
    domain       TEXT NOT NULL REFERENCES domain (name),
    members_send INTEGER NOT NULL CHECK (members_send IN (0, 1)),
    created      BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX alias_domain ON alias (domain);

CREATE TABLE alias_destination (
    address     TEXT NOT NULL REFERENCES alias (address) ON DELETE CASCADE,
    destination TEXT NOT NULL,
    PRIMARY KEY (address, destination)
) WITHOUT ROWID;
CREATE INDEX alias_destination_destination ON alias_destination (destination);

CREATE TABLE send_grant (
    grantee TEXT NOT NULL,                      -- an account, or '@domain': all accounts in it
    sender  TEXT NOT NULL,                      -- an address, '@domain', or '*'
    created BIGINT NOT NULL,
    PRIMARY KEY (grantee, sender)
) WITHOUT ROWID;
CREATE INDEX send_grant_sender ON send_grant (sender);

CREATE TABLE policy (
    scope      TEXT NOT NULL,                   -- '' the host, a domain, or an account's address
    check_name TEXT NOT NULL,
    mode       TEXT NOT NULL CHECK (mode IN ('off', 'observe', 'enforce')),
    expires    BIGINT,                          -- NULL: never
    changed    BIGINT NOT NULL,
    PRIMARY KEY (scope, check_name)
) WITHOUT ROWID;

-- Every part that is set has to match.  An entry is found by one of them, its key:
-- the sender where there is one, else the HELO name, else the client's network.
CREATE TABLE list_entry (
    id         INTEGER PRIMARY KEY,
    action     TEXT NOT NULL CHECK (action IN ('allow', 'deny')),
    client     TEXT NOT NULL,                   -- a network, or ''
    helo       TEXT NOT NULL,                   -- a name, '.suffix', or ''
    sender     TEXT NOT NULL,                   -- an address, '@domain', or ''
    scope      TEXT NOT NULL,                   -- '' the host, or a recipient's domain
    expires    BIGINT,
    note       TEXT NOT NULL,
    created    BIGINT NOT NULL,
    key_field  TEXT NOT NULL CHECK (key_field IN ('sender', 'helo', 'client')),
    key_value  TEXT NOT NULL,
    key_prefix TEXT NOT NULL,                   -- client: '4/24', '6/64'; else ''
    UNIQUE (action, client, helo, sender, scope)
);
CREATE INDEX list_entry_key ON list_entry (key_field, key_value);
CREATE INDEX list_entry_prefix ON list_entry (key_field, key_prefix);
