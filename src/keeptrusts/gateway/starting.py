"""The first configuration of a process, and the check that a later one is no step back."""

import logging
from collections.abc import Callable
from pathlib import Path

from keeptrusts.config.problems import InvalidPack, Problem
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.last_good import LastGood
from keeptrusts.gateway.secrets import describe_reference
from keeptrusts.gateway.settings import InvalidSettings
from keeptrusts.gateway.snapshot import Snapshot, SnapshotMaker
from keeptrusts.gateway.sources.file import unreadable
from keeptrusts.gateway.targets import Target
from keeptrusts.runtime.clock import Clock

log = logging.getLogger(__name__)


def open_active(
    path: Path, maker: SnapshotMaker, last_good: LastGood, clock: Clock
) -> tuple[ActiveConfig, bytes | None]:
    """What to serve first, and the file's content (None where it cannot be read).

    It is the file, else the last good pack that came from the same path.
    Raises InvalidPack with every problem, or InvalidSettings where there is no file, if there is no last good pack.
    """
    content = None
    try:
        content = path.read_bytes()
        snapshot = maker.make(content, source="file", applied_at=clock.now(), counters={})
    except OSError as gone:
        active = _serve_last_good(maker, last_good, clock, unreadable(gone))
        if active is None:
            raise InvalidSettings(
                f"cannot read the pack {path}: {gone.strerror}. `kt init` writes one to begin with."
            ) from gone
    except InvalidPack as bad:
        active = _serve_last_good(maker, last_good, clock, bad)
        if active is None:
            raise
    else:
        _keep(last_good, content)
        active = ActiveConfig(snapshot)
    _warn_of_missing_secrets(active.current())
    return active, content


def _serve_last_good(
    maker: SnapshotMaker, last_good: LastGood, clock: Clock, problem: InvalidPack
) -> ActiveConfig | None:
    """The pack that was served last, if there is one that this version can still serve."""
    kept = last_good.find()
    if kept is None:
        return None
    try:
        active = ActiveConfig(maker.make(kept, source="last_good", applied_at=clock.now(), counters={}))
    except InvalidPack:
        log.warning("the last good pack cannot be served any more")
        return None
    facts = {"pack": active.current().label, "reason": str(problem)}
    log.error("pack rejected, serving the last good one", extra={"facts": facts})
    active.rejection = problem
    return active


def _keep(last_good: LastGood, content: bytes) -> None:
    try:
        last_good.keep(content)
    except OSError as refused:
        log.warning("the pack could not be kept for the next start", extra={"facts": {"error": refused.strerror}})


def make_rebuild(active: ActiveConfig, maker: SnapshotMaker, clock: Clock) -> Callable[[bytes], Snapshot]:
    """A function that builds later versions. It also refuses one whose secret is missing: what runs now is better."""

    def rebuild(content: bytes) -> Snapshot:
        counters = {target.id: target.counters for target in active.current().targets}
        snapshot = maker.make(content, source="file", applied_at=clock.now(), counters=counters)
        missing = [_secret_missing(target.id, looked_for) for target, looked_for in _without_credential(snapshot)]
        before = {target.id for target in active.current().targets if not target.has_credential}
        if missing and any(target.id not in before for target in snapshot.targets if not target.has_credential):
            raise InvalidPack(missing)
        return snapshot

    return rebuild


def _without_credential(snapshot: Snapshot) -> list[tuple[Target, str]]:
    """Targets whose secret is missing, and what was looked for in words."""
    pairs = zip(snapshot.targets, snapshot.pack.providers.targets, strict=True)
    return [(target, describe_reference(spec.secret_key_ref)) for target, spec in pairs if not target.has_credential]


def _secret_missing(target_id: str, looked_for: str) -> Problem:
    return Problem(
        code="secret_missing",
        path=f"providers.targets.{target_id}.secret_key_ref",
        line=0,
        column=0,
        message=f"the secret of this target is not there, or is no header's value: {looked_for}",
        excerpt="",
        suggestion="set the variable (or its _FILE twin) where the gateway runs, or put the file in its place",
    )


def warn_of_identity(snapshot: Snapshot, *, trusts_identity_headers: bool) -> None:
    """Say it where `rbac` asks who calls and nobody can tell: then it refuses every call."""
    if trusts_identity_headers or not any(policy.kind == "rbac" for policy in snapshot.call_policies):
        return
    log.warning("rbac asks who calls, and identity headers do not count: set --trust-identity-headers and a token")


def _warn_of_missing_secrets(snapshot: Snapshot) -> None:
    for target, looked_for in _without_credential(snapshot):
        facts = {"target": target.id, "looked_for": looked_for}
        log.warning("secret missing: the target is unavailable", extra={"facts": facts})
