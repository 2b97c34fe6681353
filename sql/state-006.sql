-- SPDX-License-Identifier: MIT
-- state.db, version 6: the greylist.

CREATE TABLE greylist (
    client    TEXT NOT NULL,                    -- its network
    sender    TEXT NOT NULL,                    -- without what changes from message to message; '' the null sender
    recipient TEXT NOT NULL,
    state     TEXT NOT NULL,                    -- first and last seen, messages that passed (lib/greylist.h)
    known     INTEGER NOT NULL CHECK (known IN (0, 1)), -- it came again in time
    expires   BIGINT NOT NULL,
    PRIMARY KEY (client, sender, recipient)
) WITHOUT ROWID;
-- Room is shared out: names that strangers make up push out none that came again.
CREATE INDEX greylist_kept ON greylist (known, expires);

-- Clients whose senders come again.
CREATE TABLE greylist_client (
    client    TEXT PRIMARY KEY NOT NULL,
    passes    BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    expires   BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX greylist_client_expires ON greylist_client (expires);
