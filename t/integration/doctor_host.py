# SPDX-License-Identifier: MIT
"""Postfix and policyd as contrib/postfix sets them up, examined by policyctl doctor."""

import json
import os

from mailhost.policyd import Policyd, program
from mailhost.postfix import Postfix
from mailhost.process import run
from mailhost.host import APPLY


class DoctorHost:
    """Configurations below one directory; nothing of Postfix runs."""

    def __init__(self, directory):
        self.postfix = Postfix(directory / "postfix")
        self.policyd = Policyd(directory / "policyd", self.postfix.queue, {"trusted_networks": ["127.0.0.1/32"]})

    def prepare(self):
        """Write every configuration and make the databases."""
        self.postfix.prepare()
        run(APPLY, "-c", self.postfix.config)
        self.policyd.prepare()

    def doctor(self, *options):
        """The finished process."""
        return run(program("policyctl"), "-c", self.policyd.config, "doctor", "--postfix-config", self.postfix.config,
                   *options, check=False)

    def age(self):
        """Postfix's programs wait while its configuration was changed less than two seconds ago."""
        for name in ("main.cf", "master.cf"):
            os.utime(self.postfix.config / name, (0, 0))

    def findings(self, area):
        """The rules that are broken in an area, notes left out: rule, where, what, remedy."""
        self.age()
        report = json.loads(self.doctor("--json").stdout)
        return [f for f in report["findings"] if f["area"] == area and f["level"] in ("warning", "problem")]
