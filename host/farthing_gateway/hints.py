# SPDX-License-Identifier: MIT
"""One sentence with the next step for every numeric fault code, and the code's name.

It decides nothing; `farthing.faults` says when each code is used.
"""

from farthing import faults

NAMES: dict[int, str] = {
    value: name for name, value in vars(faults).items() if name.isupper() and isinstance(value, int)
}

SENTENCES: dict[int, str] = {
    faults.MALFORMED: "The bytes are no deterministic CBOR: check that both sides run the same release.",
    faults.TOO_LARGE: "The message is longer than its kind may be: send fewer payments in one.",
    faults.BAD_FIELD: "A field has a wrong type, length or range: compare the message with protocol/spec.",
    faults.BAD_COSE: "This is no COSE_Sign1 of the strict profile: sign with farthing.cose.",
    faults.HIGH_S: "The signature is the malleable twin (s > n/2): the signer must send the low s.",
    faults.BAD_SIGNATURE: "The signature fits another key, ledger, channel or type: use the beacon's ledger.",
    faults.BAD_TOPIC: "The topic has a wrong shape or addressee: make it with farthing.topics.topic.",
    faults.WRONG_NET: "The topic belongs to another network: set the same net on the board and the gateway.",
    faults.WRONG_SENDER: "The topic names another device than the key that signed: publish under your own.",
    faults.UNKNOWN_CHANNEL: "No channel with this handle is open between these two: send the open first.",
    faults.CHANNEL_CLOSED: "The channel is closed for ever: open one with the next epoch.",
    faults.OVER_CAP: "More was signed than the deposit behind the channel: open another channel.",
    faults.STALE: "A newer payment is already known: go on from the standing receipt.",
    faults.EQUIVOCATION: "Two different payments carry one number: the payer was rolled back; resume it.",
    faults.SKIP_CAP: "The tick is too far ahead of the last one known: send a voucher.",
    faults.BAD_WORD: "The word does not lead to the last one known: resend commitment, then tick.",
    faults.NO_CHAIN: "A tick came before any commitment: send the commitment first.",
    faults.CHAIN_END: "The tick is beyond the committed length: sign a new commitment.",
    faults.TOMBSTONE: "A channel with these terms was closed before: open one with the next epoch.",
    faults.NO_DEPOSIT: "The payer's free balance is too low: `farthing ledger deposit`, or open for less.",
    faults.HANDLE_TAKEN: "Another channel of this payer has the same handle: open one with the next epoch.",
    faults.WRONG_LEDGER: "Ledger, instance, unit or window is not this gateway's: take them from its beacon.",
    faults.UNKNOWN_DEVICE: "The gateway does not know this device: let it say hello, or enrol it.",
    faults.REVOKED: "The device was revoked: enrol it again with a new key.",
    faults.UNKNOWN_OFFER: "The seller makes no such offer: read its retained offer again.",
    faults.OFFER_EXPIRED: "The offer has expired: wait for the seller's next one.",
    faults.PRICE_CHANGED: "The offer's price or number has changed: read the retained offer again.",
    faults.SOLD_OUT: "The seller has no more of it: take the next best offer.",
    faults.BUSY: "The device serves as many as it can: try again later, or take another offer.",
    faults.NO_KEY: "The board has no private key: let it make one at its next boot, or provision it.",
    faults.SELF_TEST: "The board's signature self-test failed: deploy the firmware again.",
    faults.JOURNAL: "The board's journal is damaged or its flash is full: free some space, then restart it.",
    faults.SERVICE: "The service (a sensor, say) failed: look at the board's own log.",
    faults.MEMORY: "The board ran out of memory: lower its load, or use a bigger one.",
    faults.NO_SETTINGS: "The board has no settings: run `farthing provision`.",
}


def name(code: int) -> str:
    """The constant's name, as in `farthing.faults`; "FAULT_<n>" for a code of a newer release."""
    return NAMES.get(code, f"FAULT_{code}")


def explain(code: int) -> str:
    """One line: name, what it means and what to do."""
    return f"{name(code)}: {SENTENCES.get(code, 'This release does not know the code: update it.')}"
