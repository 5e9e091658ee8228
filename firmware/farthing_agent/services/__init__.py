# SPDX-License-Identifier: MIT
"""What a seller sells: classes with `good`, `unit` and `serve()`, which returns the body of one delivery."""
