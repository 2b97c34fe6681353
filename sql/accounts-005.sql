-- SPDX-License-Identifier: MIT
-- accounts.db, version 5: how much may be sent.

-- Of the rows that could count for somebody, those of the narrowest scope do, all of them.
CREATE TABLE send_limit (
    scope      TEXT NOT NULL,                   -- '' the host, a domain, an account's address, a client's network
    counted_by TEXT NOT NULL CHECK (counted_by IN ('account', 'relay', 'domain', 'client', 'host')),
    window_s   INTEGER NOT NULL,                -- 0: no limit, whatever a wider scope says
    messages   BIGINT,                          -- NULL: as many as you like
    recipients BIGINT,
    bytes      BIGINT,
    changed    BIGINT NOT NULL,
    PRIMARY KEY (scope, counted_by, window_s)
) WITHOUT ROWID;
CREATE INDEX send_limit_client ON send_limit (scope) WHERE counted_by = 'client' AND scope <> '';
