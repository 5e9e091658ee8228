# SPDX-License-Identifier: MIT
"""The local ledger's movements as operations on a connection: each checks its rule, then posts one entry.

Nothing commits here: the caller's transaction does, so several movements can be one. No signature is checked.
P5, conservation, is the journal's: postings sum to zero. The other rules are named beside their code.
"""

import sqlite3
from collections.abc import Sequence

from .. import journal
from ..batches import Batch, Row, batch_ref, batch_root, insert_batch, next_number
from ..journal import WORLD, Entry, JournalError, Posting, device_account, escrow_account
from ..store.channels import CLOSED, CLOSING, OPEN, Channel, ChannelTerms, find_by_handle, find_channel
from ..store.events import record_event
from .base import LedgerError


def deposit(connection: sqlite3.Connection, now_ms: int, device: bytes, amount: int, ref: str) -> Entry:
    """Credit `device` (16 bytes) from the world."""
    _check_amount(amount)
    return _post(connection, now_ms, "deposit", ref, [(WORLD, -amount), (device_account(device), amount)])


def withdraw(connection: sqlite3.Connection, now_ms: int, device: bytes, amount: int, ref: str) -> Entry:
    """Pay out of the free balance; what is in escrow is not free."""
    _check_amount(amount)
    if journal.find_ref(connection, ref) is None:
        _check_funds(connection, device, amount)
    return _post(connection, now_ms, "withdraw", ref, [(device_account(device), -amount), (WORLD, amount)])


def open_channel(connection: sqlite3.Connection, now_ms: int, terms: ChannelTerms) -> Channel:
    """Fund a new channel; the same terms again give the standing one. A closed hash never opens (P11)."""
    _check_terms(terms)
    standing = find_channel(connection, terms.hash)
    if standing is not None:
        return _reopened(connection, standing, terms)
    if find_by_handle(connection, terms.payer, terms.handle) is not None:
        raise LedgerError("handle_taken", f"the payer has used {terms.handle.hex()}: open with another epoch")
    _check_funds(connection, terms.payer, terms.cap)
    _insert_channel(connection, now_ms, terms)
    _post(connection, now_ms, "open", _open_ref(terms.hash), _into_escrow(terms.payer, terms.hash, terms.cap))
    return _channel(connection, terms.hash)


def topup(connection: sqlite3.Connection, now_ms: int, channel: bytes, amount: int, ref: str) -> Channel:
    """Raise the cap of an OPEN channel by `amount`."""
    _check_amount(amount)
    found = _channel(connection, channel)
    if found.state != OPEN:
        raise LedgerError("closed", f"channel {channel.hex()} is {found.state}: open a new one")
    if found.cap + amount > journal.INT64_MAX:
        raise LedgerError("bad_amount", "the cap would leave the range of a 64-bit amount")
    if journal.find_ref(connection, ref) is None:
        _check_funds(connection, found.payer, amount)
        connection.execute("UPDATE channel SET cap = cap + ? WHERE hash = ?", (amount, channel))
    _post(connection, now_ms, "topup", ref, _into_escrow(found.payer, channel, amount))
    return _channel(connection, channel)


def start_close(connection: sqlite3.Connection, now_ms: int, channel: bytes, by: bytes) -> Channel:
    """Set the deadline: the window from now for the payer, now for the payee. It never moves later (P8)."""
    found = _channel(connection, channel)
    if by not in (found.payer, found.payee):
        raise LedgerError("not_party", f"{by.hex()} has no part in channel {channel.hex()}")
    if found.state == CLOSED:
        return found
    deadline = now_ms if by == found.payee else now_ms + found.window_s * 1000
    if found.state == CLOSING:
        deadline = min(deadline, found.closing_deadline_ms)
    connection.execute(
        "UPDATE channel SET state = ?, closing_deadline_ms = ? WHERE hash = ?", (CLOSING, deadline, channel)
    )
    return _channel(connection, channel)


def finish_close(connection: sqlite3.Connection, now_ms: int, channel: bytes) -> Channel:
    """Give the payer the rest and leave the tombstone. Accepted payments must be settled before (P7)."""
    found = _channel(connection, channel)
    if found.state == CLOSED:
        return found
    if found.state != CLOSING:
        raise LedgerError("not_closing", f"channel {channel.hex()} is {found.state}: start the close first")
    if now_ms < found.closing_deadline_ms:
        raise LedgerError(
            "window_open", f"{found.closing_deadline_ms - now_ms} ms of the closing window are left"
        )
    if found.cum > found.settled:
        raise LedgerError("unsettled", f"{found.cum - found.settled} micro are accepted and unpaid: settle")
    rest = found.cap - found.settled
    postings = [(escrow_account(channel), -rest), (device_account(found.payer), rest)] if rest else []
    _post(connection, now_ms, "close", f"close:{channel.hex()}", postings)
    connection.execute(_CLOSE, (now_ms, channel))
    return _channel(connection, channel)


def settle_rows(connection: sqlite3.Connection, now_ms: int, rows: Sequence[Row]) -> Batch | None:
    """Book one batch: each good row pays its payee from escrow, each bad one leaves an event (P12)."""
    paid = tuple(row for row in rows if _advance(connection, now_ms, row))
    if not paid:
        return None
    no, root = next_number(connection), batch_root(paid)
    entry = _post(connection, now_ms, "settle", batch_ref(no, root), settle_postings(paid))
    batch = Batch(no, root, paid, entry.seq, now_ms)
    insert_batch(connection, batch)
    return batch


def settle_postings(rows: Sequence[Row]) -> list[Posting]:
    """One posting for each escrow, then one for each payee, however many of its channels are paid."""
    payees: dict[bytes, int] = {}
    for row in rows:
        payees[row.payee] = payees.get(row.payee, 0) + row.amount
    out = [(escrow_account(row.channel), -row.amount) for row in rows]
    return out + [(device_account(payee), amount) for payee, amount in payees.items()]


def _advance(connection: sqlite3.Connection, now_ms: int, row: Row) -> bool:
    channel = find_channel(connection, row.channel)
    fault = row_fault(channel, row)
    if fault:
        record_event(connection, now_ms, "row_skipped", row.payee, row.channel, fault)
        return False
    connection.execute("UPDATE channel SET settled = ? WHERE hash = ?", (row.cum, row.channel))
    return True


def row_fault(channel: Channel | None, row: Row) -> str:
    """Why a row is not paid, empty if it is: P3 settled only rises, P4 within the cap, P6 only accepted."""
    if channel is None:
        return "unknown_channel"
    if channel.state == CLOSED:
        return "closed"
    if (row.payer, row.payee) != (channel.payer, channel.payee):
        return "not_party"
    if row.cum > channel.cap:
        return "over_cap"
    if row.cum > channel.cum:
        return "not_accepted"
    if row.cum <= channel.settled:
        return "not_advancing"
    if row.amount != row.cum - channel.settled:
        return "bad_amount"
    return ""


def _check_amount(amount: int) -> None:
    if not 0 < amount <= journal.INT64_MAX:
        raise LedgerError("bad_amount", f"{amount} is no amount: 1 to 2^63-1 micro-units")


def _check_terms(terms: ChannelTerms) -> None:
    _check_amount(terms.cap)
    sizes = tuple(len(part) for part in terms[:6])
    if sizes != (32, 4, 16, 16, 64, 64) or terms.payer == terms.payee or terms.window_s < 0:
        raise LedgerError("bad_terms", "these are no terms of a channel between two devices")


def _check_funds(connection: sqlite3.Connection, device: bytes, amount: int) -> None:
    free = journal.balance(connection, device_account(device))
    if free < amount:
        raise LedgerError(
            "insufficient", f"{device.hex()} has {free} micro free of the {amount} needed: deposit"
        )


def _reopened(connection: sqlite3.Connection, standing: Channel, terms: ChannelTerms) -> Channel:
    if standing.state == CLOSED:
        raise LedgerError("tombstoned", f"channel {terms.hash.hex()} was closed: use the next epoch")
    opened = journal.find_ref(connection, _open_ref(terms.hash))
    funded = _into_escrow(terms.payer, terms.hash, terms.cap)
    if tuple(standing[:9]) != tuple(terms[:9]) or opened is None or opened.postings != tuple(funded):
        raise LedgerError("terms_differ", f"channel {terms.hash.hex()} is open on other terms")
    return standing


def _open_ref(channel: bytes) -> str:
    return f"open:{channel.hex()}"


def _into_escrow(payer: bytes, channel: bytes, amount: int) -> list[Posting]:
    return [(device_account(payer), -amount), (escrow_account(channel), amount)]


_CLOSE = "UPDATE channel SET state = 'CLOSED', closed_ms = ? WHERE hash = ?"
_INSERT = """INSERT INTO channel VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    'OPEN', 0, 0, 0, x'', 0, x'', 0, 0, x'', ?, 0, 0)"""


def _insert_channel(connection: sqlite3.Connection, now_ms: int, terms: ChannelTerms) -> None:
    connection.execute(_INSERT, (*terms, now_ms))


def _channel(connection: sqlite3.Connection, channel: bytes) -> Channel:
    found = find_channel(connection, channel)
    if found is None:
        raise LedgerError("unknown_channel", f"channel {channel.hex()} was never opened here")
    return found


def _post(
    connection: sqlite3.Connection, now_ms: int, kind: str, ref: str, postings: Sequence[Posting]
) -> Entry:
    try:
        return journal.append(connection, now_ms, kind, ref, postings)
    except JournalError as error:
        raise LedgerError(error.code, error.sentence) from error
