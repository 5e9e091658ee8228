# SPDX-License-Identifier: MIT
"""The gateway: bus, verification, sessions, durable store, journal and settlement, on the host.

Nothing runs on import; `farthing gateway` of farthing_cli starts it.
"""
