# SPDX-License-Identifier: MIT
"""A board in tests: publishes numbered messages through Link and prints JSON lines. Runs on both runtimes.

Started by tests/link_runs.py and given one line of JSON settings; it checks nothing itself.
"""

import asyncio
import gc
import json
import sys
import time

from farthing.mqtt_packet import MqttError
from farthing_agent.link import Link

settings = json.loads(sys.stdin.readline())
received = []


def now_ms():
    return time.ticks_ms() if hasattr(time, "ticks_ms") else int(time.monotonic() * 1000)


def held():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def tell(**facts):
    print(json.dumps(facts))
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def on_message(topic, payload, retained):
    if settings.get("keep", True):
        received.append([topic, bytes(payload).decode(), retained])
    if settings.get("fail_in_callback"):
        raise ValueError


async def publish_all(link, count):
    left = [0]

    async def lane():
        while left[0] < count:
            number = left[0]
            left[0] += 1
            await link.publish(settings["topic"], b"%d" % number, settings.get("qos", 1))
            if settings.get("pause_ms"):
                await asyncio.sleep(settings["pause_ms"] / 1000)

    await asyncio.gather(*[lane() for _ in range(settings.get("lanes", 10))])


async def main():
    link = Link(
        "127.0.0.1",
        settings["port"],
        settings.get("name", "board"),
        tls=settings.get("tls"),
        keepalive_s=settings.get("keepalive_s", 30),
        will=settings.get("will"),
        on_message=on_message,
        subscriptions=[(topic, 1) for topic in settings.get("subscribe", ())],
        rx_size=settings.get("rx_size", 2048),
        backoff_ms=(50, 400),
    )
    run = asyncio.create_task(link.run())
    if settings.get("announce"):
        while not link.connects and not link.error:
            await asyncio.sleep(0.01)
        tell(online=link.connects > 0, error=repr(link.error))
    await link.up.wait()
    if settings.get("offer"):
        await link.publish(settings["offer"], b"for sale", 1, True)
    tell(up=True)
    marks = [0, 0, 0, 0]
    start = now_ms()
    for turn in range(len(marks)):
        await publish_all(link, settings.get("count", 0) // len(marks))
        marks[turn] = held()
    spent = now_ms() - start
    await asyncio.sleep(settings.get("linger_s", 0))
    await link.close()
    await run
    try:
        await link.publish("t", b"late")
        late = 0
    except MqttError as error:
        late = error.code
    tell(
        acked=link.acked,
        spent_ms=spent,
        growth=marks[3] - marks[1],
        reconnects=link.reconnects,
        callback_errors=link.callback_errors,
        oversize=link.oversize,
        tx_bytes=link.tx_bytes,
        rx_bytes=link.rx_bytes,
        received=received,
        late=late,
        error=repr(link.error),
    )


asyncio.run(main())
