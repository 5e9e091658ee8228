# SPDX-License-Identifier: MIT
"""Each safety check of the gateway, taken out of a copy of the source, makes a test fail that names it.

A line that is no longer there in exactly this form fails here, so that the list stays true to the code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from farthing_gateway import broker as launcher
from runtimes import ROOT, unavailable

FAILED = 1  # pytest's exit code for a failed test; a broken collection has another
WORKERS = 2


class Mutation(NamedTuple):
    """`old` in `file` becomes `new`; then `tests` (file::name, or a file) must fail."""

    file: str
    old: str
    new: str
    tests: str


ATTACKS = "tests/host/test_attacks.py::"
PARTIES = "tests/host/test_attacks_parties.py::"
ENCODING = "tests/host/test_attacks_encoding.py::"
RULES = "tests/host/test_safety_rules.py::"
FAILURES = "tests/host/test_gateway_failures.py::"
CHANNEL = "protocol/farthing/channel.py"
COSE = "protocol/farthing/cose.py"
HOST = "host/farthing_gateway/"

MUTATIONS = {
    "signature of a payment": Mutation(
        HOST + "payments.py",
        "if not keys.verify(session.terms.payer, pending.digest, pending.signature):",
        "if False:",
        ATTACKS + "test_forged_voucher",
    ),
    "signature of any other message": Mutation(
        HOST + "verify.py",
        "if not keys.verify(key, digest, signed.signature):",
        "if False:",
        ATTACKS + "test_close_forged_in_the_payees_name",
    ),
    "the verdict of the curve": Mutation(
        HOST + "keys.py",
        "    except InvalidSignature:\n        return False",
        "    except InvalidSignature:\n        return True",
        ATTACKS + "test_forged_commitment",
    ),
    "low s": Mutation(COSE, "if is_high_s(signature):", "if False:", ATTACKS + "test_malleable_signature"),
    "cap of a voucher": Mutation(
        CHANNEL, "if update.cum > self.cap:", "if False:", ATTACKS + "test_voucher_over_the_deposit"
    ),
    "cap of a tick": Mutation(
        CHANNEL, "if cum > self.cap:", "if False:", ATTACKS + "test_tick_over_the_deposit"
    ),
    "cap in the store": Mutation(
        HOST + "store/channels.py",
        "AND ?2 <= cap",
        "",
        "tests/host/test_channel_updates.py",
    ),
    "the amount advances": Mutation(
        CHANNEL,
        "return update.cum > self.signed_cum",
        "return True",
        ATTACKS + "test_stale_voucher_gets_the_standing_receipt",
    ),
    "a chain starts above what is paid": Mutation(
        CHANNEL,
        "return update.seq > self.seq and update.cum >= self.cum",
        "return update.seq > self.seq",
        ATTACKS + "test_commitment_below_what_is_paid",
    ),
    "only verified bytes are a repeat": Mutation(
        CHANNEL,
        "return data in (self.voucher, self.commitment_data)",
        "return data[:-64] in (self.voucher[:-64], self.commitment_data[:-64])",
        ATTACKS + "test_unverified_bytes_do_not_pass_for_a_repeat",
    ),
    "equivocation": Mutation(
        CHANNEL,
        "if pending.twin or self._is_twin(update):",
        "if False:",
        ATTACKS + "test_equal_number_with_another_amount_is_an_equivocation",
    ),
    "binding to the channel": Mutation(
        COSE,
        '["farthing/1", ledger, channel_hash, kind]',
        '["farthing/1", ledger, NO_CHANNEL, kind]',
        ATTACKS + "test_voucher_replayed_across_channels",
    ),
    "binding to the ledger": Mutation(
        COSE,
        '["farthing/1", ledger, channel_hash, kind]',
        '["farthing/1", "any", channel_hash, kind]',
        ATTACKS + "test_voucher_replayed_across_ledgers",
    ),
    "binding to the type": Mutation(
        COSE,
        '["farthing/1", ledger, channel_hash, kind]',
        '["farthing/1", ledger, channel_hash, 0]',
        RULES + "test_p15_types_are_not_interchangeable",
    ),
    "epoch in the channel hash": Mutation(
        "protocol/farthing/messages.py",
        "dumps(list(terms[:7]))",
        "dumps(list(terms[:6]))",
        ATTACKS + "test_voucher_replayed_across_channels",
    ),
    "skip cap": Mutation(
        CHANNEL,
        "if index - self.index > self.skip_cap:",
        "if False:",
        ATTACKS + "test_tick_far_ahead_costs_no_endless_hashing",
    ),
    "word of a tick": Mutation(
        "protocol/farthing/payword.py",
        "if walk(word, steps) != known:",
        "if False:",
        ATTACKS + "test_tick_with_a_wrong_word",
    ),
    "end of a chain": Mutation(
        CHANNEL,
        "if index > chain.length:",
        "if False:",
        ATTACKS + "test_tick_beyond_the_committed_length",
    ),
    "ticks before the next chain": Mutation(
        HOST + "payments.py",
        "groupby(items, _kind)",
        "groupby(sorted(items, key=_kind), _kind)",
        ATTACKS + "test_new_chain_that_denies_the_ticks_sent_with_it",
    ),
    "trailing bytes": Mutation(
        COSE, "    if reader.more():\n", "    if False:\n", ENCODING + "test_trailing_bytes"
    ),
    "sender of a hello": Mutation(
        HOST + "devices.py",
        "if sender_of(hello) != message.sender:",
        "if False:",
        PARTIES + "test_hello_in_another_devices_name",
    ),
    "sender of an open": Mutation(
        HOST + "openings.py",
        "if key_id(terms.payer) != message.sender:",
        "if False:",
        PARTIES + "test_open_replayed_by_another_sender",
    ),
    "sender of an offer": Mutation(
        HOST + "goods.py",
        "if sender_of(offer) != message.sender:",
        "if False:",
        PARTIES + "test_offer_in_another_devices_name",
    ),
    "terms are this ledger's": Mutation(
        HOST + "openings.py",
        "if (terms.ledger, terms.instance, terms.unit) != ours or terms.window_s < self._config.window_s:",
        "if False:",
        PARTIES + "test_open_on_terms_of_another_ledger",
    ),
    "tombstone": Mutation(
        HOST + "ledger/book.py",
        "    if standing.state == CLOSED:\n        raise LedgerError(\"tombstoned\"",
        "    if False:\n        raise LedgerError(\"tombstoned\"",
        RULES + "test_p11_a_closed_channel_never_comes_back",
    ),
    "a closed channel takes no payment": Mutation(
        HOST + "sessions.py",
        "session.payee.closed = True",
        "session.payee.closed = False",
        ATTACKS + "test_payment_on_a_closed_channel",
    ),
    "a closed row takes no payment": Mutation(
        HOST + "store/channels.py",
        "AND state <> 'CLOSED' AND",
        "AND",
        RULES + "test_p11_a_payment_that_meets_a_close_in_the_store_is_not_acknowledged",
    ),
    "what the store refused is not acknowledged": Mutation(
        HOST + "gateway.py",
        "if session.hash not in refused:",
        "if True:",
        RULES + "test_p11_a_payment_that_meets_a_close_in_the_store_is_not_acknowledged",
    ),
    "a payee that knows more is heard": Mutation(
        HOST + "openings.py",
        "signed.message.cum > session.payee.cum:",
        "False:",
        "tests/host/test_gateway_trade.py::test_a_payee_that_knows_more_is_not_closed_below_it",
    ),
    "nothing is said before it is durable": Mutation(
        HOST + "gateway.py",
        "if error is not None or round_.failed:",
        "if False:",
        FAILURES + "test_nothing_is_acknowledged_that_is_not_durable",
    ),
    "nothing is taken off the broker before it is durable": Mutation(
        HOST + "bus.py",
        "manual_ack=True",
        "manual_ack=False",
        FAILURES + "test_nothing_is_acknowledged_that_is_not_durable",
    ),
    "memory that is ahead of the disk is dropped": Mutation(
        HOST + "gateway.py",
        "            self._load()\n            self._stalled = False",
        "            self._stalled = False",
        FAILURES + "test_what_was_accepted_in_memory_is_forgotten_when_it_was_not_stored",
    ),
    "a defect stops nothing": Mutation(
        HOST + "intake.py",
        "except Exception:  # noqa",
        "except ZeroDivisionError:  # noqa",
        FAILURES + "test_a_defect_in_one_message_stops_nothing_else",
    ),
    "floods are answered a few times": Mutation(
        HOST + "limiter.py",
        "allowed = level >= 1",
        "allowed = True",
        PARTIES + "test_events_of_a_flood_are_bounded",
    ),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Done]]]:
    """The outcome of every mutation, two at a time: most of each is waiting for what does not come."""
    if not (launcher.find_mosquitto() or launcher.find_nats()):
        unavailable("no MQTT broker on this machine")
    folder = tmp_path_factory.mktemp("mutants")
    with ThreadPoolExecutor(WORKERS) as pool:
        yield {
            what: pool.submit(run_mutant, folder / str(number), mutation)
            for number, (what, mutation) in enumerate(MUTATIONS.items())
        }


Done = subprocess.CompletedProcess[str]


def run_mutant(folder: Path, mutation: Mutation, timeout_s: int = 2) -> Done:
    """Run the tests against a copy of the source with the one change."""
    for name in ("protocol", "host"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / mutation.file
    source = path.read_text(encoding="utf-8")
    assert source.count(mutation.old) == 1, f"{mutation.file} has no longer exactly one such line"
    path.write_text(source.replace(mutation.old, mutation.new), encoding="utf-8")
    ours = [ROOT / name for name in ("firmware", "tools", "tests")]
    paths = " ".join(str(each) for each in (folder / "protocol", folder / "host", *ours))
    options = ("-x", "-q", "-p", "no:cacheprovider", "-o", f"pythonpath={paths}")
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "FARTHING_TEST_TIMEOUT_S": str(timeout_s)}
    env.pop("PYTHONPATH", None)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, mutation.tests],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("what", MUTATIONS)
def test_a_missing_check_is_noticed(verdicts: dict[str, Future[Done]], what: str):
    done = verdicts[what].result()
    assert done.returncode == FAILED, done.stdout + done.stderr
    assert " failed" in done.stdout, done.stdout


def test_the_source_as_it_is_passes_in_the_same_way(tmp_path: Path):
    """Else every mutation would be noticed for a reason of its own."""
    unchanged = Mutation(CHANNEL, "class Payee:", "class Payee:", ATTACKS.rstrip(":"))
    done = run_mutant(tmp_path, unchanged, timeout_s=10)
    assert done.returncode == 0, done.stdout + done.stderr
