# SPDX-License-Identifier: MIT
# The main.py of a board that buys 20 light readings, at 100 micro-euros each at the most.
from farthing_agent import App


def on_reading(reading):
    """Called with each reading, before it is paid; its value is mantissa * 10**exponent."""
    print(reading.time_s, reading.mantissa, reading.exponent, reading.unit)


app = App()
app.buy("light", limit_micro=100, units=20, on_reading=on_reading)
app.run()
