# SPDX-License-Identifier: MIT
"""Opens a TCP or TLS connection as an asyncio stream with `readinto`, `write`, `drain`, `wait_closed`.

No protocol and no retries: farthing_agent.link has them. CPython's version is dial_cpython.
"""

import asyncio
import socket
from asyncio import core  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
from errno import EINPROGRESS


def tls_context(tls):
    """An SSLContext from {"ca": .., "cert": .., "key": ..}, or `tls` if it is one.

    Each is the path of a file in DER (MicroPython's TLS reads no PEM); `cert` and `key` may be left out.
    """
    if not isinstance(tls, dict):
        return tls
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=tls["ca"])
    if "cert" in tls:
        context.load_cert_chain(tls["cert"], tls["key"])
    return context


def no_delay(sock) -> None:
    """Switch Nagle's algorithm off: with it every QoS 1 exchange waits 43 ms for a delayed TCP ack."""
    # lwIP's number is 0x40, not 1, so the port's own name comes first; the unix port names neither.
    level = getattr(socket, "IPPROTO_TCP", 6)
    sock.setsockopt(level, getattr(socket, "TCP_NODELAY", 1), 1)


def _writable(sock):
    yield core._io_queue.queue_write(sock)


async def dial(host: str, port: int, context=None, name=None):
    """Connect and return the stream; `name` is whom the certificate must be for. Raises OSError."""
    info = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]  # blocks, as in MicroPython's own
    sock = socket.socket(info[0], info[1], info[2])
    opened = False
    try:
        no_delay(sock)
        sock.setblocking(False)
        try:
            sock.connect(info[-1])
        except OSError as error:
            if error.errno != EINPROGRESS:
                raise
        await _writable(sock)  # pyright: ignore[reportGeneralTypeIssues]  # MicroPython awaits generators
        if context:
            # The handshake is done by the first write and read, in turns with the other tasks.
            sock = context.wrap_socket(sock, server_hostname=name or host, do_handshake_on_connect=False)
            sock.setblocking(False)
        opened = True
        return asyncio.StreamReader(sock)
    finally:
        if not opened:
            sock.close()
