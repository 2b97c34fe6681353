-- SPDX-License-Identifier: MIT
-- accounts.db, version 6: the mode hold.

ALTER TABLE policy RENAME TO policy_5;

-- Of the rows of one scope and check that count now, the one that began last decides.
CREATE TABLE policy (
    scope      TEXT NOT NULL,                   -- '' the host, a domain, or an account's address
    check_name TEXT NOT NULL,
    mode       TEXT NOT NULL CHECK (mode IN ('off', 'observe', 'hold', 'enforce')),
    starts     BIGINT NOT NULL,                 -- 0: at once
    expires    BIGINT,                          -- NULL: never
    changed    BIGINT NOT NULL,
    PRIMARY KEY (scope, check_name, starts)
) WITHOUT ROWID;

INSERT INTO policy (scope, check_name, mode, starts, expires, changed)
SELECT scope, check_name, mode, starts, expires, changed FROM policy_5;
DROP TABLE policy_5;
