# SPDX-License-Identifier: MIT
"""Gate: type-checks device code against the ESP32's own stubs in place of CPython's library.

Host code has its configuration in pyproject.toml. The findings are basedpyright's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from device_files import FOLDERS, device_files

STUBS = "micropython-esp32-stubs"
# Seen by the checker in place of typeshed, so `import dataclasses` in device code is an error.
STDLIB = "stdlib"


def configuration(files: list[Path], typings: Path) -> dict[str, object]:
    """basedpyright's settings for device code, with `typings` holding the stubs and nothing else."""
    return {
        "include": [str(path) for path in files],
        "extraPaths": [str(folder) for folder in FOLDERS],
        "stubPath": str(typings),
        "typeshedPath": str(typings),
        "typeCheckingMode": "standard",
        "pythonVersion": "3.11",
        "reportMissingModuleSource": "none",  # the modules are in the firmware, not in Python
        "disableBytesTypePromotions": False,  # buffers are bytearray or memoryview nearly everywhere
        # What narrows an optional value on the host is an assert, which a board must not rely on, or a test
        # that costs it flash; a None that does get there ends in a test on both runtimes.
        "reportOptionalMemberAccess": "none",
        "reportOptionalIterable": "none",
        "reportOptionalSubscript": "none",
        "reportOptionalOperand": "none",
    }


def gather(typings: Path) -> None:
    """Link the stubs of the ESP32 and the library they refine into a folder of their own."""
    site = Path(sysconfig.get_paths()["purelib"])
    for name in _stub_names():
        (typings / name).symlink_to(site / name)
    (typings / STDLIB).symlink_to(site / STDLIB)
    (typings / "stubs").mkdir()


def _stub_names() -> Iterator[str]:
    files = metadata.files(STUBS) or []
    tops = {file.parts[0] for file in files if file.suffix == ".pyi"}
    return (top for top in sorted(tops) if not top.endswith(".dist-info"))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        typings = Path(folder) / "typings"
        typings.mkdir()
        gather(typings)
        project = Path(folder) / "pyrightconfig.json"
        project.write_text(json.dumps(configuration(device_files(sys.argv[1:]), typings)))
        return subprocess.run(
            [sys.executable, "-m", "basedpyright", "--project", str(project)], check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
