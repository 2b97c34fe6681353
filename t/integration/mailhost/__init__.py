# SPDX-License-Identifier: MIT
"""Real servers in private directories on free loopback ports, for the integration tests and the quickstart.

Each module holds one server or one client.  Every server is started, awaited and stopped by its own
class and leaves nothing behind: its files live below the directory it was given, and a process whose
starter dies is ended by the kernel (setpriv --pdeathsig).
"""
