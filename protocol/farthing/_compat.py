# SPDX-License-Identifier: MIT
"""The one spot that knows which runtime this is. Nothing else in the package asks."""

try:
    from micropython import const  # pyright: ignore[reportAssignmentType] - its stub knows no keyword
except ImportError:

    def const(value):  # pyright: ignore[reportRedeclaration]
        return value


try:
    from hashlib import sha256
except ImportError:  # a board built without hashlib has no signatures either
    from uhashlib import sha256

__all__ = ("const", "sha256")
