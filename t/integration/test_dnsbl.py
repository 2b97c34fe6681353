# SPDX-License-Identifier: MIT
"""DNS lists that NSD serves, through real Postfix: replies, weights, and lists that are switched off by themselves."""

import json

import pytest

from conftest import is_accepted
from mailhost.process import wait_for

LISTED, CLEAN = "127.0.0.4", "127.0.0.5"
RECIPIENT = "you@domain1.com"
REFUSED = (f"554 5.7.1 <{RECIPIENT}>: Recipient address rejected: Service unavailable; "
           f"client [{LISTED}] blocked using list.net; Listed for the test")


@pytest.fixture
def lists(host, mode):
    """lists(ZONE...) has policyd ask these, enforced."""
    before = host.policyd.settings
    mode("dnsbl", "enforce")

    def use(*zones, **options):
        # in time also where the name servers are slow: what counts here is the answer
        host.policyd.configure(trusted_networks=["127.0.0.1/32"], dns={"timeout_ms": 4500}, dnsbl={"zones": list(zones), **options})
        host.policyd.ctl("reload")
    yield use
    host.policyd.settings = before
    host.policyd.write_config()
    host.policyd.ctl("reload")


def test_refused_with_the_lists_own_words(lists, mail):
    lists("list.net")
    assert mail.deliver("a@sender.net", source=LISTED) == REFUSED
    assert is_accepted(mail.deliver("a@sender.net", source=CLEAN))


def test_only_observed(lists, host, mail):
    lists("list.net")
    host.policyd.ctl("policy", "set", "dnsbl", "observe")
    behind = len(host.policyd.log_text())
    assert is_accepted(mail.deliver("a@sender.net", source=LISTED))
    host.policyd.wait_log("observed=dnsbl", behind=behind)


@pytest.mark.parametrize("zones, threshold, refused", [
    (("list.net*2", "allow.net*-2"), 1, False), (("list.net*2", "allow.net*-1"), 1, True),
    (("list.net",), 2, False), (("list.net*2",), 2, True),
    (("list.net=127.0.0.[2..3]",), 1, False), (("list.net=127.0.0.[2;4]",), 1, True)])
def test_weights_and_filters(lists, mail, zones, threshold, refused):
    lists(*zones, threshold=threshold)
    reply = mail.deliver("a@sender.net", source=LISTED)
    assert reply == REFUSED if refused else is_accepted(reply)


def test_allow_entry_spares(lists, host, mail):
    lists("list.net")
    host.policyd.ctl("list", "allow", "--client", LISTED)
    try:
        assert is_accepted(mail.deliver("a@sender.net", source=LISTED))
    finally:
        host.policyd.ctl("list", "remove", "allow", "--client", LISTED)


@pytest.mark.parametrize("zone, why", [
    ("everything.net", "it lists everything"), ("refusing.net", "it refuses to answer this resolver"),
    ("broken.net", "it does not answer")])
def test_a_list_that_is_wrong_is_switched_off(lists, host, mail, zone, why):
    """It refuses nobody, the others go on, and policyd says so everywhere."""
    lists(zone, "list.net")
    host.policyd.wait_log(f"dnsbl: {zone} is switched off: {why}; tried again in 60 s")
    assert is_accepted(mail.deliver("a@sender.net", source=CLEAN))
    assert mail.deliver("a@sender.net", source=LISTED) == REFUSED
    assert f"{zone}: {why}" in host.policyd.ctl("status").stdout
    wait_for(lambda: "list.net: it answers" in host.policyd.ctl("status").stdout, "the other one to be tried")
    wait_for(lambda: any((e.get("subject"), e.get("reason")) == (zone, why) for e in events(host)), "the event")


@pytest.mark.parametrize("zone, why", [("silent.net", "it does not answer"), ("flooding.net", "it lists everything")])
def test_a_list_that_is_mended_is_asked_again(lists, host, mail, zone, why):
    """By itself, without a reload: the server of the list has the zone again, or has it right."""
    refused = REFUSED.replace("list.net", zone)
    lists(zone, retry_s=5)
    host.policyd.wait_log(f"dnsbl: {zone} is switched off: {why}; tried again in 5 s")
    assert is_accepted(mail.deliver("a@sender.net", source=LISTED))
    broken = host.nsd.zones[zone]
    host.nsd.zones[zone] = host.nsd.zones["list.net"]
    host.nsd.restart()
    try:
        host.policyd.wait_log(f"dnsbl: {zone} is asked again: it answers")
        assert mail.deliver("a@sender.net", source=LISTED) == refused
        assert f"{zone}: it answers" in host.policyd.ctl("status").stdout
        wait_for(lambda: [e["reason"] for e in events(host) if e.get("subject") == zone and e["kind"] == "zone_on"]
                 == [why], "the event")
    finally:
        host.nsd.zones[zone] = broken
        host.nsd.restart()


def test_doctor_sees_it_too(lists, host):
    lists("everything.net", "list.net")

    def found():
        done = host.policyd.ctl("doctor", "--json", "--postfix-config", host.postfix.config, check=False)
        return [f["what"] for f in json.loads(done.stdout)["findings"] if f["rule"] == "dnsbl_off"]

    wait_for(lambda: found() == ["dnsbl.zones: everything.net: it lists everything"], "doctor to find it")


def events(host):
    return [json.loads(line) for line in host.policyd.ctl("events", "--json").stdout.splitlines()]


def test_a_resolver_that_is_silent_refuses_nobody(lists, host, mail):
    lists("list.net")
    host.unbound.freeze()
    try:
        assert is_accepted(mail.deliver("a@sender.net", source="127.0.0.6"))
    finally:
        host.unbound.thaw()


def test_explained(lists, host):
    lists("list.net")
    said = host.policyd.ctl("explain", "--client", LISTED, "--helo", "mail.sender.net", "--recipient", RECIPIENT).stdout
    assert "client [127.0.0.4] blocked using list.net; Listed for the test" in said


@pytest.mark.parametrize("zone, line", [
    ("list.net*0", "'list.net*0': the weight is a number from -100 to 100, not 0"),
    ("list.net=127.0.0", "'list.net=127.0.0': write the filter as 127.0.0.2 or 127.0.0.[2;4..11]")])
def test_wrong_zone_gets_one_line(lists, host, zone, line):
    with pytest.raises(Exception) as failed:
        lists(zone)
    assert line in str(failed.value)
