"""A validated, compiled, ready-to-serve pack. Built whole, swapped whole, never changed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from keeptrusts.config.pack import Pack
from keeptrusts.contract.events import Origin
from keeptrusts.gateway.judging import Judge
from keeptrusts.gateway.outbox import Source, compile_source
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.settings import FailMode
from keeptrusts.gateway.targets import Target, TargetCounters, make_target
from keeptrusts.policies.audit_logger import AuditLoggerSpec
from keeptrusts.policies.catalog import compile_chain, load_pack
from keeptrusts.policies.verdict import Phase, TextPolicy

PackSource: TypeAlias = Literal["file", "last_good"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one request needs to know of the configuration.

    `digest` is `sha256:` of the pack's exact bytes; `label` is `<name>@<pack version>`, as clients see it.
    """

    pack: Pack
    content: bytes
    digest: str
    label: str
    source: PackSource
    applied_at: datetime
    input: Judge
    output: Judge
    targets: tuple[Target, ...]
    events: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotMaker:
    """Builds snapshots for one gateway: what it knows besides the pack."""

    secrets: Secrets
    fail_mode: FailMode
    gateway_name: str | None
    instance_id: str

    def make(
        self,
        content: bytes,
        *,
        source: PackSource,
        applied_at: datetime,
        counters: Mapping[str, TargetCounters],
    ) -> Snapshot:
        """Judge, compile and resolve a pack. Raises InvalidPack with every problem."""
        pack = load_pack(content)
        chain = compile_chain(pack)
        digest = digest_of(content)
        return Snapshot(
            pack=pack,
            content=content,
            digest=digest,
            label=f"{pack.pack.name}@{pack.pack.version}",
            source=source,
            applied_at=applied_at,
            input=self._judge(chain, Phase.INPUT),
            output=self._judge(chain, Phase.OUTPUT),
            targets=tuple(make_target(target, self.secrets, counters) for target in pack.providers.targets),
            events=self._event_source(pack, digest, is_audited=any(isinstance(p, AuditLoggerSpec) for p in chain)),
        )

    def _judge(self, chain: tuple[TextPolicy | AuditLoggerSpec, ...], phase: Phase) -> Judge:
        readers = [policy for policy in chain if not isinstance(policy, AuditLoggerSpec)]
        return Judge(tuple(policy for policy in readers if phase in policy.phases), phase, self.fail_mode)

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
