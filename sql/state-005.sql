-- SPDX-License-Identifier: MIT
-- state.db, version 5: how each account sends.

CREATE TABLE behaviour (
    account TEXT PRIMARY KEY NOT NULL,
    record  TEXT NOT NULL,                      -- policyd/behaviour.h
    changed BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX behaviour_changed ON behaviour (changed);
