-- SPDX-License-Identifier: MIT
-- accounts.db, version 2: what Dovecot is told of an account besides its password, and
-- passwords that must not be used again.

CREATE TABLE account_field (
    scope TEXT NOT NULL,                        -- an account's address, or a domain: all accounts in it
    name  TEXT NOT NULL,                        -- home, mail, uid, gid, quota, or an extra field as Dovecot names it
    value TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;

-- Since when another password is demanded; NULL: it is not, or no longer.
ALTER TABLE account ADD COLUMN new_password_since BIGINT;

-- The hash of the password that was in use when another was demanded.
ALTER TABLE credential ADD COLUMN spent TEXT;
