"""A ledger over a channel answers as one at hand, and one that is gone is told as such."""

import asyncio
import socket
from contextlib import AsyncExitStack

import msgspec
import pytest

from fakes.clock import FakeClock
from fakes.spend import TODAY
from keeptrusts.gateway.channel import open_channel
from keeptrusts.gateway.spend.ledger import open_ledger
from keeptrusts.gateway.spend.remote import RemoteLedger, answer_worker
from keeptrusts.gateway.spend.slices import (
    Claim,
    Claimed,
    Grants,
    LedgerUnavailable,
    Recall,
    Report,
    SliceRequest,
    Unavailable,
)

pytestmark = pytest.mark.anyio

Message = Claim | Claimed | Report | Grants | Recall | Unavailable
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Message).decode


async def connect(stack, ledger):
    """Both ends: the worker's remote ledger, and the channel of whoever has the ledger."""
    ours, theirs = socket.socketpair()

    async def answer_as_worker(message):
        remote.take(message)
        return Claimed()

    async def answer_as_owner(message):
        return await answer_worker(ledger, message, owner.tell)

    worker = await stack.enter_async_context(open_channel(ours, encode=encode, decode=decode, answer=answer_as_worker))
    owner = await stack.enter_async_context(open_channel(theirs, encode=encode, decode=decode, answer=answer_as_owner))
    remote = RemoteLedger(worker)
    return remote, owner


def report(spool, need):
    request = SliceRequest(bucket="pack", day=TODAY, resets_ns=1, cap_micros=100, need_micros=need, wait_micros=need)
    return Report(owner=f"boot-{spool}", spool=spool, seq=0, requests=(request,))


async def test_workers_lease_over_their_channels_and_hear_recalls(tmp_path):
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(tmp_path, FakeClock()))
        (one, _), (two, _) = await connect(stack, ledger), await connect(stack, ledger)
        heard = asyncio.get_running_loop().create_future()
        one.listen("boot-0", heard.set_result)
        await one.claim(Claim(owner="boot-0", spool="0", seq=0))
        await two.claim(Claim(owner="boot-1", spool="1", seq=0))
        assert (await one.lease(report("0", 80))).grants[0].granted_micros == 80
        assert (await two.lease(report("1", 80))).grants[0].granted_micros == 0
        assert await heard == Recall(bucket="pack", day=TODAY)
        one.listen("boot-0", None)
        one.take(Recall(bucket="pack", day=TODAY))


async def test_what_the_ledger_cannot_do_is_told_over_the_channel(tmp_path):
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(tmp_path, FakeClock()))
        remote, _ = await connect(stack, ledger)
        with pytest.raises(LedgerUnavailable, match="another owner"):
            await remote.lease(report("0", 1))


async def test_a_supervisor_that_is_gone_grants_nothing(tmp_path):
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(tmp_path, FakeClock()))
        remote, owner = await connect(stack, ledger)
        owner.close()
        await owner.wait_closed()
        with pytest.raises(LedgerUnavailable):
            await remote.lease(report("0", 1))
