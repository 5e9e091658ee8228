# SPDX-License-Identifier: MIT
"""UserError: what the user can put right, said in one line on stderr instead of a traceback.

It catches nothing; `main` prints it and exits 1.
"""


class UserError(Exception):
    """A refused command: what is wrong, and the next step where the message does not name it already."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}: {hint}" if hint else message)
        self.message = message
        self.hint = hint
