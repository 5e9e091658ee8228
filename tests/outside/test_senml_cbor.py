# SPDX-License-Identifier: MIT
"""RFC 8428: our pack read by cbor2 has the labels of table 4 (n 0, u 1, v 2, t 6) and its value exactly."""

from decimal import Decimal

import cbor2
import pytest

from farthing import senml


@pytest.mark.parametrize(("mantissa", "exponent"), [(12345, -2), (-5, -3), (7, 0), (3, 4)])
def test_labels_and_value(mantissa: int, exponent: int) -> None:
    data = senml.encode(senml.Reading("urn:dev:flow", "m3/s", 1_320_067_464, mantissa, exponent))
    (record,) = cbor2.loads(data)
    assert record == {0: "urn:dev:flow", 1: "m3/s", 2: Decimal(mantissa).scaleb(exponent), 6: 1_320_067_464}
