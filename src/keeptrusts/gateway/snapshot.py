"""A validated, compiled, ready-to-serve pack. Built whole, swapped whole, never changed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from keeptrusts.config.pack import Pack
from keeptrusts.contract.events import Origin, PolicyOutcome
from keeptrusts.contract.faults import Code
from keeptrusts.gateway.identity import identity_headers
from keeptrusts.gateway.judging import Judge
from keeptrusts.gateway.limits.rates import CallLimits, compile_limits
from keeptrusts.gateway.outbox import Source, compile_source
from keeptrusts.gateway.routing import Router
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.settings import FailMode
from keeptrusts.gateway.targets import Target, TargetCounters, make_target
from keeptrusts.policies.audit_logger import AuditLoggerSpec
from keeptrusts.policies.catalog import CompiledPolicy, compile_chain, load_pack, text_policies
from keeptrusts.policies.data_routing import DataRouting
from keeptrusts.policies.rbac import Rbac
from keeptrusts.policies.spend_limit import SpendLimit
from keeptrusts.policies.verdict import CallPolicy, Phase

_NOT_COMPLIANT = Code.NO_COMPLIANT_TARGET.value

PackSource: TypeAlias = Literal["file", "last_good"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one request needs to know of the configuration.

    `identity_headers` are those that its settings ask for, for callers that are trusted with them.

    `digest` is `sha256:` of the pack's exact bytes; `label` is `<name>@<pack version>`, as clients see it in
    `answer_line`, a header of each answer. `compliant` and `not_compliant` is what policies that judge targets say of a
    call that has one to go to, and of one that has none.
    """

    pack: Pack
    content: bytes
    digest: str
    label: str
    answer_line: bytes
    source: PackSource
    applied_at: datetime
    input: Judge
    output: Judge
    call_policies: tuple[CallPolicy, ...]
    identity_headers: tuple[bytes, ...]
    compliant: tuple[PolicyOutcome, ...]
    not_compliant: tuple[PolicyOutcome, ...]
    spend: SpendLimit | None
    limits: CallLimits
    targets: tuple[Target, ...]
    router: Router
    events: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotMaker:
    """Builds snapshots for one gateway: what it knows besides the pack."""

    secrets: Secrets
    fail_mode: FailMode
    gateway_name: str | None
    instance_id: str
    require_tls: bool = False

    def make(
        self,
        content: bytes,
        *,
        source: PackSource,
        applied_at: datetime,
        counters: Mapping[str, TargetCounters],
    ) -> Snapshot:
        """Judge, compile and resolve a pack. Raises InvalidPack with every problem."""
        pack = load_pack(content, require_tls=self.require_tls)
        chain = compile_chain(pack)
        digest = digest_of(content)
        label, limits = f"{pack.pack.name}@{pack.pack.version}", compile_limits(pack)
        call_policies = tuple(policy for policy in chain if isinstance(policy, Rbac))
        target_policies = tuple(policy for policy in chain if isinstance(policy, DataRouting))
        targets = tuple(
            make_target(target, self.secrets, counters, target_policies) for target in pack.providers.targets
        )
        return Snapshot(
            pack=pack,
            content=content,
            digest=digest,
            label=label,
            answer_line=b"x-keeptrusts-config: %b\r\n" % label.encode(),
            source=source,
            applied_at=applied_at,
            input=self._judge(chain, Phase.INPUT),
            output=self._judge(chain, Phase.OUTPUT),
            call_policies=call_policies,
            identity_headers=identity_headers(
                limits.user_headers, *(policy.identity_headers for policy in call_policies)
            ),
            compliant=tuple(
                PolicyOutcome(kind=policy.kind, phase=Phase.ROUTING, verdict="allow") for policy in target_policies
            ),
            not_compliant=tuple(
                PolicyOutcome(kind=policy.kind, phase=Phase.ROUTING, verdict="block", reason_code=_NOT_COMPLIANT)
                for policy in target_policies
            ),
            limits=limits,
            spend=next((policy for policy in chain if isinstance(policy, SpendLimit)), None),
            targets=targets,
            router=Router(targets, pack.providers),
            events=self._event_source(pack, digest, is_audited=any(isinstance(p, AuditLoggerSpec) for p in chain)),
        )

    def _judge(self, chain: tuple[CompiledPolicy, ...], phase: Phase) -> Judge:
        policies = tuple(policy for policy in text_policies(chain) if phase in policy.phases)
        return Judge(policies, phase, self.fail_mode)

    def _event_source(self, pack: Pack, digest: str, *, is_audited: bool) -> Source:
        origin = Origin(
            gateway_name=self.gateway_name or pack.pack.name,
            instance_id=self.instance_id,
            config_name=pack.pack.name,
            pack_version=pack.pack.version,
            config_digest=digest,
        )
        return compile_source(origin, is_audited=is_audited)


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
