# SPDX-License-Identifier: MIT
"""A sensor's reading as a delivery, and the replay that stands in for one."""

import os

from farthing import senml
from farthing_agent.services.sensor import Sensor, replay

NAME = "replay-test.csv"


def replayed(text, use):
    with open(NAME, "w") as file:
        file.write(text)
    try:
        return use()
    finally:
        os.remove(NAME)


def test_a_sensor_serves_one_senml_record():
    sensor = Sensor("flow", "l/s", lambda: (1700000000, 1234, -2))
    assert senml.decode(sensor.serve()) == senml.Reading("flow", "l/s", 1700000000, 1234, -2)


def test_a_replay_starts_over_at_the_end():
    def use():
        read = replay(NAME)
        assert (read.good, read.unit) == ("flow", "l/s")
        return [read() for _ in range(5)]

    got = replayed("# flow l/s -2\n10,1\n20,-2\n", use)
    assert got == [(10, 1, -2), (20, -2, -2), (10, 1, -2), (20, -2, -2), (10, 1, -2)]


def test_a_file_of_another_kind_is_refused():
    for text in ("", "10,1\n", "time good unit 0\n1,2\n", "# flow l/s\n1,2\n", "# flow l/s x\n1,2\n"):
        try:
            replayed(text, lambda: replay(NAME))
        except ValueError:
            continue
        assert False, text


def test_a_line_that_is_no_reading_is_an_error_of_that_unit():
    def use():
        read = replay(NAME)
        try:
            read()
        except ValueError:
            return read()
        assert False

    assert replayed("# flow l/s 0\nbroken\n20,2\n", use) == (20, 2, 0)
