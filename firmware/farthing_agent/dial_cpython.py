# SPDX-License-Identifier: MIT
"""The same `dial` for CPython, so that tests and host tools can run the board's link. Not put on boards."""

import asyncio
import ssl


def tls_context(tls):
    """An SSLContext from {"ca": .., "cert": .., "key": ..}, or `tls` if it is one. The files are PEM here."""
    if not isinstance(tls, dict):
        return tls
    context = ssl.create_default_context(cafile=tls["ca"])
    if "cert" in tls:
        context.load_cert_chain(tls["cert"], tls["key"])
    return context


class Stream:
    """asyncio's reader and writer behind the names that MicroPython's one stream class has."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer
        self.drain = writer.drain

    async def readinto(self, view: memoryview) -> int:
        """Receive at least one byte into `view`; 0 at the end of the stream."""
        data = await self._reader.read(len(view))
        view[: len(data)] = data
        return len(data)

    def write(self, view: memoryview) -> None:
        """Send or queue; copies, since the transport may keep what it can't send while `view` changes."""
        self._writer.write(bytes(view))

    async def wait_closed(self) -> None:
        """Close, and return when it is."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return  # it was lost before it was closed, which is as closed as it gets


async def dial(host: str, port: int, context=None, name=None):
    """Connect and return the stream; `name` is whom the certificate must be for. Raises OSError."""
    tls = {"ssl": context, "server_hostname": name or host} if context else {}
    return Stream(*await asyncio.open_connection(host, port, **tls))  # it sets TCP_NODELAY by itself
