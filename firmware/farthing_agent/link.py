# SPDX-License-Identifier: MIT
"""Keeps a board connected to its MQTT broker: reconnects, resends, and wakes each publisher by an event.

No Wi-Fi, no topics and no payload formats; the protocol itself is in farthing.mqtt.
"""

import asyncio
import os
import sys

from farthing import mqtt
from farthing import mqtt_packet as p
from farthing.mqtt_packet import MqttError

if sys.implementation.name == "micropython":
    from farthing_agent.dial import dial, tls_context
else:
    from farthing_agent.dial_cpython import dial, tls_context

_DIAL_S = 15
_FLUSH_S = 2
_STALLED = 4  # half keep-alives with messages in flight and not one acknowledged


class Link:
    """An MQTT session that survives its connections. Start `run()` as a task, then publish.

    `on_message(topic, payload, retained)` is called for each message; `payload` is a memoryview that the
    next message overwrites. It may not await; what it raises is counted and does no more harm.
    `tls` is an SSLContext or {"ca": path, "cert": path, "key": path, "name": server name}, DER on a board.
    `will` is (topic, payload, qos, retain). Messages above `rx_size` bytes are skipped and counted.
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_id: str,
        user=None,
        password=None,
        tls=None,
        keepalive_s: int = 30,
        will=None,
        on_message=None,
        subscriptions=(),
        clean: bool = False,
        window: int = 10,
        rx_size: int = 2048,
        tx_size: int = 2048,
        backoff_ms=(250, 30000),
    ):
        self._core = mqtt.Client(
            client_id, user, password, will, keepalive_s, clean, window, rx_size, tx_size
        )
        self._address = (host, port, tls_context(tls), tls.get("name") if isinstance(tls, dict) else None)
        self._period_s = keepalive_s / 2
        self._on_message = on_message
        self._subscriptions = subscriptions
        self._backoff_ms = backoff_ms
        self._wait_ms = backoff_ms[0]
        self.up = asyncio.Event()  # connected and subscribed
        self._down = asyncio.Event()  # the connection, or the pause before the next, is to end
        self._kick = asyncio.Event()  # there may be something to send
        self._moved = asyncio.Event()  # a pulse: there may be room to send
        self._events = [asyncio.Event() for _ in range(window)]
        self._idle = list(self._events)  # those that no publish waits on
        self._running = self._closed = False
        self.tx_bytes = self.rx_bytes = 0
        self.acked = 0  # publishes acknowledged
        self.connects = 0
        self.callback_errors = 0
        self.oversize = 0  # messages skipped
        self.not_granted = 0  # subscriptions refused
        self.error = None  # the last exception met

    @property
    def reconnects(self) -> int:
        """Connections after the first one."""
        return max(self.connects - 1, 0)

    async def run(self) -> None:
        """Stay connected until `close()`, pausing longer after each failure, with jitter and a cap."""
        self._running = True
        try:
            while not self._closed:
                self._down.clear()
                try:
                    await self._connection()
                except Exception as error:  # noqa: BLE001 - a supervisor: even MemoryError is to be retried
                    self.error = error
                if not self._closed:
                    await self._pause()
        finally:
            self._running = False

    async def publish(self, topic, payload, qos: int = 1, retain: bool = False) -> None:
        """Send a message; returns when the broker acknowledged it (QoS 1) or it is queued to go (QoS 0).

        Waits while there is no connection. `payload` is bytes-like and must not change meanwhile. A publish
        that is cancelled may still arrive. Raises MqttError(BAD_TOPIC), (TOO_LARGE) or (CLOSED).
        """
        done = None
        while not self._closed:
            if self._idle or not qos:
                done = self._idle[-1] if qos else None
                if self._core.publish(topic, payload, qos, retain, done):
                    break
            await self._moved.wait()
        else:
            raise MqttError(p.CLOSED)
        self._kick.set()
        if done:
            self._idle.pop()
            await done.wait()
            if self._closed:
                raise MqttError(p.CLOSED)

    async def close(self) -> None:
        """Send what is queued and DISCONNECT, end `run()`, and make every waiting publish raise CLOSED."""
        self._closed = True
        if self._core.online:
            try:
                await asyncio.wait_for(self._leave(), _FLUSH_S)
            except (MqttError, asyncio.TimeoutError) as error:
                self.error = error
        self._down.set()
        self._pulse()
        for event in self._events:
            event.set()
        while self._running:
            await asyncio.sleep(0.01)

    async def _connection(self) -> None:
        stream = await asyncio.wait_for(dial(*self._address), _DIAL_S)
        self._core.connect()
        self._kick.set()
        tasks = [asyncio.create_task(self._guard(part)) for part in (self._read(stream), self._write(stream))]
        try:
            await self._watch()
        finally:
            self.up.clear()
            for task in tasks:
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    pass
            self._core.disconnected()
            await stream.wait_closed()

    async def _guard(self, part) -> None:
        try:
            await part
        except Exception as error:  # noqa: BLE001 - whatever it is, this connection is at its end
            self.error = error
        finally:
            self._down.set()

    async def _watch(self) -> None:
        """Return when the connection ends; raise when the broker no longer answers."""
        core = self._core
        acked = stalled = 0
        while not await self._ends_within(self._period_s):
            if core.pinging or not core.online:
                raise MqttError(p.SILENT)
            stalled = stalled + 1 if core.in_flight and acked == self.acked else 0
            if stalled == _STALLED:
                raise MqttError(p.SILENT)
            acked = self.acked
            self._wait_ms = self._backoff_ms[0]  # not at CONNACK: two that share an id would race
            core.ping()
            self._kick.set()

    async def _pause(self) -> None:
        wait_ms = self._wait_ms
        self._wait_ms = min(2 * wait_ms, self._backoff_ms[1])
        self._down.clear()
        await self._ends_within((wait_ms - wait_ms * os.urandom(1)[0] // 512) / 1000)

    async def _ends_within(self, limit_s) -> bool:
        try:
            return await asyncio.wait_for(self._down.wait(), limit_s)
        except asyncio.TimeoutError:
            return False

    async def _read(self, stream) -> None:
        core = self._core
        while True:
            n = await stream.readinto(core.space())
            if n is None:
                continue  # part of a TLS record
            if not n:
                raise MqttError(p.ENDED)
            self.rx_bytes += n
            core.filled(n)
            event = core.next_event()
            while event:
                owed = self._handle(event)
                while owed and not core.ack(owed):
                    self._kick.set()
                    await self._moved.wait()
                event = core.next_event()
            self._pulse()
            self._kick.set()

    async def _write(self, stream) -> None:
        core = self._core
        while True:
            view = core.outgoing()
            n = len(view)
            if n:
                stream.write(view)
                await stream.drain()
                core.sent(n)
                self.tx_bytes += n
                self._pulse()
            else:
                await self._kick.wait()
                self._kick.clear()

    def _handle(self, event: int) -> int:
        """Act on an event; the packet id that wants a PUBACK, or 0."""
        core = self._core
        if event == mqtt.ACKED:
            self.acked += 1
            self._release(core.tag)
        elif event == mqtt.MESSAGE:
            self._deliver()
            return core.packet_id
        elif event == mqtt.OVERSIZE:
            self.oversize += 1
            return core.packet_id
        elif event == mqtt.CONNECTED:
            self.connects += 1
            if self._subscriptions:
                # In a kept session too: it brings the retained messages that changed meanwhile.
                core.subscribe(self._subscriptions)
            else:
                self.up.set()
        elif event == mqtt.SUBSCRIBED:
            for granted in core.payload:
                if granted > 2:
                    self.not_granted += 1
                    self.error = MqttError(p.NOT_GRANTED)
            self.up.set()
        return 0

    def _release(self, done) -> None:
        """Wake the publish that waits for `done`, which is then free for the next one."""
        self._idle.append(done)
        done.set()
        done.clear()

    def _deliver(self) -> None:
        if self._on_message:
            try:
                self._on_message(self._core.topic, self._core.payload, self._core.retained)
            except Exception as error:  # noqa: BLE001 - the application's fault must not cost the connection
                self.callback_errors += 1
                self.error = error

    def _pulse(self) -> None:
        self._moved.set()
        self._moved.clear()

    async def _leave(self) -> None:
        await self._flushed()
        self._core.disconnect()
        self._kick.set()
        await self._flushed()

    async def _flushed(self) -> None:
        while len(self._core.outgoing()):
            await self._moved.wait()
