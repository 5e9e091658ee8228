# SPDX-License-Identifier: MIT
"""The hot path's writers allocate nothing: on MicroPython they run with the heap locked.

CPython has no heap lock; there the same calls only have to give the same bytes.
"""

from farthing import cbor, cose, messages
from farthing.payer import Payer
from shared.trade import feed, pair, sign, tick

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        return None

    heap_unlock = heap_lock

BUF = bytearray(128)
HANDLE = b"hndl"
WORD = bytes(range(32))
SIGNATURE = bytes(64)
PAYLOAD = bytes(16)


def locked(call):
    """Call with the heap locked; a MemoryError then means that something allocated."""
    heap_lock()
    try:
        return call()
    finally:
        heap_unlock()


def test_the_lock_locks():
    def allocate():
        return bytearray(100)

    try:
        locked(allocate)
    except MemoryError:
        return
    assert heap_lock() is None, "MicroPython's heap lock did not work"


def test_tick_into():
    end = locked(lambda: messages.tick_into(BUF, 0, HANDLE, 5000, WORD))
    assert bytes(BUF[:end]) == messages.encode(messages.Tick(HANDLE, 5000, WORD))


def test_voucher_payload_into():
    assert locked(lambda: messages.voucher_payload_into(BUF, 0, HANDLE, 24000, 9)) == 16
    assert messages.payment(bytes(BUF[:16])) == messages.Voucher(HANDLE, 24000, 9)


def test_sign1_into():
    end = locked(lambda: cose.sign1_into(BUF, 0, PAYLOAD, SIGNATURE))
    assert bytes(BUF[:end]) == cose.sign1(PAYLOAD, SIGNATURE)


def test_a_payers_ticks_within_one_stride_of_its_chain():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 64)))
    for _ in range(8):  # the stride of 64 words; the first of a stride hashes, and may allocate
        feed(payee, tick(payer))
    feed(payee, tick(payer))
    end = locked(lambda: payer.tick_into(BUF, 0))
    again = bytes(BUF[:end])
    assert locked(lambda: payer.tick_again_into(BUF, 0)) == end
    assert bytes(BUF[:end]) == again
    assert feed(payee, again) == 10


def test_put_functions():
    assert locked(lambda: cbor.put_head(BUF, 0, cbor.ARRAY, 70000)) == 5
    assert locked(lambda: cbor.put_be(BUF, 0, 2**29, 8)) == 8
    assert locked(lambda: cbor.put_bytes(BUF, 0, WORD)) == 34
    assert locked(lambda: cbor.put_raw(BUF, 0, WORD, 32)) == 32


def test_a_payers_next_tick():
    terms = messages.Open("local", b"i" * 16, bytes(64), b"\x01" * 64, "EUR", 60, 1, 10**6)
    payer = Payer(terms, 10**6, bytes(32))
    payer.reserve(10**6)
    payer.next_chain(120, 100)
    payer.tick_into(BUF, 0)  # its words are at hand now, up to the next stride of ten
    for index in range(2, 11):
        end = locked(lambda: payer.tick_into(BUF, 0))
        assert messages.decode(messages.Tick, bytes(BUF[:end])).index == index
    assert payer.cum == 1200
