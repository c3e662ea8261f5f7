"""Which roles may use which models and tools."""

import msgspec
import pytest
from msgspec import UNSET

from fakes.records import make_call
from keeptrusts.contract.identity import NOBODY, Identity
from keeptrusts.policies.rbac import Rbac, RbacSpec
from keeptrusts.policies.verdict import ALLOW, Block

ROLES = {
    "reader": {"allowed_models": ["small", "gpt-4o*"], "denied_models": ["*-realtime"]},
    "writer": {"denied_tools": ["web_search", "shell*"]},
    "clerk": {"allowed_tools": ["look_up"]},
    "nobody": {"allowed_models": []},
}


def rbac(**written):
    return Rbac.compile(msgspec.convert(written, RbacSpec))


def judge(role, *, model="small", tools=(), policy=None):
    policy = policy or rbac(roles=ROLES)
    return policy.judge_call(make_call(model=model, tools=tools), Identity(role=role))


def test_no_allow_list_and_an_empty_one_are_told_apart():
    spec = msgspec.convert({"roles": {"reader": {"allowed_models": []}, "admin": {}}}, RbacSpec)
    assert spec.roles["reader"].allowed_models == ()
    assert spec.roles["admin"].allowed_models is UNSET
    assert spec.deny_if_missing == ()


@pytest.mark.parametrize(
    "written",
    [{"roles": {"A B": {}}}, {"roles": {"a": {"allowed_models": ["a b"]}}}, {"deny_if_missing": ["a b"]}, {"role": {}}],
)
def test_what_is_out_of_bounds_is_refused(written):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, RbacSpec)


@pytest.mark.parametrize(("role", "model"), [("reader", "small"), ("reader", "gpt-4o-mini"), ("writer", "anything")])
def test_a_role_may_ask_for_what_its_list_allows(role, model):
    assert judge(role, model=model) is ALLOW
    assert rbac(roles=ROLES).permits_model(model, Identity(role=role))


@pytest.mark.parametrize(
    ("role", "model"),
    [("reader", "large"), ("reader", "gpt-4o-realtime"), ("reader", "gpt-4o-REALTIME"), ("reader", "SMALL"),
     ("nobody", "small"), ("no-such-role", "small"), ("Reader", "small"), (None, "small"), ("", "small")],
)  # fmt: skip
def test_every_other_model_is_refused_with_its_name_and_the_role(role, model):
    verdict = judge(role, model=model)
    assert isinstance(verdict, Block)
    assert (verdict.reason_code, verdict.param) == ("model_not_allowed", "model")
    assert model in verdict.message
    assert (role or "") in verdict.message
    assert not rbac(roles=ROLES).permits_model(model, Identity(role=role))


@pytest.mark.parametrize(
    ("role", "tools"), [("writer", ["look_up", "web_search"]), ("writer", ["Web_Search"]), ("writer", ["shell_exec"]),
                        ("clerk", ["look_up", "mcp"])],
)  # fmt: skip
def test_a_tool_that_the_role_may_not_use_is_refused_by_name_and_by_type(role, tools):
    verdict = judge(role, tools=tools)
    assert isinstance(verdict, Block)
    assert (verdict.reason_code, verdict.param) == ("tool_not_allowed", "tools")
    assert tools[-1] in verdict.message


def test_tools_that_are_allowed_pass():
    assert judge("clerk", tools=["look_up"]) is ALLOW
    assert judge("writer", tools=["look_up", "mcp"]) is ALLOW


def test_a_name_that_a_client_made_up_is_not_repeated():
    verdict = judge("clerk", tools=["my number is 4111 1111"])
    assert isinstance(verdict, Block)
    assert "4111" not in verdict.message


def test_without_roles_everybody_may_use_everything():
    assert judge(None, model="any", tools=["mcp"], policy=rbac()) is ALLOW
    assert rbac().permits_model("any", NOBODY)


def test_a_call_that_does_not_say_whom_it_is_for_is_refused_where_the_pack_asks():
    policy = rbac(deny_if_missing=["X-User-Id", "x-team"])
    assert policy.identity_headers == ("x-user-id", "x-team")
    for identity in (NOBODY, Identity(user="u"), Identity(headers={"x-team": "red"})):
        verdict = policy.judge_call(make_call(), identity)
        assert isinstance(verdict, Block)
        assert verdict.reason_code == "identity_missing"
    assert policy.judge_call(make_call(), Identity(user="u", headers={"x-team": "red"})) is ALLOW
