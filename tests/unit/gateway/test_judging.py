"""The driver of text policies: changes, tallies, blocks, and turns for others."""

import asyncio
from itertools import pairwise
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.policies import BLOCK, FAIL, WordPolicy
from keeptrusts.config.targets import Providers
from keeptrusts.contract.call import Call, Form, Role, Route, Text, Unreadable
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.judging import LARGE, SLICE, TURN_S, Judge, Tally, check_call, verdict_of
from keeptrusts.policies.verdict import ALLOW, Block, Flag, Phase, Rewrite

pytestmark = pytest.mark.anyio

REDACT = WordPolicy({"secret": "[S]", "cretin": "?"}, kind="redact")
MARKERS = WordPolicy({"[S]s": "<two>", "]o": "<o>"}, kind="markers")
REFUSE = WordPolicy({"secret": "[S]", "stop!": BLOCK}, kind="refuse")
BROKEN = WordPolicy({"boom": FAIL}, kind="broken")


def texts(*values):
    return [Text(("messages", at, "content"), value) for at, value in enumerate(values)]


async def judge(values, *policies, phase=Phase.INPUT, fail_mode="block", **options):
    """The changes by message index, and the tallies."""
    driver = Judge(policies, phase, fail_mode, **options)
    tallies = driver.tallies()
    changes = await driver.judge(texts(*values), tallies)
    return {path[1]: value for path, value in changes.items()}, tallies


async def refusal(values, *policies, **options):
    with pytest.raises(Fault) as refused:
        await judge(values, *policies, **options)
    return refused.value


async def test_only_texts_that_change_are_named():
    changes, _ = await judge(["fine", "a secret", ""], REDACT)
    assert changes == {1: "a [S]"}


async def test_a_later_policy_reads_what_an_earlier_one_wrote():
    changes, tallies = await judge(["secrets", "[S]s"], REDACT, MARKERS)
    assert changes == {0: "<two>", 1: "<two>"}
    assert [tally.findings for tally in tallies] == [{"secret": 1}, {"[S]s": 2}]


async def test_findings_add_up_over_the_texts():
    _, tallies = await judge(["secret secret", "cretin", "fine", "secret"], REDACT)
    outcome = tallies[0].outcome()
    assert msgspec.to_builtins(outcome) == {
        "kind": "redact",
        "phase": "input",
        "verdict": "redact",
        "reason_code": "word_found",
        "findings": {"secret": 3, "cretin": 1},
    }


async def test_a_policy_that_found_nothing_allows():
    _, tallies = await judge(["fine"], REDACT)
    assert (tallies[0].verdict, tallies[0].reason_code, tallies[0].findings) == ("allow", None, {})


@pytest.mark.parametrize("long", [0, SLICE], ids=["short", "long"])
async def test_a_block_names_the_policy_and_the_place_and_not_the_text(long):
    fault = await refusal(["fine", "x" * long + " stop! it"], REDACT, REFUSE)
    assert (fault.code, fault.policy, fault.param) == (Code.INPUT_BLOCKED, "refuse", "messages[1].content")
    assert "stop!" not in fault.message


async def test_a_block_on_the_way_out_names_no_place_in_the_clients_request():
    fault = await refusal(["stop!"], REFUSE, phase=Phase.OUTPUT)
    assert (fault.code, fault.policy, fault.param) == (Code.OUTPUT_BLOCKED, "refuse", None)


async def test_a_block_is_tallied_with_what_was_found_before_it():
    driver = Judge((REFUSE, MARKERS), Phase.INPUT, "block")
    tallies = driver.tallies()
    with pytest.raises(Fault):
        await driver.judge(texts("secret", "stop! secret"), tallies)
    assert [(tally.verdict, tally.findings) for tally in tallies] == [
        ("block", {"secret": 1, "stop!": 1}),
        ("allow", {}),
    ]


@pytest.mark.parametrize("long", [0, SLICE], ids=["short", "long"])
async def test_a_policy_that_cannot_rewrite_flags_what_it_finds_and_the_text_stays(long):
    changes, tallies = await judge(["x" * long + " secret"], WordPolicy({"secret": "[S]"}, can_rewrite=False))
    assert changes == {}
    outcome = tallies[0].outcome()
    assert (outcome.verdict, outcome.reason_code, outcome.findings) == ("flag", "word_found", {"secret": 1})


@pytest.mark.parametrize("long", [0, SLICE], ids=["short", "long"])
async def test_a_policy_reads_only_the_texts_of_its_roles(long):
    driver = Judge((WordPolicy({"secret": "[S]"}, roles=(Role.USER, Role.TOOL)),), Phase.INPUT, "block")
    given = [Text((at,), "x" * long + "secret", role) for at, role in enumerate(Role)]
    changes = await driver.judge(given, driver.tallies())
    assert [given[at].role for (at,) in changes] == [Role.USER, Role.TOOL]


@pytest.mark.parametrize("roles", [None, (Role.USER,)])
async def test_more_findings_in_one_call_than_anybody_needs_are_a_block(roles):
    values = ["secret " * 1000] * 10
    _, tallies = await judge(values, WordPolicy({"secret": "[S]"}, roles=roles))
    assert tallies[0].verdict == "redact"
    fault = await refusal([*values, "fine", "a secret"], WordPolicy({"secret": "[S]"}, roles=roles))
    assert (fault.code, fault.param) == (Code.INPUT_BLOCKED, "messages[11].content")
    assert "10,000" in fault.message


def test_a_rewrite_is_worse_than_a_flag():
    tally = Tally(REFUSE, Phase.INPUT)
    for verdict in (Flag("f", {"word": 1}), Rewrite("x", "r", {"word": 2}), Flag("f", {"word": 4})):
        tally.add(verdict)
    assert (tally.verdict, tally.reason_code, tally.findings) == ("redact", "r", {"word": 7})


def test_the_worst_verdict_stays():
    tally = Tally(REFUSE, Phase.INPUT)
    for verdict in (ALLOW, Block("b", "no"), Rewrite("x", "r", {"word": 2}), ALLOW):
        tally.add(verdict)
    assert (tally.verdict, tally.reason_code, tally.findings) == ("block", "b", {"word": 2})


@pytest.mark.parametrize("long", [0, SLICE], ids=["short", "long"])
async def test_an_error_inside_a_policy_blocks(long, caplog):
    fault = await refusal(["x" * long + "boom 4111"], BROKEN)
    assert (fault.code, fault.policy) == (Code.INPUT_BLOCKED, "broken")
    assert "4111" not in fault.message
    assert [record.facts for record in caplog.records] == [{"policy": "broken", "phase": "input"}]


@pytest.mark.parametrize("long", [0, SLICE], ids=["short", "long"])
@pytest.mark.parametrize("order", ["before", "after"])
async def test_where_the_operator_says_so_an_error_costs_only_that_policy(long, order, caplog):
    value = "x" * long + "boom secret"
    policies = (BROKEN, REDACT) if order == "before" else (REDACT, BROKEN)
    changes, tallies = await judge([value], *policies, fail_mode="allow")
    assert changes == {0: "x" * long + "boom [S]"}
    assert {tally.policy.kind: tally.verdict for tally in tallies} == {"broken": "flag", "redact": "redact"}
    broken = next(tally for tally in tallies if tally.policy is BROKEN)
    assert (broken.reason_code, broken.findings) == ("policy_error", {"policy_error": 1})
    assert len(caplog.records) == 1


async def test_a_policy_that_cannot_open_a_channel_fails_closed():
    fault = await refusal(["x" * (SLICE + 1)], WordPolicy({}, kind="broken", breaks_at_open=True))
    assert (fault.policy, fault.code) == ("broken", Code.INPUT_BLOCKED)


async def test_the_record_says_that_a_policy_failed():
    driver = Judge((BROKEN,), Phase.INPUT, "block")
    tallies = driver.tallies()
    with pytest.raises(Fault):
        await driver.judge(texts("boom"), tallies)
    outcome = tallies[0].outcome()
    assert (outcome.verdict, outcome.reason_code, outcome.findings) == ("block", "policy_error", {"policy_error": 1})


near_misses = st.lists(
    st.sampled_from(["secret", "sec", "ret", "cretin", "stop!", "sto", "p!", "s", "]", " "]), max_size=9
)


@settings(max_examples=100)
@given(values=st.lists(near_misses.map("".join), max_size=4), size=st.integers(1, 9))
def test_slices_give_what_the_whole_gives(values, size):
    async def outcome(**options):
        try:
            changes, tallies = await judge(values, REFUSE, MARKERS, **options)
        except Fault as fault:
            return fault.code, fault.policy, fault.param
        return changes, [tally.outcome() for tally in tallies]

    assert asyncio.run(outcome(slice_size=size)) == asyncio.run(outcome())


@pytest.mark.parametrize(
    "values", [["x" * (SLICE * 8)], ["x"] * 4000, ["x" * 2000] * 100], ids=["long", "many", "both"]
)
async def test_much_text_gives_others_their_turn(values):
    class Slow(WordPolicy):
        """Takes a while for each text or slice, on the clock that the driver reads."""

        def judge(self, text, form):
            passed[0] += TURN_S / 50
            return super().judge(text[:10], form)

        def open_channel(self, form):
            channel = super().open_channel(form)
            channel.feed = lambda piece: passed.__setitem__(0, passed[0] + TURN_S * 1.1) or piece
            return channel

    passed, turns = [0.0], []

    async def neighbour():
        while True:
            turns.append(passed[0])
            await asyncio.sleep(0)

    task = asyncio.create_task(neighbour())  # noqa: TID251 - a test's own loop
    await asyncio.sleep(0)
    await judge(values, Slow({}), Slow({}), now=lambda: passed[0])
    task.cancel()
    turns.append(passed[0])
    gaps = [after - before for before, after in pairwise(turns)]
    assert passed[0] > 0
    assert max(gaps) < TURN_S * 2.3


async def test_unreadable_parts_pass_where_every_policy_lets_them():
    allows = WordPolicy({}, unreadable="allow")
    Judge((allows, allows), Phase.INPUT, "block").check_unreadable([Unreadable((), "image")])
    Judge((), Phase.INPUT, "block").check_unreadable([Unreadable((), "image")])


async def test_an_unreadable_part_is_refused_with_its_place_and_the_setting_that_would_let_it_pass():
    driver = Judge((WordPolicy({}, unreadable="allow"), WordPolicy({}, kind="strict")), Phase.INPUT, "block")
    with pytest.raises(Fault) as refused:
        driver.check_unreadable([Unreadable(("messages", 0, "content", 1), "image_url")])
    fault = refused.value
    assert (fault.code, fault.policy, fault.param) == (Code.CONTENT_NOT_INSPECTABLE, "strict", "messages[0].content[1]")
    assert "image_url" in fault.message
    assert "policy.strict.unreadable: allow" in fault.message


def make_call(**changes):
    given = {
        "route": Route.CHAT,
        "body": b"{}",
        "content_type": b"application/json",
        "tree": {},
        "model": "m",
    } | changes
    return Call(**given)


def providers(**changes):
    return msgspec.convert({"targets": [{"id": "a", "provider": "openai", "model": "m"}]} | changes, Providers)


def output(*policies):
    return Judge(policies, Phase.OUTPUT, "block")


def call_refusal(call, given, *policies):
    with pytest.raises(Fault) as refused:
        check_call(call, given, output(*policies))
    return refused.value


def test_server_tools_need_the_packs_leave():
    call = make_call(server_tools=("web_search", "mcp"))
    check_call(call, providers(server_tools=["mcp", "web_search"]), output())
    fault = call_refusal(call, providers(server_tools=["web_search"]))
    assert (fault.code, fault.param) == (Code.SERVER_TOOL_NOT_ALLOWED, "tools")
    assert "mcp" in fault.message
    assert "providers.server_tools" in fault.message


def test_references_to_the_providers_state_are_allowed_unless_the_pack_refuses_them():
    call = make_call(provider_state=(("previous_response_id",), ("input", 0, "file_id")))
    check_call(call, providers(), output())
    check_call(call, providers(provider_state="allow"), output())
    fault = call_refusal(call, providers(provider_state="refuse"))
    assert (fault.code, fault.param) == (Code.PROVIDER_STATE_NOT_ALLOWED, "previous_response_id")


def test_logprobs_are_refused_where_they_would_repeat_what_was_redacted():
    call = make_call(asks_logprobs=True)
    check_call(call, providers(), output(WordPolicy({}, can_rewrite=False)))
    check_call(make_call(), providers(), output(REDACT))
    fault = call_refusal(call, providers(), REDACT)
    assert (fault.code, fault.param, fault.policy) == (Code.LOGPROBS_NOT_INSPECTABLE, "logprobs", "redact")


def test_an_answer_that_nobody_could_read_is_refused_before_it_is_asked_for():
    call = make_call(unreadable_reply="audio")
    check_call(call, providers(), output(WordPolicy({}, unreadable="allow")))
    fault = call_refusal(call, providers(), REDACT)
    assert (fault.code, fault.policy) == (Code.CONTENT_NOT_INSPECTABLE, "redact")


def test_what_a_finished_channel_amounts_to():
    block = Block("b", "no")
    assert verdict_of(REDACT, SimpleNamespace(findings={"x": 1}, blocked=block), "t") is block
    assert verdict_of(REDACT, SimpleNamespace(findings={}, blocked=None), "t") == ALLOW
    assert verdict_of(REDACT, SimpleNamespace(findings={"x": 1}, blocked=None), "t") == Rewrite(
        "t", "word_found", {"x": 1}
    )


def test_json_is_judged_as_json():
    seen = []

    class Notes(WordPolicy):
        def judge(self, text, form):
            seen.append(form)
            return ALLOW

    driver = Judge((Notes({}),), Phase.INPUT, "block")
    asyncio.run(driver.judge([Text(("a",), "{}", form=Form.JSON)], driver.tallies()))
    assert seen == [Form.JSON]


def test_the_error_of_a_policy_is_not_the_cause_of_the_fault():
    """A cause would be printed with the text that it quotes."""
    with pytest.raises(Fault) as refused:
        asyncio.run(judge(["boom 4111"], BROKEN))
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)


async def test_large_calls_are_judged_one_after_the_other():
    ends, now = [], iter(range(10_000_000))
    driver = Judge([REDACT], Phase.INPUT, "block", now=lambda: next(now))

    async def judge_one(name, size):
        await driver.judge(texts("x" * size), driver.tallies())
        ends.append(name)

    async with asyncio.TaskGroup() as group:
        for name, size in (("first", LARGE * 3), ("second", LARGE + 1), ("small", SLICE * 2)):
            group.create_task(judge_one(name, size))
    assert ends == ["small", "first", "second"]
