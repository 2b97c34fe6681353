# SPDX-License-Identifier: MIT
"""Long faults on real servers, for as many seconds as are given; see contrib/torture."""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[1] / "integration")]

import trial  # noqa: E402
import faults_backup  # noqa: E402,F401
import faults_kill  # noqa: E402,F401
import faults_login  # noqa: E402,F401
import faults_net  # noqa: E402,F401
import faults_service  # noqa: E402,F401
import faults_store  # noqa: E402,F401


def main():
    """Exit status 1 where an outcome is bad."""
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("seconds", type=int, help="how long, all faults together")
    parser.add_argument("seed", type=int, nargs="?", help="as a former run printed it")
    parser.add_argument("--only", action="append", metavar="FAULT", help="this number alone; may be repeated")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("torture: mounts, kills and starts Postfix: be root")
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    os.umask(0o022)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture.") as directory:
        os.chmod(directory, 0o755)
        trials = trial.run_all(options.seconds, seed, directory, options.only)
    trial.print_table(trials)
    bad = sum(t.bad for t in trials)
    print(f"{len(trials)} faults, {sum(t.tries for t in trials)} tries in {time.monotonic() - start:.0f} s, seed {seed}: "
          + (f"{bad} bad outcomes" if bad else "no bad outcome"))
    return 1 if bad or not trials else 0


if __name__ == "__main__":
    sys.exit(main())
