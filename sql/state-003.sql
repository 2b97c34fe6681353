-- SPDX-License-Identifier: MIT
-- state.db, version 3: what happened, for administrators and for programs that act on it.

-- Read in the order of id, which no later row ever has again.
CREATE TABLE event (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    time     BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    account  TEXT NOT NULL,                     -- '': it concerns no account
    subject  TEXT NOT NULL,                     -- what else it concerns: a check, a DNS zone, a network; or ''
    services TEXT,                              -- of a suspension
    reason   TEXT NOT NULL,
    until    BIGINT,
    by       TEXT NOT NULL,                     -- who or what did it
    evidence TEXT NOT NULL,
    origin   BIGINT,                            -- its account_event in accounts.db
    UNIQUE (origin, time)                       -- taken over once
);
CREATE INDEX event_account ON event (account, id) WHERE account <> '';
