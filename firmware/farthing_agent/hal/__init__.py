# SPDX-License-Identifier: MIT
"""What differs between ports, as plain functions. `unix` serves every port so far: it finds out what is there."""
