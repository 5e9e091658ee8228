# SPDX-License-Identifier: MIT
"""The board's connection set-up on its own: small writes leave at once, and failures are OSErrors."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading

import pytest

from link_runs import RUNTIMES
from runtimes import device_path, run_device

pytestmark = pytest.mark.parametrize("runtime", RUNTIMES)
ROUNDS = 60

DIAL = """
import asyncio, sys
if sys.implementation.name == "micropython":
    from farthing_agent.dial import dial
else:
    from farthing_agent.dial_cpython import dial
"""


def run(runtime: str, code: str) -> str:
    """What `code` prints on that runtime."""
    if runtime == "micropython":
        done = run_device(DIAL + code, mpy=True)
    else:
        path = device_path().removesuffix(":.frozen")
        done = subprocess.run(
            [sys.executable, "-c", DIAL + code],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONPATH": path},
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_second_small_write_does_not_wait_for_the_first_one(runtime: str):
    """With Nagle's algorithm the second byte waits for a delayed acknowledgement, 40 ms each time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=answer_pairs, args=(server,))
        answering.start()
        code = f"""
async def main():
    stream = await dial("127.0.0.1", {server.getsockname()[1]})
    view = memoryview(bytearray(1))
    for _ in range({ROUNDS}):
        for _ in range(2):
            stream.write(view)
            await stream.drain()
        while not await stream.readinto(view):
            pass
    await stream.wait_closed()
import time
start = time.time()
asyncio.run(main())
print(int((time.time() - start) * 1000))
"""
        spent_ms = int(run(runtime, code))
        answering.join()
    assert spent_ms < ROUNDS * 40 / 4


def answer_pairs(server: socket.socket) -> None:
    """One byte back for every two that came."""
    connection, _ = server.accept()
    with connection:
        waiting = 0
        while data := connection.recv(64):
            waiting += len(data)
            if waiting >= 2:
                connection.send(b"x" * (waiting // 2))
                waiting %= 2


def test_a_refused_connection_is_an_os_error(runtime: str):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"""
async def main():
    try:
        stream = await dial("127.0.0.1", {port})
        stream.write(memoryview(b"x"))
        await stream.drain()
    except OSError:
        print("refused")
asyncio.run(main())
"""
    assert run(runtime, code) == "refused"
