# SPDX-License-Identifier: MIT
"""Gate: mpy-cross accepts every device file, for every kind of board.

It writes nothing; native code is compiled for the boards that can run it, the rest for all.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from device_files import Finding, device_files, report
from farthing_cli import bundle
from farthing_cli.errors import UserError

# RP2040; RP2350 and STM32; ESP32 and S3; ESP32-C3 and C6; ESP8266; the unix port.
ARCHES = ("armv6m", "armv7emsp", "xtensawin", "rv32imc", "xtensa", "x64")


def check(path: Path) -> list[Finding]:
    """The first refusal of one file, as a list of one; empty where all boards take it."""
    source = path.read_bytes()
    arches = ARCHES if bundle.NATIVE.search(source) else ARCHES[:1]  # byte-code is the same for all
    for arch in arches:
        try:
            bundle.compile_source(source, path.name, arch)
        except UserError as error:
            line = re.search(r"line (\d+)", error.message)
            return [Finding(path, int(line[1]) if line else 1, f"{error.message} (for {arch})")]
    return []


if __name__ == "__main__":
    sys.exit(report([finding for path in device_files(sys.argv[1:]) for finding in check(path)]))
