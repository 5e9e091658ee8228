# SPDX-License-Identifier: MIT
"""The agent that runs on a board, or on the unix port: sells, buys, and is paid over MQTT."""
