"""What a caller may ask for, from the header to the list of models."""

import json

import pytest

from fakes.exchanges import MemoryResponse
from fakes.gateways import open_memory_gateway
from fakes.packs import make_pack, make_target
from fakes.records import make_call
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.identity import NOBODY
from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.callers import TokenCallers
from keeptrusts.gateway.judging import Judge
from keeptrusts.gateway.permits import check_permitted, permitted_models
from keeptrusts.policies.verdict import Phase

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-the-gateway"
KEY = {"x_api_key": TOKEN.encode()}
CONTENT = make_pack(
    make_target(aliases=["small"]),
    make_target(id="big", model="gpt-4o"),
    chain=["rbac"],
    policy={"rbac": {"roles": {"viewer": {"allowed_models": ["small"], "denied_tools": ["mcp"]}, "admin": {}}}},
)
ANSWER = b'{"id":"c","object":"chat.completion","choices":[]}'


def open_gateway(directory, *answers, trusted=True):
    callers = TokenCallers(Secret(TOKEN), trust_identity_headers=trusted)
    return open_memory_gateway(directory, *answers, content=CONTENT, callers=callers)


def chat(model, **more):
    return {"model": model, "messages": [{"role": "user", "content": "hello"}]} | more


class Broken:
    kind = "broken"
    phases = frozenset({Phase.INPUT})
    identity_headers = ()

    def judge_call(self, call, identity):
        raise ZeroDivisionError

    def permits_model(self, model, identity):
        return False


async def test_a_role_uses_what_it_may_and_its_user_is_in_the_event(tmp_path):
    async with open_gateway(tmp_path, MemoryResponse(ANSWER)) as gateway:
        line = await gateway.ask(tree=chat("small"), **KEY, x_user_id=b'o"n\\e', x_user_role=b"viewer")
        [event] = gateway.events()
    assert line.status == 200
    assert (event.user, event.decision) == ('o"n\\e', "allow")
    [outcome] = event.policies
    assert (outcome.kind, outcome.phase, outcome.verdict) == ("rbac", "input", "allow")


async def test_what_it_may_not_use_is_a_block_that_names_policy_role_and_model(tmp_path):
    async with open_gateway(tmp_path) as gateway:
        line = await gateway.ask(tree=chat("gpt-4o"), **KEY, x_user_role=b"viewer")
        [event] = gateway.events()
    error = json.loads(line.body)["error"]
    assert (line.status, error["code"], error["policy"], error["param"]) == (400, "input_blocked", "rbac", "model")
    assert error["message"] == "The role viewer may not use the model gpt-4o."
    assert (event.decision, event.reason_code) == ("block", "model_not_allowed")
    assert line.headers["x-should-retry"] == "false"


async def test_a_role_that_somebody_gives_himself_does_not_count(tmp_path):
    async with open_gateway(tmp_path, trusted=False) as gateway:
        line = await gateway.ask(tree=chat("gpt-4o"), **KEY, x_user_id=b"ceo", x_user_role=b"admin")
        [event] = gateway.events()
    assert (line.status, event.user) == (400, None)
    assert "without a role" in json.loads(line.body)["error"]["message"]


async def test_models_are_listed_by_role(tmp_path):
    async with open_gateway(tmp_path) as gateway:
        for role, models in {b"viewer": ["small"], b"admin": ["gpt-4o-mini", "small", "gpt-4o"], b"x": []}.items():
            line = await gateway.ask("GET", "/v1/models", **KEY, x_user_role=role)
            assert [model["id"] for model in json.loads(line.body)["data"]] == models
            me = json.loads((await gateway.ask("GET", "/keeptrusts/me", **KEY, x_user_role=role)).body)
            assert (me["models"], me["role"]) == (models, role.decode())
        assert (await gateway.ask("GET", "/v1/models/gpt-4o", **KEY, x_user_role=b"viewer")).status == 404


async def test_a_model_that_nobody_offers_is_answered_with_what_the_role_may_use(tmp_path):
    content = make_pack(
        make_target(), make_target(id="big", model="gpt-4o"), chain=["rbac"],
        policy={"rbac": {"roles": {"viewer": {"denied_models": ["gpt-4o"]}}}},
    )  # fmt: skip
    callers = TokenCallers(Secret(TOKEN), trust_identity_headers=True)
    async with open_memory_gateway(tmp_path, content=content, callers=callers) as gateway:
        line = await gateway.ask(tree=chat("gpt-4o-nano"), **KEY, x_user_role=b"viewer")
    message = json.loads(line.body)["error"]["message"]
    assert line.status == 404
    assert message.endswith("Offered here are: gpt-4o-mini.")


async def test_no_call_goes_to_a_target_that_does_not_comply(tmp_path):
    content = make_pack(
        make_target(model="a"), make_target(id="quiet", model="b", data_policy={"training_opt_out": True}),
        make_target(id="loud", model="b"), chain=["data-routing-policy"],
        policy={"data-routing-policy": {"require_no_training": True}},
    )  # fmt: skip
    async with open_memory_gateway(tmp_path, MemoryResponse(ANSWER), content=content) as gateway:
        refused = await gateway.ask(tree=chat("a"))
        served = await gateway.ask(tree=chat("b"))
        listed = json.loads((await gateway.ask("GET", "/v1/models")).body)["data"]
        events = gateway.events()
        config = json.loads((await gateway.ask("GET", "/keeptrusts/config")).body)
    missing = "it does not declare training_opt_out"
    assert [target["objection"] for target in config["targets"]] == [missing, None, missing]
    error = json.loads(refused.body)["error"]
    assert (refused.status, error["code"], error["policy"]) == (400, "no_compliant_target", "data-routing-policy")
    assert "training_opt_out" in error["message"]
    assert (served.status, served.headers["x-keeptrusts-target"]) == (200, "quiet")
    assert [model["id"] for model in listed] == ["b"]
    assert [(event.decision, event.reason_code) for event in events] == [
        ("block", "no_compliant_target"),
        ("allow", None),
    ]
    rulings = [(ruling.kind, ruling.phase, ruling.verdict) for event in events for ruling in event.policies]
    assert rulings == [("data-routing-policy", "routing", "block"), ("data-routing-policy", "routing", "allow")]


@pytest.mark.parametrize("mode", ["block", "allow"])
def test_an_error_inside_a_policy_fails_as_the_operator_chose(mode):
    rulings = []
    judge = Judge((), Phase.INPUT, mode)
    if mode == "allow":
        check_permitted([Broken()], make_call(), NOBODY, judge, rulings)
        assert (rulings[0].verdict, rulings[0].reason_code) == ("flag", "policy_error")
    else:
        with pytest.raises(Fault) as refused:
            check_permitted([Broken()], make_call(), NOBODY, judge, rulings)
        assert (refused.value.code, refused.value.policy) == (Code.INPUT_BLOCKED, "broken")
        assert rulings[0].reason_code == "policy_error"


def test_every_policy_has_to_permit_a_model():
    assert permitted_models((), NOBODY)("any")
    assert not permitted_models([Broken()], NOBODY)("any")
