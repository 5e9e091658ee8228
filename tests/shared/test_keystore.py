# SPDX-License-Identifier: MIT
"""The board makes its key once, keeps it, and refuses to work with a broken one."""

import asyncio
import os

from farthing.cose import key_id
from farthing.faults import NO_KEY, Fault
from farthing_agent.hal import unix
from farthing_agent.keystore import Keystore
from shared.flash import Flash

NAME = "key-test.bin"


class Store(Flash):
    def write_secret(self, name, data):
        self.files[name] = data


def ask(awaitable):
    async def main():
        return await awaitable

    return asyncio.run(main())


def test_the_key_is_made_once():
    files = Store()
    first = Keystore(files)
    assert len(files.files["key.bin"]) == 32
    assert Keystore(files).public == first.public
    assert Keystore(Store()).public != first.public
    assert first.id == key_id(first.public)


def test_signatures_are_verified_with_and_without_a_table():
    keys, other = Keystore(Store()), Keystore(Store())
    digest = bytes(range(32))
    signature = ask(keys.sign(digest))
    assert signature == ask(keys.sign(digest))
    for _ in range(2):
        assert ask(other.verify(keys.public, digest, signature))
        assert not ask(other.verify(keys.public, bytes(32), signature))
        assert not ask(other.verify(other.public, digest, signature))
        other.hold(keys.public)
    other.release(keys.public)
    assert ask(other.verify(keys.public, digest, signature))


def test_a_held_key_that_is_no_point_verifies_nothing():
    keys = Keystore(Store())
    keys.hold(bytes(64))
    assert not ask(keys.verify(bytes(64), bytes(32), ask(keys.sign(bytes(32)))))
    keys.release(bytes(64))


def test_only_so_many_tables_are_kept():
    keys = Keystore(Store())
    for _ in range(4):
        keys.hold(Keystore(Store()).public)
    assert len(keys._peers) == 2


def test_a_damaged_key_file_is_refused():
    for data in (b"\x01" * 31, bytes(32), b"\xff" * 32, b"\x01" * 33):
        files = Store()
        files.files["key.bin"] = data
        try:
            Keystore(files)
        except Fault as fault:
            assert fault.code == NO_KEY
        else:
            assert False, data


def test_chains_grow_from_a_secret_of_the_key():
    files = Store()
    master = Keystore(files).master()
    assert len(master) == 32
    assert master == Keystore(files).master()
    assert master != files.files["key.bin"]
    assert master != Keystore(Store()).master()


def test_files_of_the_unix_port():
    unix.remove(NAME)
    assert unix.size(NAME) == 0
    unix.append(NAME, b"abc")
    unix.append(NAME, b"def")
    assert unix.size(NAME) == 6
    assert unix.read(NAME, 2, 3) == b"cde"
    unix.write_secret(NAME, b"secret")
    assert unix.read(NAME, 0, 99) == b"secret"
    assert os.stat(NAME)[0] & 0o777 == 0o600
    unix.remove(NAME)
    unix.remove(NAME)
    assert unix.size(NAME) == 0
