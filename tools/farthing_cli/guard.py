# SPDX-License-Identifier: MIT
"""Child processes that end when this one does, however it ends: normally, by a signal or by kill -9.

It restarts nothing and reads no output.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

# Waits for the other end of its pipe to close, which the kernel does for a dead parent too, then kills its
# own process group. (prctl's PR_SET_PDEATHSIG is Linux only, and fires when the thread that forked ends.)
_WATCHDOG = ("/bin/sh", "-c", "read -r _; kill -KILL 0")


class Guard:
    """A process group with a watchdog in it. A context manager: leaving it kills what is still there.

    The group is not the terminal's foreground one, so Ctrl-C reaches only this process, which then stops its
    children in order.
    """

    def __init__(self) -> None:
        self._watchdog = subprocess.Popen(
            _WATCHDOG,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        self._children: list[subprocess.Popen[Any]] = []

    def popen(self, args: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """subprocess.Popen inside the group; `options` as Popen takes them."""
        child = subprocess.Popen(args, process_group=self._watchdog.pid, **options)
        self._children = [other for other in self._children if other.poll() is None]
        self._children.append(child)
        return child

    def close(self) -> None:
        """Kill the whole group and collect its exit codes. May be called twice."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._watchdog.pid, signal.SIGKILL)
        for child in self._children:
            child.kill()
            child.wait()
        if self._watchdog.stdin:
            self._watchdog.stdin.close()
        self._watchdog.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
