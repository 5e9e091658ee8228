# SPDX-License-Identifier: MIT
"""Many producers, one writer: what is reported is durable, once, in order; a bad operation stops none."""

import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from farthing_gateway.store import Event, Store, StoreError, events_after, record_event

LOOK = "SELECT 1 FROM event WHERE no = ? AND code = ?"
PRODUCERS = 100
EACH = 20


def note(code: str) -> Callable[[sqlite3.Connection], int]:
    return partial(record_event, time_ms=0, code=code)


def broken(connection: sqlite3.Connection) -> None:
    record_event(connection, 0, "half done")
    raise ValueError("refused")


def noted(store: Store) -> list[Event]:
    return store.read(partial(events_after, cursor=0, limit=10**6))


def test_a_hundred_producers_are_each_answered_once_and_after_the_commit(tmp_path: Path) -> None:
    done: list[str] = []
    early: list[str] = []
    store = Store.open(tmp_path / "a.db")

    def produce(producer: int) -> None:
        for number in range(EACH):
            code = f"{producer}-{number}"
            answered = threading.Event()
            store.submit(note(code), partial(answer, code, answered))
            answered.wait(30)

    def answer(code: str, answered: threading.Event, number: int, error: BaseException | None) -> None:
        found = store.read(lambda connection: connection.execute(LOOK, (number, code)).fetchone())
        (done if error is None and found else early).append(code)
        answered.set()

    with store:
        threads = [threading.Thread(target=produce, args=(producer,)) for producer in range(PRODUCERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counters = store.counters
        codes = [event.code for event in noted(store)]
    assert not early
    assert sorted(done) == sorted(codes) == sorted(f"{p}-{n}" for p in range(PRODUCERS) for n in range(EACH))
    assert counters.operations == PRODUCERS * EACH
    assert counters.groups < counters.operations / 2, "producers that wait together must share commits"
    assert counters.largest_group <= PRODUCERS


def test_operations_run_in_order_of_submission(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        futures = [store.future(note(str(number))) for number in range(500)]
        assert [future.result() for future in futures] == list(range(1, 501))
        assert [event.code for event in noted(store)] == [str(number) for number in range(500)]


def test_one_bad_operation_stops_no_other_and_leaves_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        gate = threading.Event()
        store.submit(lambda _: gate.wait(30), lambda *_: None)
        before, bad, after = store.future(note("a")), store.future(broken), store.future(note("b"))
        gate.set()
        before.result()
        after.result()
        with pytest.raises(ValueError, match="refused"):
            bad.result()
        assert [event.code for event in noted(store)] == ["a", "b"]
        assert store.counters.refused == 1
        assert store.counters.failed_groups == 0


def test_a_failing_callback_does_not_end_the_writer(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        store.submit(note("a"), lambda _result, _error: 1 // 0)
        assert store.run(note("b")) == 2
        assert store.counters.callback_errors == 1


def test_a_callback_may_submit(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        second = threading.Event()
        store.submit(note("a"), lambda *_: store.submit(note("b"), lambda *_: second.set()))
        assert second.wait(30)


def test_waiting_in_the_writer_thread_is_refused_instead_of_hanging(tmp_path: Path) -> None:
    caught: list[BaseException] = []

    def wait_for_itself(store: Store, *_: object) -> None:
        try:
            store.run(note("b"))
        except StoreError as error:
            caught.append(error)

    with Store.open(tmp_path / "a.db") as store:
        store.submit(note("a"), partial(wait_for_itself, store))
        store.run(note("c"))
    assert len(caught) == 1


def test_closing_runs_what_is_queued_and_refuses_what_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = Store.open(path)
    futures = [store.future(note(str(number))) for number in range(300)]
    store.close()
    store.close()
    assert all(future.done() for future in futures)
    with pytest.raises(StoreError, match="closed"):
        store.submit(note("late"), lambda *_: None)
    with pytest.raises(StoreError, match="closed"):
        store.read(lambda _: None)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    with Store.open(path) as again:
        assert len(noted(again)) == 300


def test_the_file_is_written_with_full_synchronisation(tmp_path: Path) -> None:
    def modes(connection: sqlite3.Connection) -> tuple[str, int]:
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
        return journal, connection.execute("PRAGMA synchronous").fetchone()[0]

    with Store.open(tmp_path / "a.db") as store:
        assert store.run(modes) == ("wal", 2)
