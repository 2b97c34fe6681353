# SPDX-License-Identifier: MIT
"""Who the customers are and what their programs do: what is set up, and what is done, of a seed.

Nothing here knows which of it a rule refuses: that is for the servers to say.
"""

import random
from dataclasses import dataclass, field

PASSWORD = "secret"
NEW_NAME, OLD_NAME = "imap.postern.example", "imap27.old.example"
DEFAULT_DOMAIN = "north.example"
DOMAINS = [DEFAULT_DOMAIN, "south.example", "east.example", "west.example", "spared.example", "xn--bcher-kva.example"]
ALIAS_DOMAIN = "alias.example"  # of the first
OUTSIDE = "someone@elsewhere.net"


# ---- what is done

@dataclass(frozen=True)
class Login:
    """A mail program that reads mail."""

    protocol: str  # imap, pop3
    security: str  # none, starttls, implicit
    user: str
    password: str = PASSWORD
    mechanism: str = "plain"
    server_name: str = NEW_NAME


@dataclass(frozen=True)
class Submission:
    """A mail program that logs in and sends one message."""

    service: str  # submission, submissions, cleartext
    user: str
    sender: str


@dataclass(frozen=True)
class Delivery:
    """Another server that sends one message."""

    helo: str
    sender: str
    recipient: str


# ---- how people's programs do it: each of these is one program of one account

def imap_starttls(who):
    return Login("imap", "starttls", who.address)


def imap_in_clear(who):
    return Login("imap", "none", who.address)


def imap_implicit(who):
    return Login("imap", "implicit", who.address)


def pop3_starttls(who):
    return Login("pop3", "starttls", who.address)


def pop3_in_clear(who):
    return Login("pop3", "none", who.address)


def pop3_implicit(who):
    return Login("pop3", "implicit", who.address)


def challenge_in_clear(who):
    return Login("imap", "none", who.address, mechanism="cram-md5")


def wrong_password_in_clear(who):
    return Login("imap", "none", who.address, password="wrong")


def old_server_name(who):
    return Login("imap", "starttls", who.address, server_name=OLD_NAME)


def old_server_name_implicit(who):
    return Login("pop3", "implicit", who.address, server_name=OLD_NAME)


def upper_case(who):
    return Login("imap", "starttls", who.address.upper())


def sends_as_itself(who):
    return Submission("submission", who.address, who.address)


def sends_with_extension(who):
    return Submission("submission", who.address, who.address.replace("@", "+list@"))


def sends_without_sender(who):
    return Submission("submission", who.address, "")


def sends_over_implicit(who):
    return Submission("submissions", who.address, who.address)


def sends_in_clear(who):
    return Submission("cleartext", who.address, who.address)


def sends_by_starttls_where_it_need_not(who):
    return Submission("cleartext+starttls", who.address, who.address)


def sends_as_alias(who):
    return Submission("submission", who.address, who.world.alias_to(who.address))


def sends_as_granted(who):
    return Submission("submission", who.address, who.world.grant_to(who.address))


def sends_as_colleague(who):
    """Whom he may not send as."""
    return Submission("submission", who.address, who.world.colleague_of(who.address))


def sends_as_outsider(who):
    """The address he has elsewhere."""
    return Submission("submission", who.address, f"{who.address.partition('@')[0]}@private.net")


def sends_as_nobody(who):
    """A hosted address that does not exist."""
    return Submission("submission", who.address, who.address.replace("@", "-gone@"))


PROGRAMS = {
    imap_starttls: 30, imap_in_clear: 5, imap_implicit: 6, pop3_starttls: 8, pop3_in_clear: 4, pop3_implicit: 2,
    challenge_in_clear: 2, wrong_password_in_clear: 2, old_server_name: 4, old_server_name_implicit: 1, upper_case: 1,
    sends_as_itself: 18, sends_with_extension: 2, sends_without_sender: 1, sends_over_implicit: 4, sends_in_clear: 2,
    sends_by_starttls_where_it_need_not: 1, sends_as_alias: 3, sends_as_granted: 2, sends_as_colleague: 2,
    sends_as_outsider: 2, sends_as_nobody: 1,
}

# Only of the default domain: the name without it, and the alias domain.


def bare_name(who):
    return Login("imap", "starttls", who.address.partition("@")[0])


def bare_name_sending(who):
    return Submission("submission", who.address.partition("@")[0], who.address)


def sends_as_alias_domain(who):
    return Submission("submission", who.address, who.address.replace(DEFAULT_DOMAIN, ALIAS_DOMAIN))


DEFAULT_DOMAIN_PROGRAMS = {bare_name: 3, bare_name_sending: 2, sends_as_alias_domain: 3}


# ---- everybody

@dataclass
class Account:
    """Somebody with some programs."""

    address: str
    world: "World" = field(repr=False)
    programs: list = field(default_factory=list)
    actions: list = field(default_factory=list)


class World:
    """All that is set up and done."""

    def __init__(self, seed, accounts, active):
        self.random = random.Random(seed)
        self.accounts = [Account(f"user{n:04}@{self._domain(n)}", self) for n in range(accounts)]
        self.aliases = {}   # address: destinations
        self.grants = set()  # (account, sender)
        self.exceptions = {}  # account or domain: check
        for account in self.random.sample(self.accounts, active):
            self._give_programs(account)
        self.deliveries = self._deliveries()
        self._make_exceptions()

    def _domain(self, number):
        return DOMAINS[0] if number % 3 == 0 else self.random.choice(DOMAINS)

    def _give_programs(self, account):
        programs = PROGRAMS | (DEFAULT_DOMAIN_PROGRAMS if account.address.endswith("@" + DEFAULT_DOMAIN) else {})
        count = self.random.choice((1, 1, 1, 2, 2, 3))
        account.programs = self.random.choices(list(programs), list(programs.values()), k=count)
        account.actions = [program(account) for program in account.programs]

    # -- what programs ask for

    def alias_to(self, address):
        """An alias of that account."""
        name, _, domain = address.partition("@")
        self.aliases[f"info-{name}@{domain}"] = [address]
        return f"info-{name}@{domain}"

    def grant_to(self, address):
        """A foreign address that it was granted."""
        sender = f"office-{address.partition('@')[0]}@customer.net"
        self.grants.add((address, sender))
        return sender

    def colleague_of(self, address):
        """Somebody else."""
        return self.random.choice([a.address for a in self.accounts[:100] if a.address != address])

    # -- other servers

    def _deliveries(self):
        """Real mail of servers with good and bad names, and spam with bad names that never arrives."""
        recipients = [a.address for a in self.random.sample(self.accounts, 40)]
        found = []
        for n in range(60):
            helo = self.random.choice((
                "mail.sender.net", f"mail{n}.nowhere.test", f"exchange{n}", f"server{n}.lan", f"SRV{n}.local",
                "mx.postern.example", f"ok{n}.sender.net", "[127.0.0.2]"))
            found.append(Delivery(helo, f"person{n}@sender.net", self.random.choice(recipients)))
        for n in range(120):
            helo = self.random.choice((f"bot{n}", f"bot{n}.nowhere.test", f"bot{n}.local", f"bot{n}.lan"))
            found.append(Delivery(helo, f"bot{n}@sender.net", f"nobody{n}@{DEFAULT_DOMAIN}"))
        for account in self.random.sample(self.accounts, 6):  # by way of a forwarder
            found.append(Delivery("mail.sender.net", account.address, self.random.choice(recipients)))
        return found

    # -- who is spared

    def _make_exceptions(self):
        self.exceptions["spared.example"] = "sender_login"
        for program, check in ((imap_in_clear, "starttls"), (imap_implicit, "implicit_tls"),
                               (sends_as_outsider, "sender_login")):
            users = [a for a in self.accounts if program in a.programs and a.address not in self.exceptions]
            for account in self.random.sample(users, max(1, len(users) // 5)):
                self.exceptions[account.address] = check

    def users_of(self, *programs):
        """The addresses of those who have one of them."""
        return {a.address for a in self.accounts if set(programs) & set(a.programs)}
