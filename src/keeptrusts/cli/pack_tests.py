"""Test cases beside a pack: calls, and what its input policies should make of them. The real chain decides."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from keeptrusts.config.excerpts import escape
from keeptrusts.config.pack import Pack
from keeptrusts.config.targets import Providers
from keeptrusts.contract.call import Call, Route
from keeptrusts.contract.events import PolicyOutcome, PolicyVerdict
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.identity import Identity
from keeptrusts.gateway.callers import Caller
from keeptrusts.gateway.identity import identity_headers, name_caller
from keeptrusts.gateway.judging import SEVERITY, Judge, Tally, check_call
from keeptrusts.gateway.permits import check_permitted
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.targets import Target, make_target
from keeptrusts.policies.catalog import compile_chain, text_policies
from keeptrusts.policies.data_routing import DataRouting
from keeptrusts.policies.rbac import Rbac
from keeptrusts.policies.verdict import CallPolicy, Phase
from keeptrusts.providers.catalog import dialect_of

MAX_FILE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to a call. `because` is for people."""

    verdict: PolicyVerdict
    reason_code: str | None
    because: str = ""

    def __str__(self) -> str:
        return self.verdict + (f" ({self.reason_code})" if self.reason_code else "")


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What should happen. Without a reason code, any reason will do."""

    verdict: PolicyVerdict
    reason_code: str | UnsetType = UNSET

    def is_met_by(self, outcome: Outcome) -> bool:
        return self.verdict == outcome.verdict and self.reason_code in (UNSET, outcome.reason_code)

    def __str__(self) -> str:
        return self.verdict + (f" ({self.reason_code})" if self.reason_code is not UNSET else "")


class CaseInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chat call. `headers` are those of a client that is trusted with them, such as `x-user-role`."""

    messages: list[dict[str, Any]]
    model: str = "test-model"
    headers: dict[str, str] = {}


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call and its expected verdict."""

    name: str
    input: CaseInput
    expected: Expected


class BadCase(ValueError):
    """A file of cases that cannot be used. The message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What of a pack decides about a call before it is sent."""

    providers: Providers
    targets: tuple[Target, ...]
    identity_headers: tuple[bytes, ...]
    callers: tuple[CallPolicy, ...]
    input: Judge
    output: Judge


def make_chain(pack: Pack) -> Chain:
    """Compile the pack's policies, as the gateway does. No credential is looked for."""
    compiled = compile_chain(pack)
    readers = text_policies(compiled)
    judges = {
        phase: Judge(tuple(policy for policy in readers if phase in policy.phases), phase, "block") for phase in Phase
    }
    routing = [policy for policy in compiled if isinstance(policy, DataRouting)]
    callers = tuple(policy for policy in compiled if isinstance(policy, Rbac))
    return Chain(
        pack.providers,
        tuple(make_target(spec, Secrets({}, None), {}, routing) for spec in pack.providers.targets),
        identity_headers(*(policy.identity_headers for policy in callers)),
        callers,
        judges[Phase.INPUT],
        judges[Phase.OUTPUT],
    )


def list_cases(folder: Path) -> list[Case]:
    """The cases of all files of a folder, in the files' order. Raises BadCase, also where there are none."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise BadCase(f"no cases: {_plain(folder)} has no .json file; `kt init` writes one to begin with")
    cases = [case for file in files for case in _read(file)]
    if not cases:
        raise BadCase(f"no cases: the files in {_plain(folder)} are empty lists")
    return cases


def _read(file: Path) -> Iterator[Case]:
    try:
        content = file.read_bytes()
        if len(content) > MAX_FILE_BYTES:
            raise BadCase(f"{_plain(file)} is too large: at most {MAX_FILE_BYTES:,} bytes")
        tree = msgspec.json.decode(content)
        yield from msgspec.convert(tree if isinstance(tree, list) else [tree], list[Case])
    except OSError as error:
        raise BadCase(f"cannot read {_plain(file)}: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        shape = "{name, input: {messages}, expected: {verdict, reason_code?}}, or a list of such"
        raise BadCase(f"{_plain(file)}: {escape(str(error))}; a case is {shape}") from error


def run_case(case: Case, chain: Chain) -> Outcome:
    """Send the call through the input policies. Raises BadCase where it is no well-formed call."""
    body = msgspec.json.encode({"model": case.input.model, "messages": case.input.messages})
    dialect = dialect_of(Route.CHAT)
    try:
        call = dialect.read_call(Route.CHAT, body, b"application/json")
    except Fault as fault:
        raise BadCase(f"case {escape(case.name)!r}: {fault.message}") from fault
    tallies = chain.input.tallies()
    rulings: list[PolicyOutcome] = []
    try:
        check_call(call, chain.providers, chain.output)
        check_permitted(chain.callers, call, _identity(case, chain), chain.input, rulings)
        if chain.input.policies:
            texts, unreadable = dialect.texts(call)
            chain.input.check_unreadable(unreadable)
            asyncio.run(chain.input.judge(texts, tallies))
        _check_targets(call, chain)
    except Fault as fault:
        return Outcome("block", _reason([*rulings, *tallies], "block") or fault.code.value, fault.message)
    worst: PolicyVerdict = max((tally.verdict for tally in tallies), key=SEVERITY.index, default="allow")
    return Outcome(worst, _reason(tallies, worst))


def _identity(case: Case, chain: Chain) -> Identity:
    """For whom the call is made: whoever writes a case is trusted with its headers."""
    headers = {_bytes(name.lower()): _bytes(value) for name, value in case.input.headers.items()}
    return name_caller(Caller(None, trusts_identity_headers=True), headers, chain.identity_headers).identity


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON can say halves of characters; no header takes them


def _check_targets(call: Call, chain: Chain) -> None:
    """Raises Fault where the pack lets none of the targets that may serve this model have the call."""
    fallback = chain.providers.fallback
    is_anywhere = fallback is not UNSET and fallback.across_models and not call.provider_state
    serving = [target for target in chain.targets if target.answers(call.model)]
    others = [target for target in chain.targets if target.model != "*"] if is_anywhere else []
    if serving and all(target.objection for target in (*serving, *others)):
        message = "; ".join(f"{target.id}: {target.objection}" for target in serving)
        raise Fault(Code.NO_COMPLIANT_TARGET, message, policy="data-routing-policy")


def _reason(outcomes: Sequence[Tally | PolicyOutcome], verdict: PolicyVerdict) -> str | None:
    return next((one.reason_code for one in outcomes if one.verdict == verdict and one.reason_code), None)


def tell_result(case: Case, outcome: Outcome) -> str:
    """A line where all is well; else what was expected and what came."""
    name = escape(case.name)
    if case.expected.is_met_by(outcome):
        return f"ok    {name}"
    because = f"\n      because:  {escape(outcome.because)}" if outcome.because else ""
    return f"FAIL  {name}\n      expected: {escape(str(case.expected))}\n      got:      {outcome}{because}"


def _plain(path: Path) -> str:
    return escape(str(path))
