# SPDX-License-Identifier: MIT
"""Runs the `farthing` command as a user does: in a process of its own.

It imports nothing of the command.
"""

import os
import subprocess
import sys

from runtimes import ROOT

COMMAND = (sys.executable, "-m", "farthing_cli.main")


def environment(**extra: str) -> dict[str, str]:
    """This process's environment with the checkout's packages importable."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("protocol", "host", "tools"))
    return {**os.environ, "PYTHONPATH": path, **extra}


def farthing(*args: str, timeout: float = 60, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run one command line to its end; `extra` goes into the environment."""
    return subprocess.run(
        [*COMMAND, *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(**extra),
        stdin=subprocess.DEVNULL,
        check=False,
    )
