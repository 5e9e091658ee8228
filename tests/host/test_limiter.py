# SPDX-License-Identifier: MIT
"""The token bucket: a burst, then a rate, for each key alone, in bounded memory."""

from farthing_gateway import limiter
from farthing_gateway.limiter import Limiter


def test_a_burst_then_the_rate():
    bucket = Limiter(3, 2.0)
    assert [bucket.allow("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert [bucket.allow("a", 1.0) for _ in range(3)] == [True, True, False]
    assert sum(bucket.allow("a", 100.0) for _ in range(10)) == 3


def test_keys_do_not_touch_each_other():
    bucket = Limiter(1, 1.0)
    assert bucket.allow("a", 0.0)
    assert not bucket.allow("a", 0.0)
    assert bucket.allow("b", 0.0)


def test_memory_is_bounded():
    bucket = Limiter(1, 0.0)
    for number in range(limiter._KEPT + 10):
        assert bucket.allow(number, 0.0)
    assert len(bucket._buckets) == limiter._KEPT
