# SPDX-License-Identifier: MIT
"""Every fault code of the wire has its sentence with a next step."""

from farthing import faults
from farthing_gateway import hints

CODES = {value for name, value in vars(faults).items() if name.isupper() and isinstance(value, int)}


def test_no_code_is_without_a_sentence_and_no_sentence_without_a_code():
    assert set(hints.SENTENCES) == CODES
    assert len(CODES) == len(hints.NAMES)


def test_each_sentence_is_one_line_that_says_what_to_do():
    for code, sentence in hints.SENTENCES.items():
        problem, _, step = sentence.partition(": ")
        assert problem, hints.name(code)
        assert step, hints.name(code)
        assert sentence.endswith(".")
        assert "\n" not in sentence


def test_a_code_of_a_newer_release_is_still_explained():
    assert hints.explain(9999) == "FAULT_9999: This release does not know the code: update it."
    assert hints.explain(faults.HIGH_S).startswith("HIGH_S: ")
