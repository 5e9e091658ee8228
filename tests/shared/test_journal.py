# SPDX-License-Identifier: MIT
"""The journal keeps what `put` returned for, whatever write the power is cut in."""

from farthing.faults import JOURNAL, Fault
from farthing_agent.journal import Journal
from shared import journal_life as life
from shared.flash import Flash, PowerCutError


def opened(flash):
    return Journal(flash, "j")


def contents(journal):
    return {key: journal.get(key) for key in journal.keys(b"")}


def test_values_are_there_after_a_restart():
    flash = Flash()
    journal = opened(flash)
    journal.put(b"a", b"1")
    journal.put(b"b", b"22")
    journal.put(b"a", b"333")
    assert contents(opened(flash)) == {b"a": b"333", b"b": b"22"}
    assert opened(flash).get(b"c") is None
    assert opened(flash).keys(b"a") == [b"a"]


def test_an_empty_value_deletes():
    flash = Flash()
    journal = opened(flash)
    journal.put(b"a", b"1")
    journal.put(b"a", b"")
    assert contents(journal) == contents(opened(flash)) == {}
    before = flash.operations
    journal.put(b"a", b"")
    assert flash.operations == before


def test_the_log_is_compacted_and_stays_small():
    flash = Flash()
    journal = opened(flash)
    for number in range(3000):
        journal.put(b"k%d" % (number % 5), b"%d" % number * 5)
    assert contents(opened(flash)) == {b"k%d" % (n % 5): b"%d" % n * 5 for n in range(2995, 3000)}
    assert sum(len(data) for data in flash.files.values()) <= 12288
    assert len(flash.files) == 1


def cut_everywhere(torn, flip):
    """Live the same life with a cut at each operation; what was promised must be there, and nothing torn."""
    total = Flash()
    life.run(opened(total), [])
    for cut_at in range(1, total.operations + 1):
        flash = Flash(cut_at, torn, flip)
        promised = []
        try:
            life.run(opened(flash), promised)
        except PowerCutError:
            pass
        else:
            assert False, cut_at
        again = flash.powered()
        assert contents(opened(again)) in life.allowed(promised), (cut_at, torn)
        journal = opened(again)
        journal.put(b"after", b"the cut")
        journal.put(b"after", b"the cut and more")
        assert opened(again).get(b"after") == b"the cut and more"


def test_power_cut_before_any_byte():
    cut_everywhere(0, False)


def test_power_cut_inside_a_record():
    for torn in (1, 6, 7, 8, 20):
        cut_everywhere(torn, False)


def test_power_cut_with_the_last_byte_wrong():
    for torn in (3, 7, 9, 1000):
        cut_everywhere(torn, True)


def test_two_cuts_in_a_row():
    total = Flash()
    life.run(opened(total), [])
    for first in range(1, total.operations + 1, 7):
        for second in range(1, 12):
            flash = Flash(first, 5)
            promised = []
            try:
                life.run(opened(flash), promised)
            except PowerCutError:
                pass
            flash = flash.powered()
            flash.cut_at, flash.torn = second, 9
            try:
                journal = opened(flash)
                state = contents(journal)
                assert state in life.allowed(promised), (first, second)
                promised = [(key, state[key]) for key in state]
                life.run(journal, promised)
            except PowerCutError:
                pass
            assert contents(opened(flash.powered())) in life.allowed(promised), (first, second)


def test_a_full_flash_is_a_fault_and_costs_nothing_old():
    flash = Flash()
    journal = opened(flash)
    journal.put(b"a", b"1")
    flash.full = True
    for _ in range(3):
        try:
            journal.put(b"b", b"2" * 40)
        except Fault as fault:
            assert fault.code == JOURNAL
        else:
            assert False
    flash.full = False
    assert contents(opened(flash.powered())) == {b"a": b"1"}
    journal.put(b"b", b"3")
    assert contents(journal) == contents(opened(flash)) == {b"a": b"1", b"b": b"3"}


def refused(flash):
    try:
        opened(flash)
    except Fault as fault:
        return fault.code == JOURNAL
    return False


def test_damage_is_not_taken_for_an_empty_journal():
    flash = Flash()
    journal = opened(flash)
    for number in range(30):
        journal.put(b"w%d" % (number % 3), b"%d" % number * 8)
    (name,) = flash.files
    whole = flash.files[name]
    for at in (0, 1, 3, 18, 9, 12, 17, 19, 20, 21, 30, 200, 400):
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        flash.files[name] = bytes(damaged)
        assert refused(flash), at


def test_a_torn_first_write_is_an_empty_journal():
    for torn in range(18):
        flash = Flash(2, torn)  # after the removal of the other slot
        try:
            opened(flash).put(b"a", b"1")
        except PowerCutError:
            pass
        journal = opened(flash.powered())
        assert contents(journal) == {}
        journal.put(b"a", b"2")
        assert journal.get(b"a") == b"2"


def test_a_record_of_an_older_slot_is_not_read_as_new():
    flash = Flash()
    journal = opened(flash)
    journal.put(b"a", b"old")
    leftover = flash.files["j.1"][18:]
    journal._compact()
    flash.files["j.0"] += leftover
    assert opened(flash).get(b"a") == b"old"
    flash.files["j.0"] = flash.files["j.0"][: -len(leftover)]
    journal = opened(flash)
    journal.put(b"a", b"new")
    flash.files["j.0"] += leftover
    assert opened(flash).get(b"a") == b"new"
