# SPDX-License-Identifier: MIT
"""A whole market on one machine: broker, gateway, virtual boards, and the account of what they did.

Each part is the real one in a process of its own. Not here: what a board or the gateway does.
"""
