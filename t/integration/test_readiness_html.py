# SPDX-License-Identifier: MIT
"""policyctl readiness --html, read by a browser as people read it."""

import datetime
import email
import email.policy
import json
import re
from pathlib import Path

import pytest

from conftest import is_accepted
from mailhost.browser import ELEMENT, Browser
from mailhost.process import let_others_enter, wait_for
from report_data import BOTS, DOMAINS, HOSTILE, HOSTILE_SENDER, OLD_NAME, make_host

TEMPLATES = Path(__file__).parents[2] / "policyctl" / "letter"
# Since a date: by default it is told from this minute on, which may be another one in the next run.
OPTIONS = ("--old-name", OLD_NAME, "--since", (datetime.date.today() - datetime.timedelta(7)).isoformat())
ENTER = "\ue007"

# The texts of a table's column, from the top.
COLUMN = """
const table = [...document.querySelectorAll("table")].find((t) => t.caption && t.caption.textContent === arguments[0]);
const place = [...table.tHead.rows[0].cells].findIndex((c) => c.textContent === arguments[1]);
return [...table.tBodies[0].rows].filter((r) => !r.hidden).map((r) => r.cells[place].textContent);
"""

# Texts with less contrast to what is behind them than WCAG 2.1 asks for (AA: 4.5).
PALE = """
function channels(color) { return color.match(/[\\d.]+/g).map(Number); }
function light(color) {
  const [r, g, b] = channels(color).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
}
function behind(element) {
  for (let e = element; e; e = e.parentElement) {
    const color = getComputedStyle(e).backgroundColor;
    if (channels(color).length < 4 || channels(color)[3] > 0)
      return color;
  }
  return "rgb(255, 255, 255)";
}
const pale = [];
for (const element of document.body.querySelectorAll("*")) {
  if (![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || element.closest("script, style"))
    continue;
  const style = getComputedStyle(element), isText = element.namespaceURI.endsWith("svg");
  if (isText && element.localName !== "text")
    continue;
  const a = light(isText ? style.fill : style.color), b = light(behind(element));
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5)
    pale.push(element.localName + " " + element.textContent.trim().slice(0, 30) + " " + ratio.toFixed(2));
}
return pale;
"""


@pytest.fixture(scope="module")
def policyctl(tmp_path_factory):
    """With a week in its databases."""
    directory = tmp_path_factory.mktemp("report")
    let_others_enter(directory)
    return make_host(directory)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One window for all tests of the module."""
    window = Browser(tmp_path_factory.mktemp("browser"))
    try:
        window.start()
        yield window
    finally:
        window.stop()


@pytest.fixture(scope="module")
def file(policyctl, tmp_path_factory):
    """The host's report on disk."""
    path = tmp_path_factory.mktemp("html") / "report.html"
    path.write_text(policyctl.ctl("readiness", "--html", *OPTIONS).stdout, encoding="utf-8")
    return path


@pytest.fixture
def page(browser, file):
    """It is open, on a wide, light screen."""
    browser.emulate()
    browser.open(file)
    return browser


def sections(browser):
    """The domains' sections as text, without the button."""
    return browser.run("""return [...document.querySelectorAll(".domain")].map((section) => {
        const copy = section.cloneNode(true);
        copy.querySelector("button").remove();
        copy.querySelectorAll("*").forEach((e) => e.append(" "));
        return copy.textContent;
    })""")


def letter(policyctl, domain):
    """Subject and words of the same domain's letter."""
    text = policyctl.ctl("letter", domain, *OPTIONS).stdout
    message = email.message_from_bytes(text.encode(), policy=email.policy.default)
    return (message["Subject"] + " " + message.get_content()).split()


# ---- one file, on its own

def test_asks_for_nothing(page, file):
    assert page.logged() == []
    assert page.requests() == [file.as_uri()]
    text = file.read_text(encoding="utf-8")
    markup = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.S)
    assert set(re.findall(r'\s(?:src|href)="([^"#]*)', markup)) == {"", "data:,"}
    assert set(re.findall(r"url\(([^)]*)\)", text)) == {"#p-lost"}
    assert "@import" not in text and " style=" not in markup and not re.search(r"<[^>]*\son\w+=", markup)


def test_runs_nothing_else(page):
    """Even what would get past the escaping."""
    page.run("""const script = document.createElement("script");
        script.textContent = "window.hacked = 4";
        document.body.append(script);
        const image = document.createElement("img");
        image.src = "http://192.0.2.1/x.png";
        image.setAttribute("onerror", "window.hacked = 5");
        document.body.append(image);""")
    assert page.run("return window.hacked === undefined")
    assert wait_for(lambda: [line for line in page.logged() if "Content Security Policy" in line], "the browser to object")
    assert not [url for url in page.requests() if url.startswith("http")]


def test_what_strangers_wrote_is_text(page):
    names = page.run(COLUMN, "Who meets helo_fqdn", "Who")
    shown = {name.replace("\u202e", "\ufffd") for name in HOSTILE}
    assert set(names) == shown
    assert HOSTILE_SENDER in page.run(COLUMN, "Who meets sender_login", "Sends as")
    assert page.run("return window.hacked === undefined")
    assert page.run("return [document.scripts.length, document.images.length, document.querySelectorAll('bdi b').length]"
                    ) == [1, 0, 0]
    assert page.logged() == []


def test_through_postfix(host, mail, browser, tmp_path):
    """From the wire to the browser."""
    sender = '"<img/src=x/onerror=alert(1)>"@sender.net'
    assert is_accepted(mail.submit("you@domain1.com", sender))
    wait_for(lambda: "onerror" in host.policyd.ctl("readiness", "--csv").stdout, "the sender to be written")
    path = tmp_path / "report.html"
    path.write_text(host.policyd.ctl("readiness", "--html").stdout, encoding="utf-8")
    browser.open(path)
    assert sender in browser.run(COLUMN, "Who meets sender_login", "Sends as")
    assert browser.run("return document.images.length") == 0 and browser.logged() == []


# ---- what it says

def test_verdicts_are_those_of_json(page, policyctl):
    report = json.loads(policyctl.ctl("readiness", "--json", *OPTIONS).stdout)
    shown = page.run("""return [...document.querySelectorAll("tr[data-check]")].map((row) => [row.dataset.check,
        row.querySelector(".mode").textContent, row.querySelector(".badge").textContent,
        Number(row.querySelector("[data-label='Who breaks']").dataset.sort),
        [...row.querySelectorAll(".reasons li")].map((e) => e.textContent)])""")
    assert shown == [[c["check"], c["mode"], c["verdict"], c["breaks"], c["reasons"]] for c in report["checks"]]
    assert {c["verdict"] for c in report["checks"]} == {"enforced", "breaks", "safe", "unknown"}
    for check in report["checks"]:
        if check["subjects"]:
            names = page.run(COLUMN, f"Who meets {check['check']}", "Who")
            assert names == [s["subject"].replace("\u202e", "\ufffd") for s in check["subjects"] for _ in s["causes"]]
    facts = page.run("return [...document.querySelectorAll('.facts dd')].map((e) => e.textContent)")
    assert facts == [f"{report['connected']} of {report['accounts']}", f"{report['accepted']:,}", "0"]


def test_figures_of_the_plots(page, policyctl):
    """Legend and table by the day say what the tallies add up to."""
    moments = json.loads(policyctl.ctl("readiness", "--json", *OPTIONS).stdout)["moments"]
    def of_check(check, figure):
        return sum(m["checks"][check][figure] for m in moments if check in m["checks"])
    legend = page.run("""return [...document.querySelectorAll("figure")].map((f) => [f.querySelector("b").textContent,
        [...f.querySelectorAll(".legend li")].map((e) => e.textContent)])""")
    logins = {kind: sum(m["logins"].get(kind, 0) for m in moments) for kind in ("none", "implicit", "starttls")}
    assert dict(legend) == {
        "Messages": [f"accepted {sum(m['accepted'] for m in moments):,}", f"refused {sum(m['refused'] for m in moments):,}"],
        "Logins by security": [f"without encryption {logins['none']:,}", f"implicit TLS {logins['implicit']:,}",
                               f"STARTTLS {logins['starttls']:,}"],
        "sender_login": [f"accepted, would be refused {of_check('sender_login', 'delivered'):,}"],
        "helo_fqdn": [f"accepted, would be refused {of_check('helo_fqdn', 'delivered'):,}",
                      f"did not arrive anyway {of_check('helo_fqdn', 'observed') - of_check('helo_fqdn', 'delivered'):,}"],
        "helo_local": [f"refused {of_check('helo_local', 'refused'):,}"]}
    by_day = page.run(COLUMN, "Logins by the day and security", "starttls")
    assert 8 <= len(by_day) <= 9 and sum(int(n.replace(",", "")) for n in by_day) == logins["starttls"]


@pytest.mark.parametrize("template", ["", "de.txt"])
def test_words_are_those_of_the_letter(browser, policyctl, tmp_path, template):
    """A section a domain, word by word what "policyctl letter" writes."""
    policyctl.configure(letter={"template": str(TEMPLATES / template) if template else ""})
    try:
        path = tmp_path / "report.html"
        path.write_text(policyctl.ctl("readiness", "--html", *OPTIONS).stdout, encoding="utf-8")
        browser.open(path)
        texts = sections(browser)
        assert [text.split() for text in texts] == [letter(policyctl, domain) for domain in DOMAINS]
    finally:
        policyctl.configure(letter={"template": ""})
    settings = browser.run("""return [...document.querySelectorAll(".domain .settings")][0].innerText""").split()
    assert settings[1::2] == ["imap.hosting.example", "143", "STARTTLS"]
    assert browser.run("return [...document.querySelectorAll('.words > div')].map((e) => e.lang)") == [
        ""] * len(browser.all(".words"))
    assert ("Servername" if template else "Server") in browser.run("return document.body.textContent")


def test_words_for_each_cause(page):
    told = page.run("""return Object.fromEntries([...document.querySelectorAll(".check")].map((s) =>
        [s.querySelector("h3").id, s.querySelector(".words")?.innerText ?? ""]))""")
    assert "Encryption\tSTARTTLS" in told["check-starttls"] and "Port\t110" in told["check-starttls"]
    assert "on a port that will be closed" in told["check-implicit_tls"]
    assert "does not belong to this account" in told["check-sender_login"]
    assert "Dear administrator of " + HOSTILE[-1] in told["check-helo_fqdn"]
    assert "The reply will be:" in told["check-helo_fqdn"]
    assert told["check-helo_local"] == ""  # it is enforced: nobody would break
    assert "imap27.hosting.example will go" in told["habit-old_server_name"]
    assert "more was sent from this account" in told["check-send_limit"].lower()
    assert "User name\tNAME@DOMAIN" in told["habit-bare_name"]
    assert "Choose a new one" in told["habit-exposed"]


def test_domain_and_check(browser, policyctl, tmp_path):
    path = tmp_path / "domain.html"
    path.write_text(policyctl.ctl("readiness", "--html", "--domain", "bakery.example").stdout, encoding="utf-8")
    browser.open(path)
    assert "school.example" not in path.read_text(encoding="utf-8")
    assert browser.run("return document.title") == "Readiness of bakery.example"
    assert browser.run("return document.querySelector('figcaption span').textContent") == "by the day"
    path.write_text(policyctl.ctl("readiness", "--html", "--check", "sender_login").stdout, encoding="utf-8")
    browser.open(path)
    assert browser.run("return [...document.querySelectorAll('tr[data-check]')].map((r) => r.dataset.check)") == [
        "sender_login"]
    [section] = sections(browser)
    assert "does not belong to this account" in section and "Encryption" not in section


def test_nothing_seen(browser, tmp_path):
    let_others_enter(tmp_path)
    path = tmp_path / "report.html"
    path.write_text(make_host(tmp_path, empty=True).ctl("readiness", "--html").stdout, encoding="utf-8")
    browser.open(path)
    text = browser.run("return document.querySelector('main').innerText")
    for line in ("nothing was seen yet: no message and no login", "Nothing was counted yet.", "Nobody met any check.",
                 "None were seen.", "Nothing is known that any account would have to change."):
        assert line in text
    assert not browser.all("figure") and browser.logged() == []


# ---- how it is read

def test_names_for_a_screen_reader(page):
    page.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.run("return [document.documentElement.lang, document.title]") == ["en", "Readiness of mx.hosting.example"]
    for selector, role in (("main section", "region"), ("nav", "navigation"), ("table", "table"), ("figure > svg", "image"),
                           ("button", "button"), ("input", "searchbox"), ("main a", "link"), (".wide", "region")):
        elements = page.all(selector)
        assert elements, selector
        for element in elements:
            assert page.label(element).strip(), (selector, page.run("return arguments[0].outerHTML",
                                                                    {ELEMENT: element}))
        assert page.role(elements[0]) in (role, "img"), selector
    levels = [int(name[1]) for name in page.run(
        "return [...document.querySelectorAll('h1, h2, h3, h4')].map((e) => e.localName)")]
    assert levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:]))


def test_sorting(page):
    who, times = ([button for button in page.all(".check table button") if page.label(button) == name][0]
                  for name in ("Who", "Times"))
    caption = "Who meets starttls"
    counts = page.run(COLUMN, caption, "Times")

    def order(button):
        return page.run("return arguments[0].closest('th').getAttribute('aria-sort')",
                        {ELEMENT: button})
    assert (order(who), order(times)) == (None, None)
    page.click(times)
    assert page.run(COLUMN, caption, "Times") == sorted(counts, key=int, reverse=True)
    assert order(times) == "descending"
    page.press(times, ENTER)
    assert page.run(COLUMN, caption, "Times") == sorted(counts, key=int)
    assert order(times) == "ascending"
    page.press(who, ENTER)
    names = page.run(COLUMN, caption, "Who")
    assert names == sorted(names) and set(names) == {"anna@bakery.example", "emil@school.example"}
    assert (order(who), order(times)) == ("ascending", None)


def test_numbers_sort_as_numbers(page):
    caption = "Logs in without a domain"
    assert page.run(COLUMN, caption, "Times") == ["9"]
    caption = "Asks for the old server name"
    assert page.run(COLUMN, caption, "Times") == ["1,000"]
    buttons = page.all("[aria-label='Messages by the day; by check, those that it refused, or that arrived and would have "
                       "been refused'] button")
    page.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.click(buttons[1])
    shown = page.run(COLUMN, "Messages by the day; by check, those that it refused, or that arrived and would have been "
                     "refused", "Accepted")
    numbers = [int(text.replace(",", "")) for text in shown]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] >= 1000


def test_search_in_a_long_table(page):
    [field] = page.all("input")
    caption = "Who meets helo_resolve"
    assert page.label(field) == f"Show only rows of {caption} with"
    assert len(page.run(COLUMN, caption, "Who")) == BOTS
    page.press(field, "BOT17.")
    assert page.run(COLUMN, caption, "Who") == ["bot17.example"]
    assert page.run("return document.querySelector('output').textContent") == f"1 of {BOTS}"


def test_without_script(browser, file, policyctl):
    checks = json.loads(policyctl.ctl("readiness", "--json").stdout)["checks"]
    browser.chromium("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(file)
        assert not browser.all("button") and not browser.all("input")
        assert len(browser.all("tr[data-check]")) == len(checks) and len(browser.all("figure > svg")) == 5
    finally:
        browser.chromium("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("scheme, dark", [("light", False), ("dark", True)])
def test_light_and_dark(page, scheme, dark):
    page.emulate(scheme=scheme)
    background = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 200) == dark
    assert page.run(PALE) == []


def test_on_a_phone(page):
    page.emulate(width=390)
    assert page.run("return [document.documentElement.scrollWidth, innerWidth]") == [390, 390]
    assert page.run("return [...document.querySelectorAll('.verdicts *')].every((e) => "
                    "e.getBoundingClientRect().right <= 390)")


def test_on_paper(page):
    page.emulate(medium="print", scheme="dark")
    assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("return [...document.querySelectorAll('.domain')].every((e) => getComputedStyle(e).breakBefore === "
                    "'page')")
    assert page.run(PALE) == []
    page.emulate()
    everything = page.pages()
    page.run("document.querySelector('.domain').parentElement.classList.add('chosen');"
             "document.querySelector('.domain').classList.add('chosen'); document.body.classList.add('one-only');")
    assert page.pages() == 1 < everything - len(DOMAINS)


# ---- the command

def test_wrong_usage(policyctl):
    done = policyctl.ctl("readiness", "--html", "--json", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (
        2, "", "policyctl: --csv, --html and --json exclude each other\n")


def test_wrong_template(policyctl, tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("[subject]\nChange this\n", encoding="utf-8")
    policyctl.configure(letter={"template": str(own)})
    try:
        done = policyctl.ctl("readiness", "--html", check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"policyctl: {own}: section [opening] is missing: see en.txt\n"
    finally:
        policyctl.configure(letter={"template": ""})
