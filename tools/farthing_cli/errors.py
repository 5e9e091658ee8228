# SPDX-License-Identifier: MIT
"""The one error that a user is meant to read.

Faults of the wire have their own codes and sentences; this is for the command line around them.
"""


class UserError(Exception):
    """Something the user can put right: `message` says what is wrong, `hint` the next step.

    The command ends with exit code 2 and prints one line, "farthing: message; hint". The hint is left out
    where the message has it already.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


class Terminated(BaseException):
    """SIGTERM arrived: unwinds like Ctrl-C, so that every board and broker is stopped on the way out."""
