# SPDX-License-Identifier: MIT
"""A host of some thousand accounts whose programs behave in many ways, driven through real servers."""
