-- SPDX-License-Identifier: MIT
-- accounts.db, version 7: list entries by client name and by recipient too, each found by
-- one exact key, however many there are.

ALTER TABLE list_entry RENAME TO list_entry_6;

-- Every part that is set has to match.  An entry's shape (lib/list_entry.h) says which parts
-- it names, and how closely: whoever looks something up takes the shapes that there are, and
-- asks for one key of each.
CREATE TABLE list_entry (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- no number comes twice
    action      TEXT NOT NULL CHECK (action IN ('allow', 'deny')),
    client      TEXT NOT NULL,                  -- a network, or ''
    client_name TEXT NOT NULL,                  -- a name, '.suffix', or ''
    helo        TEXT NOT NULL,                  -- the same
    sender      TEXT NOT NULL,                  -- an address, '@domain', '.suffix', 'local@', or ''
    recipient   TEXT NOT NULL,                  -- the same
    scope       TEXT NOT NULL,                  -- '' the host, or a recipient's domain
    expires     BIGINT,
    note        TEXT NOT NULL,
    created     BIGINT NOT NULL,
    shape       TEXT NOT NULL,
    UNIQUE (shape, recipient, sender, client_name, helo, client, scope, action)
);
CREATE INDEX list_entry_scope ON list_entry (scope) WHERE scope <> '';
CREATE INDEX list_entry_recipient ON list_entry (recipient) WHERE recipient <> '';

-- Until now a sender was an address or '@domain', and neither client names nor recipients.
-- Ranks as in lib/list_entry.h: 255 the whole, 253 a domain, 2 and a label each a suffix,
-- 1 and a bit each a network.
INSERT INTO list_entry (id, action, client, client_name, helo, sender, recipient, scope, expires, note, created,
                        shape)
SELECT id, action, client, '', helo, sender, '', scope, expires, note, created,
       CASE WHEN sender = '' THEN '' WHEN substr(sender, 1, 1) = '@' THEN 's253' ELSE 's255' END
       || CASE WHEN helo = '' THEN ''
               WHEN substr(helo, 1, 1) = '.' THEN 'h' || (2 + length(helo) - length(replace(helo, '.', '')))
               ELSE 'h255' END
       || CASE WHEN client = '' THEN ''
               WHEN client LIKE '%:%' THEN 'C' ELSE 'c' END
       || CASE WHEN client = '' THEN ''
               WHEN client LIKE '%/%' THEN 1 + CAST(substr(client, instr(client, '/') + 1) AS INTEGER)
               WHEN client LIKE '%:%' THEN 129 ELSE 33 END
       || CASE WHEN scope = '' THEN '' ELSE 'd' END
FROM list_entry_6 ORDER BY id;
DROP TABLE list_entry_6;
