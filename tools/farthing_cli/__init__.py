# SPDX-License-Identifier: MIT
"""The `farthing` command: virtual boards, the demo, the gateway's front door, keys.

It holds no protocol and no book-keeping: `farthing` and `farthing_gateway` do.
"""

__version__ = "0.1.0"
