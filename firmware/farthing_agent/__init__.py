# SPDX-License-Identifier: MIT
"""The agent that runs on a board, or on the unix port: sells, buys, and is paid over MQTT."""

import gc

if hasattr(gc, "threshold"):
    # Collect often: garbage between what stays would cut a small heap to pieces. Without it a seller
    # needs 44 wK to load in place of 41, and 64 to trade in place of 57.
    gc.threshold(4096)


def __getattr__(name: str):
    # App on first use, so that one part of the package can be had without the whole agent.
    if name == "App":
        from .app import App

        return App
    if name.startswith("_"):
        raise AttributeError(name)
    # MicroPython asks here before it looks for a submodule of that name.
    return __import__(__name__ + "." + name, None, None, (name,))
