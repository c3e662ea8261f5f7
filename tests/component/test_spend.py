"""A cap on money, through a whole gateway: what is refused, how it is told, and that the events say what is counted."""

import asyncio
import json

import pytest

from fakes.replay import Reply
from fakes.worlds import open_world, until

pytestmark = pytest.mark.anyio

CHATS, MESSAGES = "/v1/chat/completions", "/v1/messages"
CHAT = {"model": "m", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hello!"}]}
PRICE = {"input_per_mtok_usd": 1, "output_per_mtok_usd": 1}
BOUND = 4096 + 1000 + len(json.dumps(CHAT))  # micro-dollars: a token costs one


def answered(tokens):
    usage = {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}
    return Reply(body=json.dumps({"id": "c", "object": "chat.completion", "choices": [], "usage": usage}).encode())


def capped(folder, *replies, cap=20_000, token=None, **limit):
    """A gateway with a cap in micro-dollars."""
    targets = [
        {"id": "oa", "provider": "openai", "price": PRICE},
        {"id": "an", "provider": "anthropic", "price": PRICE},
    ]
    return open_world(
        folder,
        *replies,
        chain=("spend-limit", "audit-logger"),
        policy={"spend-limit": {"max_daily_usd": cap / 1_000_000} | limit},
        targets=targets,
        token=token,
    )


def error_of(answer):
    return json.loads(answer.body)["error"]


async def test_calls_are_served_until_what_is_spent_leaves_no_room(tmp_path):
    async with capped(tmp_path, *[answered(7000)] * 3) as world:
        statuses = [(await world.ask(CHATS, CHAT)).status for _ in range(4)]
        refused = await world.ask(CHATS, CHAT)
        me = json.loads((await world.ask("/keeptrusts/me", method="GET")).body)["budget"]
        assert statuses == [200, 200, 200, 429]
        assert sum(event.cost_micros or 0 for event in world.events()) == 21_000 == me["spent_micros"]
    error = error_of(refused)
    assert (error["code"], error["type"], error["policy"]) == ("budget_exceeded", "insufficient_quota", "spend-limit")
    assert "$0.021 of $0.02 are spent" in error["message"]
    assert refused.headers["x-should-retry"] == "false"
    assert (me["bucket"], me["cap_micros"], me["held_micros"], me["left_micros"]) == ("pack", 20_000, 0, 0)


async def test_an_event_says_what_its_cost_was_counted_in_and_what_the_policy_said(tmp_path):
    async with capped(tmp_path, answered(7000), cap=10_000, per="key") as world:
        await world.ask(CHATS, CHAT)
        await world.ask(CHATS, CHAT)
        served, refused = world.events()
    assert (served.cost_micros, served.spend_bucket) == (7000, "keyless")
    assert served.spend_day == f"{served.timestamp:%Y-%m-%d}"
    assert [(one.kind, one.phase, one.verdict) for one in served.policies] == [("spend-limit", "admission", "allow")]
    assert (refused.decision, refused.reason_code, refused.status) == ("block", "budget_exceeded", 429)
    assert (refused.spend_bucket, refused.attempts) == (None, ())


async def test_messages_read_the_refusal_in_their_own_shape(tmp_path):
    async with capped(tmp_path, cap=100) as world:
        refused = await world.ask(MESSAGES, CHAT)
    assert (refused.status, error_of(refused)["type"], error_of(refused)["code"]) == (
        429,
        "rate_limit_error",
        "budget_exceeded",
    )


async def test_calls_at_the_same_moment_hold_what_they_may_cost_and_wait_for_each_other(tmp_path):
    async with capped(tmp_path, *[answered(4000)] * 9, cap=BOUND * 2) as world:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(world.ask(CHATS, CHAT)) for _ in range(9)]
        answers = [call.result() for call in calls]
        served = [answer for answer in answers if answer.status == 200]
        assert sum(event.cost_micros or 0 for event in world.events()) == 4000 * len(served) <= BOUND * 2
    assert {error_of(answer)["code"] for answer in answers if answer.status == 429} == {"budget_exceeded"}
    assert len(served) == 2


async def test_a_client_that_leaves_lets_go_of_what_its_call_held(tmp_path):
    async with capped(tmp_path, Reply(ending="silent")) as world:
        call = asyncio.get_running_loop().create_task(world.ask(CHATS, CHAT))
        await until(lambda: world.replay.calls)
        held = json.loads((await world.ask("/keeptrusts/me", method="GET")).body)["budget"]
        call.cancel()
        await until(world.events)
        left = json.loads((await world.ask("/keeptrusts/me", method="GET")).body)["budget"]
    assert (held["spent_micros"], held["held_micros"] >= 5000) == (0, True)
    assert left["held_micros"] == 0


async def test_a_restart_forgets_nothing_that_was_spent(tmp_path):
    async with capped(tmp_path, answered(9000)) as world:
        await world.ask(CHATS, CHAT)
    (tmp_path / "state" / "gateway-0" / "spend.db").unlink()  # not even if the ledger is lost
    async with capped(tmp_path, answered(9000)) as world:
        await world.ask(CHATS, CHAT)
        assert (await world.ask(CHATS, CHAT)).status == 429
        me = json.loads((await world.ask("/keeptrusts/me", method="GET")).body)["budget"]
    assert me["spent_micros"] == 18_000


async def test_a_call_that_nothing_bounds_is_not_sent(tmp_path):
    async with capped(tmp_path, answered(1)) as world:
        refused = await world.ask(CHATS, {"model": "m", "messages": []})
        assert (refused.status, error_of(refused)["code"]) == (403, "model_not_priced")
        assert not world.replay.calls
