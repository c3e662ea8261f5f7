"""The list of policies: adding one is adding an entry. Here the pack language learns which kinds there are."""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias

from keeptrusts.config.codes import Code
from keeptrusts.config.kinds import PolicyKind
from keeptrusts.config.load import BadSettings, Judge, Judged, SettingsProblem, compile_policy
from keeptrusts.config.pack import Pack
from keeptrusts.config.problems import InvalidPack, Problem, format_path
from keeptrusts.policies.audit_logger import AuditLoggerSpec
from keeptrusts.policies.data_routing import DataRouting, DataRoutingSpec
from keeptrusts.policies.dlp_filter import DlpFilter, DlpFilterSpec
from keeptrusts.policies.pii_detector import PiiDetector, PiiDetectorSpec
from keeptrusts.policies.prompt_injection import PromptInjection, PromptInjectionSpec
from keeptrusts.policies.rbac import Rbac, RbacSpec
from keeptrusts.policies.spend_limit import SpendLimit, SpendLimitSpec
from keeptrusts.policies.verdict import TextPolicy

CompiledPolicy: TypeAlias = TextPolicy | Rbac | DataRouting | SpendLimit | AuditLoggerSpec
"""What runs: a policy that reads texts, calls, targets or costs, or the settings by which events are kept."""


def _as_written(spec: AuditLoggerSpec) -> AuditLoggerSpec:
    """`audit-logger` has nothing to compile: whoever records events acts on its settings."""
    return spec


_KINDS = (
    PolicyKind(
        name="prompt-injection",
        spec=PromptInjectionSpec,
        compile=PromptInjection.compile,
        phases=("input",),
        summary="refuses known attacks on a model's instructions, also when hidden by encoding",
    ),
    PolicyKind(
        name="pii-detector",
        spec=PiiDetectorSpec,
        compile=PiiDetector.compile,
        phases=("input", "output"),
        summary="redacts or blocks personal data: e-mail, phone, card and account numbers, own patterns",
    ),
    PolicyKind(
        name="dlp-filter",
        spec=DlpFilterSpec,
        compile=DlpFilter.compile,
        phases=("input", "output"),
        summary="redacts or blocks credentials and own terms",
    ),
    PolicyKind(
        name="rbac",
        spec=RbacSpec,
        compile=Rbac.compile,
        phases=("input",),
        summary="says which roles may use which models and tools",
    ),
    PolicyKind(
        name="data-routing-policy",
        spec=DataRoutingSpec,
        compile=DataRouting.compile,
        phases=("routing",),
        summary="removes targets whose declared handling of data does not comply",
    ),
    PolicyKind(
        name="spend-limit",
        spec=SpendLimitSpec,
        compile=SpendLimit.compile,
        phases=("admission",),
        summary="holds a hard cap on the money spent in a day",
        needs_prices=True,
    ),
    PolicyKind(
        name="audit-logger",
        spec=AuditLoggerSpec,
        compile=_as_written,
        phases=("audit",),
        summary="keeps decision events; traffic stops rather than lose one",
    ),
)

CATALOG: Mapping[str, PolicyKind] = MappingProxyType({kind.name: kind for kind in _KINDS})


@cache
def _judge() -> Judge:
    """One per process: compiling the schema takes some milliseconds, so it waits for the first pack."""
    return Judge(CATALOG)


def pack_schema() -> dict[str, Any]:
    """The JSON Schema of the language, with every kind of policy in it."""
    return _judge().schema


def judge_pack(text: bytes | str) -> Judged:
    """A pack and its warnings, or every problem. Never raises, whatever the text is."""
    return _judge().judge(text)


def load_pack(text: bytes | str, *, require_tls: bool = False) -> Pack:
    """The pack that the text says. Raises InvalidPack with every problem: see `Judged.accepted`."""
    return judge_pack(text).accepted(require_tls=require_tls)


def compile_chain(pack: Pack) -> tuple[CompiledPolicy, ...]:
    """The running policies, in the chain's order. Raises InvalidPack; a pack from `load_pack` always compiles."""
    compiled: list[CompiledPolicy] = []
    problems: list[Problem] = []
    for name in pack.policies.chain:
        try:
            compiled.append(_compile(name, pack.policy.get(name, {})))
        except BadSettings as bad:
            problems += map(_unplaced, bad.problems)
    if problems:
        raise InvalidPack(problems)
    return tuple(compiled)


def text_policies(chain: Iterable[CompiledPolicy]) -> tuple[TextPolicy, ...]:
    """Those of a chain that read texts."""
    return tuple(
        policy for policy in chain if not isinstance(policy, AuditLoggerSpec | Rbac | DataRouting | SpendLimit)
    )


def _compile(name: str, settings: Mapping[str, Any]) -> CompiledPolicy:
    kind = CATALOG.get(name)
    if kind is None or kind.compile is None:
        refusal = f"the policy {name!r} cannot be enforced by this version"
        raise BadSettings([SettingsProblem(("policies", "chain"), refusal)])
    return compile_policy(kind, settings)  # type: ignore[return-value]  # the table above pairs them


def _unplaced(bad: SettingsProblem) -> Problem:
    """Here no text is at hand, so there is a path and no line."""
    path = format_path(bad.path)
    return Problem(
        code=Code.WRONG_VALUE, path=path, line=0, column=0, message=bad.message, excerpt="", suggestion=bad.suggestion
    )
