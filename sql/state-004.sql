-- SPDX-License-Identifier: MIT
-- state.db, version 4: what was sent, for limits.

CREATE TABLE usage (
    key     TEXT PRIMARY KEY NOT NULL,          -- 'account john@example.com', 'domain example.com', 'client 192.0.2.1', 'host'
    counts  TEXT NOT NULL,                      -- windows, and requests that may come again (lib/usage.h)
    expires BIGINT NOT NULL                     -- when nothing of it counts any more
);

-- Rows are looked over a few at a time: those with low < key <= high were last.
CREATE TABLE usage_sweep (
    low     TEXT NOT NULL,
    high    TEXT NOT NULL,
    clients BIGINT NOT NULL                     -- rows of clients: who has many addresses could fill the table
);
INSERT INTO usage_sweep (low, high, clients) VALUES ('', '', 0);
CREATE TRIGGER usage_client_added AFTER INSERT ON usage WHEN NEW.key LIKE 'client %'
BEGIN
    UPDATE usage_sweep SET clients = clients + 1;
END;
CREATE TRIGGER usage_client_removed AFTER DELETE ON usage WHEN OLD.key LIKE 'client %'
BEGIN
    UPDATE usage_sweep SET clients = clients - 1;
END;
