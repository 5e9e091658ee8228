# SPDX-License-Identifier: MIT
"""SenML-CBOR readings with integers only."""

from farthing import senml
from shared.check import raw, refused, vectors


def test_vectors_both_ways():
    for row in vectors("text")["senml"]:
        reading = senml.Reading(row["name"], row["unit"], row["time_s"], row["mantissa"], row["exponent"])
        assert senml.decode(raw(row)) == reading
        assert senml.encode(reading) == raw(row)


def test_invalid_vectors_are_refused():
    refused(vectors("text")["bad_senml"], lambda row: senml.decode(raw(row)))
