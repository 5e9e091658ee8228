# SPDX-License-Identifier: MIT
"""A full disk, a lock or a broken page fails its whole group in words; the store goes on when it is over."""

import sqlite3
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from farthing_gateway.store import Event, Store, StoreError, events_after, record_event


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "a.db") as opened:
        yield opened


def codes(store: Store) -> list[str]:
    found: list[Event] = store.read(partial(events_after, cursor=0))
    return [event.code for event in found]


def pragma(store: Store, text: str) -> object:
    return store.run(lambda connection: connection.execute(f"PRAGMA {text}").fetchone())


def group_of_three(store: Store, middle_detail: str) -> list[BaseException | None]:
    """Submit three operations so that they are one group, the middle one as large as its detail."""
    gate, answered = threading.Event(), threading.Semaphore(0)
    errors: dict[str, BaseException | None] = {}

    def answer(code: str, _: object, error: BaseException | None) -> None:
        errors[code] = error
        answered.release()

    store.submit(lambda _: gate.wait(30), lambda *_: None)
    for code, detail in (("first", ""), ("middle", middle_detail), ("last", "")):
        store.submit(partial(record_event, time_ms=0, code=code, detail=detail), partial(answer, code))
    gate.set()
    for _ in range(3):
        assert answered.acquire(timeout=30)
    return [errors[code] for code in ("first", "middle", "last")]


def test_a_full_disk_fails_the_group_in_one_line_and_nothing_of_it_is_kept(store: Store) -> None:
    pages = store.run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    pragma(store, f"max_page_count = {pages + 2}")
    errors = group_of_three(store, "x" * 40_000)
    assert all(isinstance(error, StoreError) for error in errors)
    assert "no space left" in str(errors[0])
    assert "\n" not in str(errors[0])
    assert codes(store) == []
    assert store.counters.failed_groups == 1


def test_after_space_was_made_the_store_goes_on(store: Store) -> None:
    pages = store.run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    pragma(store, f"max_page_count = {pages + 2}")
    group_of_three(store, "x" * 40_000)
    pragma(store, "max_page_count = 100000")
    assert group_of_three(store, "x" * 40_000) == [None, None, None]
    assert codes(store) == ["first", "middle", "last"]


def test_a_lock_held_by_another_process_is_named_and_passes(store: Store) -> None:
    pragma(store, "busy_timeout = 20")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process"):
        store.run(partial(record_event, time_ms=0, code="a"))
    other.execute("ROLLBACK")
    other.close()
    store.run(partial(record_event, time_ms=0, code="b"))
    assert codes(store) == ["b"]


def test_a_damaged_page_met_in_operation_is_named_with_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store.open(path) as store:
        root = store.read(lambda connection: connection.execute(ROOT).fetchone()[0])
    raw = bytearray(path.read_bytes())
    raw[(root - 1) * 4096] ^= 0xFF
    path.write_bytes(raw)
    with Store.open(path, check=False) as store:
        with pytest.raises(StoreError, match=r"is damaged .* `farthing ledger verify"):
            store.run(partial(record_event, time_ms=0, code="a"))
        assert store.counters.failed_groups == 1


ROOT = "SELECT rootpage FROM sqlite_schema WHERE name = 'event'"
