# SPDX-License-Identifier: MIT
"""policyctl doctor on a Postfix that runs: what it finds shows in the mail, and its remedy as a whole mends it."""

import json

from conftest import is_accepted
from mailhost.policyd import program
from mailhost.process import run, wait_for


def findings(host):
    """What doctor says of port 25, whose service has a number here."""
    done = run(program("policyctl"), "-c", host.policyd.config, "doctor", "--json", "--postfix-config",
               host.postfix.config, check=False)
    return [f for f in json.loads(done.stdout)["findings"]
            if f["where"] == str(host.port("smtp")) and f["level"] != "note"]


def test_a_hook_is_missing(host, mail):
    """HELO names that cannot exist pass, until the command that doctor prints was run."""
    def helo(name):
        return mail.deliver("anna@sender.net", helo=name)

    main_cf = host.postfix.config / "main.cf"
    saved = main_cf.read_text()
    assert not is_accepted(helo("exchange.local")) and findings(host) == []
    try:
        host.postfix.postconf("-e", "smtpd_helo_restrictions=permit_mynetworks")
        host.postfix.reload()
        wait_for(lambda: is_accepted(helo("exchange.local")), "Postfix to ask nobody")
        [found] = findings(host)
        assert (found["rule"], found["what"]) == ("hook_missing", "no hook in smtpd_helo_restrictions")
        run("sh", "-c", found["remedy"])
        wait_for(lambda: not is_accepted(helo("exchange.local")), "Postfix to ask policyd")
        assert is_accepted(helo("mail.sender.net")) and findings(host) == []
    finally:
        main_cf.write_text(saved)
        host.postfix.reload()
