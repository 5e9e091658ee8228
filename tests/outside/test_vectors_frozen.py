# SPDX-License-Identifier: MIT
"""protocol/spec/vectors are what their generator writes, which encodes without the code under test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import gen_vectors


def test_vectors_are_what_the_generator_writes(capsys: pytest.CaptureFixture[str]) -> None:
    assert gen_vectors.main(["--check"]) == 0, capsys.readouterr().err


def test_a_changed_vector_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "vectors"
    shutil.copytree(gen_vectors.FOLDER, folder)
    monkeypatch.setattr(gen_vectors, "FOLDER", folder)
    text = (folder / "payments.json").read_text(encoding="utf-8")
    (folder / "payments.json").write_text(text.replace('"cum"', '"sum"').replace("24000", "24001", 1))
    (folder / "text.json").unlink()
    assert gen_vectors.main(["--check"]) == 1
    assert "payments.json, text.json" in capsys.readouterr().err


def test_every_file_belongs_to_the_generator() -> None:
    assert {path.stem for path in gen_vectors.FOLDER.iterdir()} == set(gen_vectors.files())


def test_no_invalid_vector_is_a_valid_one_too() -> None:
    for name, content in gen_vectors.files().items():
        good = [row for part in ("valid", "signed", "plain") for row in content.get(part, [])]
        good_inputs = {(row.get("kind"), row["hex"]) for row in good if "hex" in row}
        for row in content.get("invalid", []):
            assert (row.get("kind"), row["hex"]) not in good_inputs, f"{name}: {row['name']}"
