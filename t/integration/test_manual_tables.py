# SPDX-License-Identifier: MIT
"""The manual and CHANGES.md against the tables of the sources: checks, contexts, replies, causes, signals, the log's
fields, metrics, events and exit statuses.  What is in one place only, or differs, is named by the failure."""

import re
import urllib.request

import pytest

from admin import alone  # noqa: F401  (a fixture)
from mailhost.policyd import program
from mailhost.process import PATIENCE, Ports, run
from test_manual import TOP, section

SUBJECTS = {"LOGIN": "login", "SENDER_DOMAIN": "sender's domain", "RECIPIENT_DOMAIN": "recipient's domain"}


def source(*path):
    """A source file as text, its split string literals joined."""
    return re.sub(r'"\s*\n\s*"', "", TOP.joinpath(*path).read_text())


def mdoc(page, heading):
    """A section of a page's source; quotes as characters."""
    text = (TOP / "doc" / page).read_text()
    text = text[text.index(f".Sh {heading}\n"):]
    return re.split(r"^\.Sh ", text, maxsplit=2, flags=re.M)[1].replace("\\(dq", '"')


def check_infos():
    """Rows of check_infos: name, mode, subject, action, text, whether it holds."""
    rows = re.findall(r'\[CHECK_\w+\] = \{\s*"(\w+)",\s*"[^"]*",\s*MODE_(\w+),\s*SUBJECT_(\w+),\s*"([^"]*)",\s*'
                      r'"([^"]*)",\s*(true|false)', source("lib", "check_info.c"))
    assert len(rows) == len(re.findall(r"^ +\[CHECK_", source("lib", "check_info.c"), re.M)) >= 14
    return rows


def items(text):
    """{tag: what is below it} of the list items in a section's source."""
    found = re.findall(r"^\.It Cm ([^\n]*)\n(.*?)(?=^\.It |^\.El|\Z)", text, re.S | re.M)
    return dict(found)


# -- checks and their replies

def test_every_check():
    """Default mode, whose rows count, and the code of the reply."""
    told = re.findall(r"^ {5}(\w+) +Refuses.*?Default (\w+), by the ([a-z' ]+);\s+‘([^’]+)’",
                      section("policyd.8", "CHECKS"), re.M | re.S)
    assert told == [(name, mode.lower(), SUBJECTS[subject], action)
                    for name, mode, subject, action, _, _ in check_infos()]


def test_every_context():
    """Which checks answer in which of Postfix's lists."""
    names = {f"CHECK_{name.upper()}": name for name, *_ in check_infos()}
    wanted = {}
    for check, contexts in re.findall(r"^ +\[(CHECK_\w+)\] = \{.*?\.contexts = ([A-Z_ |]+),",
                                      source("policyd", "check.c"), re.S | re.M):
        for context in re.findall(r"CONTEXT_(\w+)", contexts):
            wanted.setdefault(context.lower().replace("_", "-"), []).append(names[check])
    listed = items(mdoc("policyd.8", "CHECKS"))
    told = {name: re.findall(r"\w+", listed[name].removeprefix(".Cm")) for name in wanted}
    assert told == wanted


def test_whom_an_allow_entry_spares():
    """Which checks, in both pages; those of HELO names go by one word."""
    rows = re.findall(r"^ +\[CHECK_(\w+)\] = \{(.*?)\},\n", source("policyd", "check.c"), re.S | re.M)
    spared = {name.lower() for name, row in rows if "HELO_FLAGS" in row or "CHECK_SKIPPED_BY_ALLOW" in row}
    spared = {"HELO checks" if name.startswith("helo_") else name for name in spared}
    assert len(spared) >= 4
    for page, start in (("policyd.8", "an allow entry spares mail"), ("policyctl.1", "Spare this mail")):
        text = (TOP / "doc" / page).read_text()
        told = " ".join(re.search(rf"^.*{start}(.*?)(, never|\.)$", text, re.S | re.M).group(1).split())
        assert set(re.findall(r"HELO checks|\b[a-z]+_[a-z]+\b|\bdnsbl\b|\bgreylist\b", told)) == spared, page


def test_every_reply():
    """The whole reply, code and default text, in policyd(8)."""
    told = [(name, re.match(r"\.Ql (.*)\n", text).group(1))
            for name, text in items(mdoc("policyd.8", "REPLIES")).items()]
    assert told == [(name, f"{action} {text}") for name, _, _, action, text, _ in check_infos()]


def test_replies_of_no_check():
    """Codes that stand elsewhere in the sources."""
    files = [path for path in (TOP / "policyd").rglob("*.c")]
    texts = {text for path in files for text in re.findall(r'"(\d{3} \d\.\d\.\d [^"]+)"', source(path))}
    assert texts and texts == set(re.findall(r"^\.Ql (451 .*) \.$", mdoc("policyd.8", "REPLIES"), re.M))
    changes = (TOP / "CHANGES.md").read_text()
    assert all(f"`{text}`" in changes for text in texts)


def test_replies_in_changes():
    """They are versioned there."""
    text = (TOP / "CHANGES.md").read_text()
    replies = text[text.index("### Replies"):text.index("### Log")]
    assert re.search(r"^Version \d+\.", replies, re.M)
    assert re.findall(r"^\| `(\w+)` \| `(.*)` \|$", replies, re.M) == [
        (name, f"{action} {text}") for name, _, _, action, text, _ in check_infos()]


def test_every_mode_that_holds():
    holds = {name for name, *_, holds in check_infos() if holds == "true"}
    told = {name for name, text in items(mdoc("policyd.8", "REPLIES")).items() if ".Ql HOLD" in text}
    assert told == holds


def test_every_cause():
    """Causes that a check names by itself; others are a suffix or a list's name."""
    listed = items(mdoc("policyd.8", "REPLIES"))
    for path in sorted((TOP / "policyd" / "checks").glob("*.c")):
        text = source(path)
        causes = set(re.findall(r'check_refuse\(c, f, "(\w+)"', text))
        if path.stem == "starttls":  # two checks in one file
            assert set(re.findall(r'return refuse\(c, f, "(\w+)"', text)) == {"no_tls", "implicit_tls"}
            continue
        told = set(re.findall(r"^\.Cm (\w+) [:;,.]$|^\.Cm (\w+)$", listed[path.stem], re.M))
        told = {one or other for one, other in told} - {"refuse_null_sender", "hold"}
        assert told == causes, path.stem


def test_every_signal():
    """Of compromise."""
    rows = re.findall(r'SIGNAL\(\w+, "(\w+)"', source("lib", "signal_info.c"))
    text = mdoc("policyd.8", "CHECKS")
    text = text[text.index(".Ss Stolen accounts"):text.index(".Ss Sending limits")]
    assert len(rows) >= 7 and set(items(text)) == set(rows)


# -- log, metrics, events

def test_every_field_of_the_log():
    """In its order, in the manual and in CHANGES.md."""
    text = source("policyd", "policy.c")
    text = text[text.index("void policy_log_line("):]
    fields = ["decision", "check", "observed"] + re.findall(r'SPAN_INIT\(" (\w+)="\)', text) + ["reply", "shed", "us"]
    assert len(fields) >= 14
    told = re.search(r"Its fields, in this order:\n\.Cm (.*) \.$", mdoc("policyd.8", "LOG"), re.M).group(1)
    assert told.split(" , ") == fields
    changes = (TOP / "CHANGES.md").read_text()
    log = changes[changes.index("### Log"):changes.index("### Events")]
    assert re.search(r"^Version \d+\.", log, re.M) and re.findall(r"(\w+)=", log) == fields


def test_every_decision():
    """As the log and the metric name them."""
    outcomes = set(re.findall(r'strbuf_adds\(out, d->decided_by < 0 \? "(\w+)" : d->degraded \? "(\w+)" : '
                              r'd->held \? "(\w+)" : "(\w+)"\)', source("policyd", "policy.c"))[0])
    log = mdoc("policyd.8", "LOG")
    told = re.search(r"^\.Cm decision\nis\n(.*?);", log, re.S | re.M).group(1)
    assert set(re.findall(r"\b(pass|refuse|hold|defer)\b", told)) == outcomes


def test_every_metric(alone):  # noqa: F811
    """Name, type and help, as a running policyd says them."""
    port = Ports.free()
    alone.policyd.configure(metrics_listen=[f"inet:127.0.0.1:{port}"], dnsbl={"zones": ["list.example"]})
    alone.policyd.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
    finally:
        alone.policyd.stop()
    helps = dict(re.findall(r"^# HELP (\w+) (.*)$", text, re.M))
    wanted = {name: (kind, helps[name]) for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M)}
    told = {tag.split()[0]: (tag.split()[2], body.splitlines()[0])
            for tag, body in items(mdoc("policyd.8", "METRICS")).items()}
    assert len(wanted) >= 40 and told == wanted
    labels = {}
    for name, inside in re.findall(r"^(\w+)\{([^}]*)\}", text, re.M):
        name = re.sub(r"_(bucket|sum|count)$", "", name)
        labels.setdefault(name, set()).update(set(re.findall(r'(\w+)="', inside)) - {"le"})
    labels = {name: found for name, found in labels.items() if found}
    page = {tag.split()[0]: set(re.findall(r"\w+", body.split(".Cm ")[1]))
            for tag, body in items(mdoc("policyd.8", "METRICS")).items() if ".Cm " in body}
    assert labels == {name: page[name] for name in labels}


def test_every_event():
    """Kinds and members, in policyctl(1)."""
    text = source("lib", "event_row.c")
    kinds = set(re.findall(r'\[EVENT_\w+\] = "(\w+)"', text))
    members = re.findall(r'\[EVENT_\w+\] = \{ "(\w+)"', text)
    page = mdoc("policyctl.1", "EVENTS")
    listed = items(page)
    assert len(kinds) >= 11 and set(re.findall(r"\b[a-z]+_[a-z]+\b|\bcompromise\b", listed["kind"])) == kinds
    assert re.findall(r"\w+", " ".join(listed)) == ["version", "id", "time", "kind", "account", "subject", "services",
                                                    "until", "reason", "by", "evidence"]
    assert {"version", *members} == set(re.findall(r"\w+", " ".join(listed)))
    changes = (TOP / "CHANGES.md").read_text()
    assert all(f" {name}" in changes[changes.index("### Events"):].replace("`", " ").replace("\n", " ")
               for name in members)


# -- exit statuses

def statuses(page):
    """Those that a page tells of."""
    return re.findall(r"^ {5}(\d) ", section(page, "EXIT STATUS"), re.M)


def test_exit_statuses_of_policyctl():
    names = re.findall(r"^ +STATUS_\w+", re.search(r"enum status \{(.*?)\};", source("policyctl", "command.h"),
                                                   re.S).group(1), re.M)
    assert statuses("policyctl.1") == [str(number) for number in range(len(names))]


@pytest.mark.parametrize("name, page", [("policyd", "policyd.8"), ("postern-act", "postern-act.8")])
def test_exit_statuses_of_a_daemon(alone, tmp_path, name, page):  # noqa: F811
    """Each that is told of happens, and no other."""
    wrong = tmp_path / "policyd.conf"
    wrong.write_text("no_such_key = 1\n")
    found = [run(program(name), *options, check=False).returncode
             for options in (("-t", "-c", alone.policyd.config), ("-t", "-c", wrong), ("-X",))]
    assert [str(status) for status in found] == statuses(page) == ["0", "1", "2"]
    text = source(name, "main.c")
    assert set(re.findall(r"return (\d);", text)) | set(re.findall(r"exit\((\d)\)", text)) <= {"0", "1", "2"}


def test_every_page_is_installed():
    """And named by the others."""
    pages = {path.name for path in (TOP / "doc").iterdir() if re.search(r"\.[1-8]$", path.name)}
    installed = re.search(r"^dist_man_MANS = (.*)$", (TOP / "Makefile.am").read_text(), re.M).group(1)
    assert pages == set(re.findall(r"doc/(\S+\.[1-8])\b", installed))
    for page in pages:
        name, number = page.rsplit(".", 1)
        assert any(f".Xr {name} {number}" in (TOP / "doc" / other).read_text() for other in pages - {page}), page
