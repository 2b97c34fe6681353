-- SPDX-License-Identifier: MIT
-- state.db, version 2: observations by client network and evidence, what each account
-- sends, and how much there was of everything over time.

ALTER TABLE observation RENAME TO observation_1;
DROP INDEX observation_last_seen;

-- One row for what would be mended together.  A mail transaction counts once.
CREATE TABLE observation (
    subject         TEXT NOT NULL,              -- the account, the sender, or the remote host's name
    check_name      TEXT NOT NULL,
    cause           TEXT NOT NULL,
    envelope_sender TEXT NOT NULL,              -- as whom an account sent; else ''
    client          TEXT NOT NULL,              -- its network (/24, /64); '' unknown
    mode            TEXT NOT NULL CHECK (mode IN ('observe', 'enforce')), -- enforce: it was refused
    subject_kind    TEXT NOT NULL CHECK (subject_kind IN ('account', 'sender', 'host')),
    count           BIGINT NOT NULL,            -- mail transactions
    delivered       BIGINT NOT NULL,            -- those whose message arrived: somebody would have lost it
    arrived         INTEGER NOT NULL CHECK (arrived IN (0, 1)), -- whether any did
    first_seen      BIGINT NOT NULL,
    last_seen       BIGINT NOT NULL,
    sample          TEXT NOT NULL,              -- a reply that was, or was not, sent
    PRIMARY KEY (subject, check_name, cause, envelope_sender, client, mode)
) WITHOUT ROWID;
-- Room is shared out by kind, and what arrived stays longest: names that strangers make up
-- push nothing of an account's out.
CREATE INDEX observation_kept ON observation (subject_kind, arrived, last_seen);

INSERT INTO observation (subject, check_name, cause, envelope_sender, client, mode, subject_kind, count,
    delivered, arrived, first_seen, last_seen, sample)
SELECT subject, check_name, cause, '', '', 'observe',
    CASE WHEN check_name IN ('account_status', 'sender_login', 'starttls', 'implicit_tls') THEN 'account'
        WHEN check_name = 'sender_auth' THEN 'sender' ELSE 'host' END,
    count, 0, 0, first_seen, last_seen, sample FROM observation_1;
DROP TABLE observation_1;

-- As whom each account sends.
CREATE TABLE sending (
    account         TEXT NOT NULL,
    envelope_sender TEXT NOT NULL,
    messages        BIGINT NOT NULL,
    recipients      BIGINT NOT NULL,
    bytes           BIGINT NOT NULL,
    first_seen      BIGINT NOT NULL,
    last_seen       BIGINT NOT NULL,
    PRIMARY KEY (account, envelope_sender)
) WITHOUT ROWID;
CREATE INDEX sending_last_seen ON sending (last_seen);

-- How many mail transactions: for the host by the hour, for a domain's own accounts by the day.
CREATE TABLE tally (
    start      BIGINT NOT NULL,                 -- of the hour or the day
    scope      TEXT NOT NULL,                   -- '' the host, or a domain
    check_name TEXT NOT NULL,                   -- '': all mail
    outcome    TEXT NOT NULL CHECK (outcome IN ('accepted', 'observed', 'delivered', 'refused', 'lost',
        'login_none', 'login_trusted', 'login_secured', 'login_starttls', 'login_implicit')),
    count      BIGINT NOT NULL,
    PRIMARY KEY (start, scope, check_name, outcome)
) WITHOUT ROWID;

-- How each account logs in, by what the Dovecot plugin and Postfix say.
CREATE TABLE login (
    account     TEXT NOT NULL,                  -- '': no account by that name
    outcome     TEXT NOT NULL,
    service     TEXT NOT NULL,
    mechanism   TEXT NOT NULL,
    security    TEXT NOT NULL,
    port        INTEGER NOT NULL,               -- 0: not known
    server_name TEXT NOT NULL,                  -- asked for in TLS; '' none, or not known
    client      TEXT NOT NULL,                  -- its network (/24, /64)
    cause       TEXT NOT NULL,                  -- what refused, or would
    bare        INTEGER NOT NULL CHECK (bare IN (0, 1)), -- the name came without its domain
    count       BIGINT NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    PRIMARY KEY (account, outcome, service, mechanism, security, port, server_name, client, cause, bare)
) WITHOUT ROWID;
CREATE INDEX login_last_seen ON login (last_seen);
