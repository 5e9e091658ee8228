# SPDX-License-Identifier: MIT
"""The generated modules are current, and every module compiles for every processor a board may have."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import farthing_agent.p256 as package
import gen_p256
from farthing_cli import bundle

MODULES = sorted(Path(package.__file__).parent.glob("*.py"))
PROCESSORS = ("x64", "armv6m", "armv7emsp", "xtensawin", "rv32imc")


def test_the_generated_modules_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert gen_p256.main(["--check"]) == 0, capsys.readouterr().err


def test_the_check_notices_a_changed_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(gen_p256.PACKAGE / "limbs.py", tmp_path)
    monkeypatch.setattr(gen_p256, "PACKAGE", tmp_path)
    assert gen_p256.main([]) == 0
    assert gen_p256.main(["--check"]) == 0
    for name, before, after in (("data.py", "\\x18", "\\x19"), ("limbs.py", "(m << 9)", "(m << 8)")):
        path = tmp_path / name
        text = path.read_text(encoding="ascii")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="ascii")
        assert gen_p256.main(["--check"]) == 1
        path.write_text(text, encoding="ascii")


@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_module_compiles_for(processor: str) -> None:
    for path in MODULES:
        assert bundle.compile_source(path.read_bytes(), path.name, processor) is not None
