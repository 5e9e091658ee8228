# SPDX-License-Identifier: MIT
"""Virtual boards: real MicroPython processes, each with its own root folder and heap limit.

It knows nothing of what the boards do; their lines are handed on as they come. Laying out a root folder is
bundle's job.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from farthing_cli import interpreter
from farthing_cli.guard import Guard

DEFAULT_HEAP = "64wK"  # as many objects as 64 kB hold on a 32-bit board
TAIL_LINES = 400
_INHERITED = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
_RAISED = re.compile(r"^(?:\w+\.)*(?:\w*(?:Error|Exception|Fault|Interrupt|Exit))(?::|$)")

LineHandler = Callable[["Board", str], None]


class Board:
    """One virtual board. Made by `Fleet.add`; started, stopped and killed as a real one is by its switch."""

    def __init__(
        self,
        guard: Guard,
        name: str,
        root: Path,
        *,
        heap: str,
        env: Mapping[str, str],
        on_line: LineHandler | None,
    ) -> None:
        self.name = name
        self.root = root
        self.heap = heap
        self.lines: deque[str] = deque(maxlen=TAIL_LINES)
        self.starts = 0
        self._guard = guard
        self._env = {"HOME": str(root), **env}
        self._on_line = on_line
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """True while its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """Exit code of the last run, negative for a signal; None while it runs or before the first start."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        """Process id of the last start."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Power on: runs main.py in the root folder. Raises UserError where there is no MicroPython."""
        if self.running:
            return
        self._process = self._guard.popen(
            [*interpreter.command(), "-X", f"heapsize={self.heap}", "main.py"],
            cwd=self.root,
            env={**_inherited(), **self._env, "MICROPYPATH": "lib:.frozen"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.starts += 1
        self._reader = threading.Thread(target=self._read, args=[self._process], daemon=True)
        self._reader.start()

    def stop(self, grace_s: float = 2.0) -> int | None:
        """Ask it to end (KeyboardInterrupt on the board), kill it after `grace_s`; returns the exit code."""
        if self.running and self._process:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        return self.kill()

    def kill(self) -> int | None:
        """Cut the power: SIGKILL, nothing on the board gets to run. Returns the exit code."""
        if self._process is None:
            return None
        self._process.kill()
        return self.wait()

    def restart(self) -> None:
        """Cut the power and switch it on again."""
        self.kill()
        self.start()

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for its own end and for its last line; None if it still runs after `timeout_s`."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        if self._reader and self._reader is not threading.current_thread():
            self._reader.join(timeout=5)
        return code

    def failure(self) -> str | None:
        """Why the last run ended badly, as one line ("MemoryError: ..."); None if it runs or ended well."""
        code = self.returncode
        if not code:
            return None
        raised = [line for line in self.lines if _RAISED.match(line)]
        if raised:
            return raised[-1]
        return f"ended by signal {-code}" if code < 0 else f"exit code {code}"

    def _read(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            return
        with process.stdout:
            for raw in process.stdout:
                line = raw.rstrip("\r\n")
                self.lines.append(line)
                if self._on_line:
                    self._on_line(self, line)


class Fleet:
    """Boards that end with this process. A context manager: leaving it kills those that still run."""

    def __init__(self) -> None:
        self.guard = Guard()
        self.boards: dict[str, Board] = {}

    def add(
        self,
        name: str,
        root: Path,
        *,
        heap: str = DEFAULT_HEAP,
        env: Mapping[str, str] | None = None,
        on_line: LineHandler | None = None,
    ) -> Board:
        """A board with the root folder `root`, not started yet.

        `on_line(board, line)` is called from the board's reader thread for each line it prints, its
        traceback included. `env` is added to the board's small environment.
        """
        board = Board(self.guard, name, root, heap=heap, env=env or {}, on_line=on_line)
        self.boards[name] = board
        return board

    def stop(self, grace_s: float = 2.0) -> None:
        """Ask all boards to end at once, then kill the ones that have not after `grace_s`."""
        running = [board for board in self.boards.values() if board.running]
        threads = [threading.Thread(target=board.stop, args=[grace_s]) for board in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """Kill every board and everything else that `guard` started."""
        self.guard.close()
        for board in self.boards.values():
            board.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _inherited() -> dict[str, str]:
    """What a board sees of this process's environment: enough for the interpreter to start, no secrets."""
    return {key: os.environ[key] for key in _INHERITED if key in os.environ}
