# SPDX-License-Identifier: MIT
"""Headless Chromium through chromedriver: WebDriver over HTTP, with Chromium's own commands where it has none."""

import base64
import json
import os
import re
import urllib.error
import urllib.request

from .process import Ports, Process, accepts, wait_for

# No sandbox: the tests run as root. Nothing of its own that would ask the network.
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--disable-default-apps", "--disable-extensions",
             "--proxy-server=127.0.0.1:1", "--host-resolver-rules=MAP * ~NOTFOUND"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # as WebDriver names an element in JSON


class Browser:
    """One browser window with a profile of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.port = Ports.free()
        self.driver = None
        self.session = None

    def start(self):
        """Start driver and window."""
        self.driver = Process(["chromedriver", f"--port={self.port}"], self.directory / "chromedriver.log",
                              env={**os.environ, "HOME": str(self.directory)})
        self.driver.wait_ready(lambda: accepts(self.port), "chromedriver")
        options = {"args": [*ARGUMENTS, f"--user-data-dir={self.directory}/profile"]}
        answer = self._ask("POST", "", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.session = answer["sessionId"]

    def stop(self):
        """End both."""
        if self.session:
            self._ask("DELETE", f"/{self.session}")
        if self.driver:
            self.driver.stop()

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/session{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def command(self, method, path, body=None):
        """A command of WebDriver in this session."""
        return self._ask(method, f"/{self.session}/{path}", body)

    def chromium(self, name, **parameters):
        """A command of Chromium's own."""
        return self.command("POST", "goog/cdp/execute", {"cmd": name, "params": parameters})

    def open(self, path):
        """Load a file from disk."""
        self.logged()
        self.requests()
        self.command("POST", "url", {"url": path.as_uri()})

    def run(self, script, *arguments):
        """The value that a function body returns."""
        return self.command("POST", "execute/sync", {"script": script, "args": arguments})

    def all(self, selector):
        """Elements, for click and label."""
        found = self.command("POST", "elements", {"using": "css selector", "value": selector})
        return [element[ELEMENT] for element in found]

    def click(self, element):
        """As a pointer does it."""
        self.command("POST", f"element/{element}/click", {})

    def press(self, element, keys):
        """Typed with the element in focus; "\\ue007" is Enter."""
        self.command("POST", f"element/{element}/value", {"text": keys})

    def label(self, element):
        """The accessible name."""
        return self.command("GET", f"element/{element}/computedlabel")

    def role(self, element):
        """The accessible role."""
        return self.command("GET", f"element/{element}/computedrole")

    def logged(self):
        """What the console said since the last call."""
        return [entry["message"] for entry in self.command("POST", "se/log", {"type": "browser"})]

    def requests(self):
        """Which addresses the page asked for since the last call; what its own policy stopped was never asked."""
        events = [json.loads(entry["message"])["message"]
                  for entry in self.command("POST", "se/log", {"type": "performance"})]
        stopped = {event["params"]["requestId"] for event in events if event["method"] == "Network.loadingFailed"
                   and event["params"].get("blockedReason") == "csp"}
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
                and event["params"]["requestId"] not in stopped]

    def emulate(self, width=1280, scheme="light", medium=""):
        """The width of the screen, its colour scheme, and "print" for paper."""
        self.chromium("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1,
                      mobile=width < 600)
        self.chromium("Emulation.setEmulatedMedia", media=medium,
                      features=[{"name": "prefers-color-scheme", "value": scheme}])

    def pages(self):
        """How many pages of A4 paper it fills."""
        pdf = base64.b64decode(self.command("POST", "print", {"background": True,
                                                              "page": {"width": 21.0, "height": 29.7}}))
        return len(re.findall(rb"/Type /Page\b", pdf))
