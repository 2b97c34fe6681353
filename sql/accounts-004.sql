-- SPDX-License-Identifier: MIT
-- accounts.db, version 4: who suspended an account and what he saw; events that state.db is
-- still to be told of, written in one transaction with what they tell.

ALTER TABLE account ADD COLUMN suspended_by TEXT;
ALTER TABLE account ADD COLUMN suspended_evidence TEXT;

-- A row goes when state.db has it; AUTOINCREMENT, so that no number comes twice.
CREATE TABLE account_event (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    time     BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    account  TEXT NOT NULL,
    services TEXT,
    reason   TEXT NOT NULL,
    until    BIGINT,
    by       TEXT NOT NULL,
    evidence TEXT NOT NULL
);
