# SPDX-License-Identifier: MIT
"""Numeric fault codes, as they travel on the wire and out of every refusing function.

Not here: sentences. A board has no room for them; the host's are in farthing_gateway.hints.
"""

# Encoding (1-19)
MALFORMED = 1  # not well-formed, not deterministic, or trailing bytes (RFC 8949 4.2.1)
TOO_LARGE = 2  # longer than its type may be
BAD_FIELD = 3  # wrong type, length or range of one field
BAD_COSE = 4  # not a COSE_Sign1 of the strict profile (RFC 9052 4.2)
HIGH_S = 5  # s > n/2: the malleable twin of a signature
BAD_SIGNATURE = 6
BAD_TOPIC = 7
WRONG_NET = 8
WRONG_SENDER = 9  # the topic names another device than the key that signed
# Channel (20-39)
UNKNOWN_CHANNEL = 20
CHANNEL_CLOSED = 21
OVER_CAP = 22  # more than the deposit behind the channel
STALE = 23  # does not advance the cumulative amount
EQUIVOCATION = 24  # a second, different signature where one was accepted
SKIP_CAP = 25  # a tick too far ahead: send a voucher instead
BAD_WORD = 26  # the PayWord word does not hash to the last one
NO_CHAIN = 27  # a tick before any commitment
CHAIN_END = 28  # an index beyond the committed length
TOMBSTONE = 29  # this channel hash was closed before; raise the epoch
NO_DEPOSIT = 30  # the payer's confirmed balance does not cover the amount
HANDLE_TAKEN = 31  # another channel of this payer has the same 4-byte handle; raise the epoch
WRONG_LEDGER = 32  # ledger, instance, unit or window is not this gateway's
# Parties and trade (40-59)
UNKNOWN_DEVICE = 40
REVOKED = 41
UNKNOWN_OFFER = 42
OFFER_EXPIRED = 43
PRICE_CHANGED = 44
SOLD_OUT = 45
BUSY = 46
# The device itself (60-79)
NO_KEY = 60
SELF_TEST = 61
JOURNAL = 62  # both journal slots are damaged, or the flash is full
SERVICE = 63  # the service (a sensor, say) raised
MEMORY = 64
NO_SETTINGS = 65


class Fault(Exception):
    """A refusal with its numeric code; `detail` names the setting at fault, where it is one."""

    detail = ""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code
