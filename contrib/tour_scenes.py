# SPDX-License-Identifier: MIT
"""What contrib/tour.py shows: the zones and accounts of its host, and each dialogue with the reply that is due."""

from dataclasses import dataclass

from mailhost.host import PASSWORD

ACCEPTED = "250 2.0.0 Ok: queued as "
LOGGED_IN = "Logged in"

ZONES = {
    "mydomain.com": "@ A 192.0.2.10\n@ MX 10 mydomain.com.\n",
    "sender.net": "mail A 192.0.2.20\n@ MX 10 mail\n",
    "app.net": "out A 192.0.2.30\n",
}

LOGINS = ("you@domain1.com", "other-address@domain2.net")

ACCOUNTS = """
domain add domain1.com
domain add domain2.net
account add you@domain1.com
account add other-address@domain2.net
policy set sender_login enforce --yes
policy set sender_auth enforce --yes
policy set helo_resolve enforce --yes
"""


@dataclass
class Dialogue:
    """One run of swaks, or of curl for imap and pop3; expected is the server's last reply to its whole length,
    or one of ACCEPTED and LOGGED_IN."""
    why: str
    service: str
    options: tuple
    expected: str
    before: tuple = ()


def stranger(helo, sender, source="127.0.0.2"):
    """swaks options of a mail server that delivers to this host."""
    return ("--local-interface", source, "--helo", helo, "--from", sender, "--to", "you@domain1.com")


def user(login, sender):
    """swaks options of a mail program that logs in and sends out."""
    return ("--local-interface", "127.0.0.2", "--helo", "laptop", "--tls", "--auth", "PLAIN", "--auth-user", login,
            "--auth-password", PASSWORD, "--from", sender, "--to", "someone@elsewhere.net")


def mailbox(login, *options):
    """curl options of a mail program that reads mail."""
    return ("--interface", "127.0.0.2", "--user", f"{login}:{PASSWORD}", "--login-options", "AUTH=PLAIN", *options)


SCENES = (
    ("S1  An address of this host, used without logging in", (
        Dialogue("Another provider's server sends as you@domain1.com, a mailbox of this host. Whoever has that "
                 "mailbox can log in, so mail without a login is refused.",
                 "smtp", stranger("mail.sender.net", "you@domain1.com"),
                 "554 5.7.1 <you@domain1.com>: Sender address rejected: "
                 "SMTP AUTH is required for users under this sender domain"),
        Dialogue("A cloud application that is known to send as you@domain1.com is allowed by its sender address "
                 "and network; from there the same mail is accepted.",
                 "smtp", stranger("out.app.net", "you@domain1.com", "127.0.0.3"), ACCEPTED,
                 before=("list", "allow", "--sender", "you@domain1.com", "--client", "127.0.0.3/32")),
    )),
    ("S2  Logged in as one, sending as another", (
        Dialogue("A mail program sends all its mail through one login. The reply names both addresses.",
                 "submission", user("other-address@domain2.net", "you@domain1.com"),
                 "553 5.7.1 <you@domain1.com>: Sender address rejected: You are logged in as "
                 "other-address@domain2.net, which may not send as you@domain1.com"),
        Dialogue("Logged in as the user that owns the address, the same mail is accepted.",
                 "submission", user("you@domain1.com", "you@domain1.com"), ACCEPTED),
    )),
    ("S4  A password without encryption", (
        Dialogue("A mail program is set to no encryption. The password was right, so the reason names the setting "
                 "to change; whoever guesses reads none.",
                 "imap", mailbox("you@domain1.com"),
                 "NO [ALERT] This server takes no password without encryption. Set Encryption to STARTTLS on port "
                 "{port}"),
        Dialogue("The same login after STARTTLS.", "imap", mailbox("you@domain1.com", "--ssl-reqd"), LOGGED_IN),
        Dialogue("S17: an old program logs in with the bare name. The default domain completes it.",
                 "pop3", mailbox("you", "--ssl-reqd"), LOGGED_IN),
    )),
    ("S8  A HELO name that cannot exist on the Internet", (
        Dialogue("A badly set up Exchange server says its internal name.",
                 "smtp", stranger("senderdomain.local", "anna@sender.net"),
                 "554 5.7.1 <senderdomain.local>: Helo command rejected: Go away, bad guy (.local)."),
    )),
    ("S9  A HELO name that is not in the DNS", (
        Dialogue("NSD serves mydomain.com, but no such name in it. The refusal is temporary: the name may be "
                 "added, and a DNS failure is never taken for \"not found\".",
                 "smtp", stranger("mailserver.mydomain.com", "anna@mydomain.com"),
                 "450 4.7.1 <mailserver.mydomain.com>: Helo command rejected: Host not found"),
        Dialogue("An honest server with a name that resolves delivers its mail.",
                 "smtp", stranger("mail.sender.net", "anna@sender.net"), ACCEPTED),
    )),
    ("S10 A stolen password", (
        Dialogue("One row in the account table shuts every service at once, and the owner reads why. Mail to the "
                 "account still arrives.",
                 "imap", mailbox("you@domain1.com", "--ssl-reqd"), "NO [ALERT] Account suspended: stolen password",
                 before=("account", "suspend", "you@domain1.com", "--reason", "stolen password")),
        Dialogue("The same in the mail program that sends.",
                 "submission", user("you@domain1.com", "you@domain1.com"),
                 "535 5.7.8 Error: authentication failed: Account suspended: stolen password"),
        Dialogue("Mail to it arrives.", "smtp", stranger("mail.sender.net", "anna@sender.net"), ACCEPTED),
        Dialogue("Released: IMAP is open again.",
                 "imap", mailbox("you@domain1.com", "--ssl-reqd"), LOGGED_IN,
                 before=("account", "release", "you@domain1.com")),
        Dialogue("And so is SMTP.", "submission", user("you@domain1.com", "you@domain1.com"), ACCEPTED),
    )),
)
