# SPDX-License-Identifier: MIT
"""One purchase as its seller (sale) and as its buyer (deal) live through it."""
