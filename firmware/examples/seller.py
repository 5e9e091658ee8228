# SPDX-License-Identifier: MIT
# The main.py of a board that sells what a light sensor on pin 26 measures, for 80 micro-euros a reading.
from machine import ADC

from farthing_agent import App
from farthing_agent.services.sensor import Sensor

adc = ADC(26)
app = App()


def read():
    """(seconds since 1970, mantissa, exponent): 1.27 volts are (..., 1270, -3)."""
    return app.clock.now_s(), adc.read_u16() * 3300 // 65535, -3


app.sell(Sensor("light", "V", read), price_micro=80)
app.run()
