# SPDX-License-Identifier: MIT
"""The gateway as a supervised process: started, restarted when it dies, asked for its figures at the end.

What the gateway does is in farthing_gateway; this sees only its standard output.
"""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from farthing_cli.errors import UserError
from farthing_cli.guard import Guard

_GATEWAY = (sys.executable, "-m", "farthing_cli.main", "gateway")
READY_S = 20.0
STOP_S = 20.0
MOST_RESTARTS = 20
KEEP = "`farthing demo --keep DIR` keeps the logs"  # other folders are gone when this is read


class GatewayService:
    """One `farthing gateway` process. `restarts` counts how often it had to be brought back."""

    def __init__(self, guard: Guard, config: Path) -> None:
        self.ready: dict[str, Any] = {}
        self.restarts = 0
        self._guard = guard
        self._config = config
        self._log = config.with_name("gateway.log")
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()

    def start(self) -> None:
        """Start it and wait for its ready line. Raises UserError with its own last words."""
        with self._log.open("a", encoding="utf-8") as log:
            self._process = self._guard.popen(
                [*_GATEWAY, "--config", str(self._config), "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        threading.Thread(target=self._read, args=[self._process], daemon=True).start()
        try:
            line = self._lines.get(timeout=READY_S)
        except queue.Empty:
            line = None
        if line is None:
            raise UserError(f"the gateway did not start: {self._last_words()}", KEEP)
        self.ready = json.loads(line)

    def supervise(self) -> None:
        """Bring it back if it died. Raises UserError when that does not help."""
        if self._process is None or self._process.poll() is None:
            return
        if self.restarts >= MOST_RESTARTS:
            raise UserError(f"the gateway keeps ending: {self._last_words()}", KEEP)
        self.restarts += 1
        self._drain()
        self.start()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would; `supervise` brings it back."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> dict[str, Any]:
        """Ask it to settle and end (SIGTERM); returns its final figures, empty if it gave none."""
        if self._process is None:
            return {}
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        said = self._drain()
        return json.loads(said[-1]) if said else {}

    def _drain(self) -> list[str]:
        """What it printed, up to the end of its output."""
        said = []
        while (line := self._lines.get(timeout=STOP_S)) is not None:
            said.append(line)
        return said

    def _read(self, process: "subprocess.Popen[str]") -> None:
        if process.stdout:
            with process.stdout:
                for line in process.stdout:
                    self._lines.put(line)
        self._lines.put(None)

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"
