# SPDX-License-Identifier: MIT
"""Sizes and counts that every party enforces. Bytes unless the name says otherwise."""

ID = 16  # a device id: the first bytes of its COSE key thumbprint (RFC 9679)
KEY = 64  # a public key, x || y
HASH = 32
SIGNATURE = 64  # r || s
HANDLE = 4  # the first bytes of the channel hash

VOUCHER = 96
TICK = 45
OFFER = 200
COMMITMENT = 160
BODY = 512  # one delivery's body
MESSAGE = 2048  # one MQTT payload, the bound every receiver allocates for

CHAIN_LENGTH = 65535  # words in one PayWord chain
SKIP_CAP = 4096  # hashes a verifier spends on one tick
CHECKPOINT = 64  # ticks between two checkpoint vouchers

MAX_SEQ = 0xFFFFFFFF  # four bytes on the wire; a channel ends before it wraps
MAX_MICRO = 0x7FFFFFFFFFFFFFFF  # money is a signed 64-bit integer of micro-units
