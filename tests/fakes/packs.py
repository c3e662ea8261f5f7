"""Packs and what is made of them, with sensible defaults."""

import json
from typing import Any

from fakes.clock import FakeClock
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.snapshot import Snapshot, SnapshotMaker

ENVIRONMENT = {"OPENAI_KEY": "sk-canary-credential"}


def make_target(**changes: Any) -> dict[str, Any]:
    """A target as authored; None takes a key out."""
    target = {
        "id": "main",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "base_url": "http://127.0.0.1:9",
        "secret_key_ref": {"env": "OPENAI_KEY"},
    }
    return {key: value for key, value in (target | changes).items() if value is not None}


def make_pack(*targets: dict[str, Any], chain=(), name="blue", version="1.0.0", enabled=True, **sections: Any) -> bytes:
    """The text of a pack; JSON is YAML. `providers` adds to that section."""
    providers = {"targets": list(targets or [make_target()])} | sections.pop("providers", {})
    label = {"name": name, "version": version, "enabled": enabled}
    tree = {"pack": label, "policies": {"chain": list(chain)}, "providers": providers} | sections
    return json.dumps(tree).encode()


def make_maker(environment=None, *, secrets_dir=None, fail_mode="block", gateway_name=None) -> SnapshotMaker:
    secrets = Secrets(ENVIRONMENT if environment is None else environment, secrets_dir)
    return SnapshotMaker(secrets=secrets, fail_mode=fail_mode, gateway_name=gateway_name, instance_id="ins_1")


def make_snapshot(content: bytes | None = None, *, maker=None, source="file", counters=None) -> Snapshot:
    return (maker or make_maker()).make(
        make_pack() if content is None else content,
        source=source,
        applied_at=FakeClock().now(),
        counters=counters or {},
    )


def make_active(*targets: dict[str, Any], **sections: Any) -> ActiveConfig:
    return ActiveConfig(make_snapshot(make_pack(*targets, **sections)))
