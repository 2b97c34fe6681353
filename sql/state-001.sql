-- SPDX-License-Identifier: MIT
-- state.db, version 1: what policyd observed.  Every table is bounded in rows.

CREATE TABLE observation (
    check_name TEXT NOT NULL,
    subject    TEXT NOT NULL,                   -- the account, or the remote host's name
    cause      TEXT NOT NULL,
    count      BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    sample     TEXT NOT NULL,                   -- the last reply that was not sent
    PRIMARY KEY (check_name, subject, cause)
) WITHOUT ROWID;
CREATE INDEX observation_last_seen ON observation (last_seen);
