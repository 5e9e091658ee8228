# SPDX-License-Identifier: MIT
"""A board loses power at a flash write of a trade, for each such write: it ends, and nobody is cheated."""

import asyncio

from shared.world import PRICE, World, lived

UNITS = 100
AHEAD = 64  # units that a payer reserves in one write: the most that a power loss may cost it


def check(world, cut):
    """The order is complete, what was paid is what the gateway holds, and no number was used twice."""
    held = sum(entry[1].cum for entry in world.gateway.channels.values())
    assert world.boards["buyer"].roles[0].left == 0, cut
    assert UNITS * PRICE <= held <= (UNITS + AHEAD * world.restarts) * PRICE, (cut, held)
    assert world.gateway.equivocations == 0, cut
    assert world.unpaid_max <= 1, cut


def writes(name):
    return lived(UNITS).boards[name].flash.operations


def cut_at_every_write(name, torn, last=0):
    for cut_at in range(1, writes(name) + 1 - last):
        world = lived(UNITS, **{name: (cut_at, torn)})
        assert world.restarts == 1, (name, cut_at)
        check(world, (name, cut_at, torn))


def test_without_a_cut():
    world = lived(UNITS)
    check(world, None)
    assert world.restarts == 0
    assert sum(entry[1].cum for entry in world.gateway.channels.values()) == UNITS * PRICE


def test_the_buyers_power_is_cut_before_each_write():
    cut_at_every_write("buyer", 0)


def test_the_buyers_power_is_cut_after_each_write():
    # The last one ends the order: a board that starts after it begins a new one.
    cut_at_every_write("buyer", 2000, last=1)


def test_the_buyers_power_is_cut_inside_each_write():
    cut_at_every_write("buyer", 5)


def test_the_sellers_power_is_cut_before_each_write():
    cut_at_every_write("seller", 0)


def test_the_sellers_power_is_cut_after_each_write():
    cut_at_every_write("seller", 2000)


def test_both_lose_power():
    for buyers in range(1, writes("buyer") + 1, 2):
        for sellers in range(1, writes("seller") + 1, 5):
            check(lived(UNITS, buyer=(buyers, 4), seller=(sellers, 5)), (buyers, sellers))


def test_p14_a_payment_that_arrives_after_the_power_loss_contradicts_nothing():
    for late in range(1, UNITS + 1, 3):
        world = lived(UNITS, late=late)
        assert world.restarts == 1
        check(world, late)
    for late in (32, 33, 96, 97):  # with a voucher, and the one after it
        check(lived(UNITS, late=late), late)


def test_p10_a_seller_alone_redeems_what_it_served():
    """The gateway heard no payment, the buyer is gone, and the seller lost power: its journal has to do."""

    async def live(world):
        await world.boards["seller"].roles[0].greet()
        while world.boards["seller"].roles[0].units < 70:
            message = world.queue.pop(0) if world.queue else None
            await (world.deliver(*message) if message else world.step())
        world.gone = ("buyer",)
        world.queue.clear()
        world.restart("seller")
        await world.live()

    world = World(UNITS, {}, deaf=True)
    asyncio.run(live(world))
    (entry,) = world.gateway.channels.values()
    assert entry[1].cum >= (70 - 16) * PRICE
