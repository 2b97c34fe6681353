# SPDX-License-Identifier: MIT
"""Faults and what became of them: each is a function that tries until its time is used up and says what was bad."""

import random
import shutil
import time
import traceback
from pathlib import Path

from mailhost.process import let_others_enter

FAULTS = []

# A bad outcome is shown this often; the rest is counted.
SHOWN = 5


def fault(numbers, what, share=1):
    """Registers a function of a Trial: the fault's numbers in doc/reliability.md, and its share of the time."""
    def register(function):
        FAULTS.append((numbers, what, share, function))
        return function
    return register


class Trial:
    """One fault's turn."""

    def __init__(self, numbers, what, seconds, directory, seed):
        self.numbers, self.what = numbers, what
        self.directory = Path(directory)
        self.random = random.Random(f"{seed} {numbers} {what}")
        self.seconds = seconds
        self.until = None
        self.tries = self.bad = 0
        self.notes = []

    def more(self):
        """True once, and then as long as there is time; its time begins with the first call."""
        now = time.monotonic()
        self.until = self.until or now + self.seconds
        if self.tries and now >= self.until:
            return False
        self.tries += 1
        return True

    def check(self, good, what):
        """Counts, and shows, what is not as it should be."""
        if not good:
            self.bad += 1
            if self.bad <= SHOWN:
                print(f"    fault {self.numbers}, try {self.tries}: {what}", flush=True)
        return good

    def note(self, text):
        """What was measured."""
        self.notes.append(text)

    def run(self, function):
        """Calls the fault's function; what it raises is a bad outcome, too."""
        self.directory.mkdir(parents=True)
        let_others_enter(self.directory)
        try:
            function(self)
        except Exception:  # pylint: disable=broad-except
            self.check(False, traceback.format_exc(limit=4))
        if self.bad == 0:
            shutil.rmtree(self.directory, ignore_errors=True)

    def outcome(self):
        """A word or two for the table."""
        good = "; ".join(["good", *self.notes])
        return good if self.bad == 0 else f"BAD: {self.bad}"


def run_all(seconds, seed, directory, only=None):
    """Every fault in turn; the trials, finished."""
    chosen = [f for f in FAULTS if not only or set(only) & set(f[0].replace(",", " ").split())]
    shares = sum(share for _, _, share, _ in chosen)
    trials = []
    for number, (numbers, what, share, function) in enumerate(chosen):
        trial = Trial(numbers, what, seconds * share / shares, Path(directory) / f"{number:02}", seed)
        start = time.monotonic()
        trial.run(function)
        print(f"{numbers:10}  {what}: {trial.tries} in {time.monotonic() - start:.0f} s, {trial.outcome()}", flush=True)
        trials.append(trial)
    return trials


def print_table(trials):
    """Fault, what, tries, outcome; at most 80 columns where the notes are short."""
    print(f"\n{'fault':10}  {'what':38}  {'tries':>6}  outcome")
    for trial in trials:
        print(f"{trial.numbers:10}  {trial.what[:38]:38}  {trial.tries:>6}  {trial.outcome()}")
