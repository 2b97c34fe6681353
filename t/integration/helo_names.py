# SPDX-License-Identifier: MIT
"""Generated HELO names of every kind, always the same ones, and the zone in which some of them exist."""

import random

COUNT = 300

ZONE = """mail A 192.0.2.1
nodata TXT "no address"
nullmx MX 0 .
mx MX 10 mail
six AAAA 2001:db8::1
alias CNAME mail
dangling CNAME nowhere
loop CNAME loop2
loop2 CNAME loop
under_score A 192.0.2.3
xn--bcher-kva A 192.0.2.4
@ A 192.0.2.5
*.wild A 192.0.2.6
""" + f"{'l' * 63} A 192.0.2.7\n"

# One of each kind first, then random members of the kinds until there are COUNT.
FIXED = [
    "mail.helo.net", "MAIL.Helo.NET", "six.helo.net", "mx.helo.net", "nullmx.helo.net", "alias.helo.net",
    "dangling.helo.net", "loop.helo.net", "nodata.helo.net", "none.helo.net", "helo.net", "any.wild.helo.net",
    "mail.helo.net.", "none.helo.net.", "mail.helo.net..", "x.broken.net", "broken.net", "six.helo.net.",
    "[192.0.2.1]", "[IPv6:2001:db8::1]", "[ipv6:2001:DB8::1]", "[IPv6:::1]", "[300.1.1.1]", "[192.0.2]",
    "[IPv6:zz::1]", "[2001:db8::1]", "[]", "[192.0.2.1", "192.0.2.1]", "192.0.2.1", "2001:db8::1", "[ 192.0.2.1 ]",
    "[x400:host]", "[0.0.0.0]", "[255.255.255.255]", "[192.0.2.01]", "[192.0.2.1.]", "[IPv6:192.0.2.1]",
    "[IPv6:::ffff:192.0.2.1]", "[IPv6:fe80::1%eth0]",
    "laptop", "localhost", "WIN-AB12CD34", "net", "12345", "1.2", "123.456", "1.2.3.4.5", "0x7f.1",
    "under_score.helo.net", "no_such.helo.net", "_helo.helo.net", "a_b", "-lead.helo.net", "trail-.helo.net",
    "a-.helo.net", "mail.-helo.net", "a..helo.net", ".helo.net", ".", "..", "-", "a.b.c.d.e.f.helo.net",
    f"{'l' * 63}.helo.net", f"{'m' * 63}.helo.net", f"{'l' * 64}.helo.net", f"{'a.' * 120}helo.net",
    f"{'a.' * 130}helo.net", f"{'abcdefg.' * 31}helo.net", "xn--bcher-kva.helo.net", "bücher.helo.net",
    "BÜCHER.helo.net", "xn--nothing-4ya.helo.net", "münchen.helo.net", "xn--zzzzzz-.helo.net", "xn--.helo.net",
    "mail.helo.net;id", "mail.helo.net/x", "a%b.helo.net", "a*b.helo.net", "*.wild.helo.net", "mail@helo.net",
    "mail.helo.net:25", "<mail.helo.net>", "(mail.helo.net)", '"mail.helo.net"', "mail,helo.net", "ma\\il.helo.net",
    "m'ail.helo.net", "mail=helo.net", "a&b.helo.net", "mail.helo.net\udcff", "\udce4\udcf6.helo.net", "mail\t.helo.net",
    "\U0001f4ec.helo.net", "mail.helo.net extra", "host.local", "host.invalid", "host.test", "host.onion",
    "host.home.arpa", "host.localhost", "1.in-addr.arpa", "mail.helo.123", "123.helo.net", "9.9.9.helo.net",
]


def _label(rng):
    alphabet = rng.choice(("abcdefghij", "abc0123456789", "ab-_", "aü", "ABCxyz"))
    return "".join(rng.choice(alphabet) for _ in range(rng.choice((1, 2, 5, 9, 20, 63, 64))))


def _random_name(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return ".".join(_label(rng) for _ in range(rng.randrange(1, 5))) + ".helo.net"
    if kind == 1:
        return f"{_label(rng)}.wild.helo.net"
    if kind == 2:
        return "[" + ".".join(str(rng.randrange(0, 300)) for _ in range(rng.choice((3, 4, 4, 4, 5)))) + "]"
    if kind == 3:
        groups = ":".join(f"{rng.randrange(65536):x}" for _ in range(rng.choice((2, 6, 7, 8, 9))))
        return f"[IPv6:{groups}{rng.choice(('', '::', '::1'))}]"
    if kind == 4:
        return rng.choice(FIXED[:18]).rstrip(".") + rng.choice(("", ".", "x", "-", "_"))
    return _label(rng)


def generate(seed=20221):
    """COUNT different names."""
    rng = random.Random(seed)
    names = list(dict.fromkeys(FIXED))
    while len(names) < COUNT:
        name = _random_name(rng)
        if name not in names:
            names.append(name)
    return names
