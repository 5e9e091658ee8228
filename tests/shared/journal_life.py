# SPDX-License-Identifier: MIT
"""A life of a journal with deletions, long values and compactions, and what may be in it after a cut."""


def run(journal, promised):
    """Put many things; each pair is added to `promised` as (key, value, False) before, (key, value) after."""
    for number in range(40):
        key = b"k%d" % (number % 4)
        value = b"" if number % 9 == 8 else b"%d" % number * (1 + number % 3 * 110)
        promised.append((key, value, False))
        journal.put(key, value)
        promised[-1] = (key, value)
        if number % 13 == 12:
            journal._compact()


def allowed(promised):
    """The states that keep every promise; the last put may have come through or not."""
    kept = {}
    for entry in promised:
        before = dict(kept)
        if entry[1]:
            kept[entry[0]] = entry[1]
        else:
            kept.pop(entry[0], None)
        if len(entry) == 3:
            return before, kept
    return (kept,)
