# SPDX-License-Identifier: MIT
"""What differs between ports, as plain functions; so far `unix` serves every port, and asks what is there."""
