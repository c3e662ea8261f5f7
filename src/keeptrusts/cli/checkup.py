"""What `kt doctor` looks at: one check a method, each giving findings that say what to do. Never shows a secret."""

import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import UNSET

import keeptrusts
from keeptrusts.cli.reachability import Probe, list_probes, run_probes
from keeptrusts.config.excerpts import escape
from keeptrusts.config.pack import Pack
from keeptrusts.config.source import MAX_BYTES
from keeptrusts.config.targets import ProviderTarget, SecretRef
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.settings import DEFAULT_LISTEN, Address, default_state_root, parse_address
from keeptrusts.policies.catalog import judge_pack
from keeptrusts.runtime.clock import Clock

Level: TypeAlias = Literal["ok", "warning", "bad"]

TOKEN = "KEEPTRUSTS_GATEWAY_TOKEN"  # noqa: S105 - the name of a variable
TRUST = "KEEPTRUSTS_TRUST_IDENTITY_HEADERS"
TRUST_FLAG = "--trust-identity-headers"
OLDEST, NEWEST = (3, 11), (3, 14)
MAX_SKEW_S = 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` is empty where nothing needs to be done."""

    level: Level
    check: str
    message: str
    remedy: str = ""


def format_finding(finding: Finding) -> str:
    line = f"{finding.level:7} {finding.check}: {escape(finding.message)}"
    return f"{line}\n        = {escape(finding.remedy)}" if finding.remedy else line


@dataclass(frozen=True, slots=True)
class Checkup:
    """Everything that is looked at, and where. `pack_file` is None where no pack was named."""

    environment: Mapping[str, str]
    clock: Clock
    pack_file: Path | None
    listen: Address
    state_root: Path
    offline: bool

    @classmethod
    def plan(
        cls,
        environment: Mapping[str, str],
        clock: Clock,
        pack_file: Path | None,
        listen: str | None,
        state_dir: Path | None,
        *,
        offline: bool,
    ) -> "Checkup":
        """Fill in what was not named from the environment, as the gateway would. Raises InvalidSettings."""
        named = environment.get("KEEPTRUSTS_POLICY_CONFIG")
        state = state_dir or environment.get("KEEPTRUSTS_STATE_DIR")
        return cls(
            environment,
            clock,
            pack_file or (Path(named) if named else None),
            parse_address(listen or environment.get("KEEPTRUSTS_LISTEN") or DEFAULT_LISTEN),
            Path(state) if state else default_state_root(),
            offline,
        )

    def findings(self) -> Iterator[Finding]:
        """Look at one thing after the other."""
        yield self.python()
        yield self.state_dir()
        yield self.port()
        yield self.token()
        pack, found = self.pack()
        yield from found
        if pack is not None:
            yield from self.identities(pack)
            yield from self.secrets(pack)
        yield from self.network(pack)

    def python(self) -> Finding:
        version = sys.version_info[:2]
        text = f"{version[0]}.{version[1]}"
        if OLDEST <= version <= NEWEST:
            return Finding("ok", "python", f"{text}, keeptrusts {keeptrusts.__version__}")
        return Finding("warning", "python", f"{text} is not one that is tested", "use Python 3.11 to 3.14")

    def state_dir(self) -> Finding:
        """Whether a file can be made there, or in the nearest parent that exists. Leaves nothing behind."""
        place = self.state_root
        while not place.exists() and place != place.parent:
            place = place.parent
        try:
            with tempfile.NamedTemporaryFile(dir=place, prefix=".kt-doctor-"):
                return Finding("ok", "state", f"{self.state_root} can be written")
        except OSError as error:
            remedy = "name a directory that this user may write, with --state-dir or KEEPTRUSTS_STATE_DIR"
            return Finding("bad", "state", f"{place} cannot be written: {error.strerror}", remedy)

    def port(self) -> Finding:
        family = socket.AF_INET6 if ":" in self.listen.host else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((self.listen.host, self.listen.port))
        except OSError as error:
            remedy = "stop what listens there, or choose another address with --listen"
            return Finding("bad", "port", f"cannot listen on {self.listen}: {error.strerror or error}", remedy)
        return Finding("ok", "port", f"{self.listen} is free")

    def token(self) -> Finding:
        secret = Secrets(self.environment, None).find_variable(TOKEN)
        if secret is not None:
            return Finding("ok", "token", f"{TOKEN} is set")
        if self.listen.is_loopback:
            return Finding("ok", "token", f"{TOKEN} is not set: callers on this machine need no key")
        remedy = f"set {TOKEN} to a text of 16 or more characters, or listen on 127.0.0.1"
        return Finding("bad", "token", f"{TOKEN} is not set, and {self.listen} can be reached from outside", remedy)

    def pack(self) -> tuple[Pack | None, list[Finding]]:
        """The pack, where one was named and is valid; and what is to be said about it."""
        if self.pack_file is None:
            remedy = "name it with --policy-config PATH; `kt init` writes one to begin with"
            return None, [Finding("warning", "pack", "no pack was named", remedy)]
        try:
            with self.pack_file.open("rb") as file:
                judged = judge_pack(file.read(MAX_BYTES + 1))
        except OSError as error:
            message = f"cannot read {self.pack_file}: {error.strerror}"
            return None, [Finding("bad", "pack", message, "`kt init` writes one to begin with")]
        findings = [
            Finding("warning" if problem.is_warning else "bad", "pack", str(problem), problem.suggestion)
            for problem in (*judged.problems, *judged.warnings)
        ]
        if judged.pack is None:
            return None, findings
        label = judged.pack.pack
        return judged.pack, [Finding("ok", "pack", f"{label.name} {label.version} is valid"), *findings]

    def identities(self, pack: Pack) -> Iterator[Finding]:
        """Whether anybody can have the role that `rbac` asks for, and whether whoever is trusted can be told apart."""
        trust = self.environment.get(TRUST) or "false"
        message = remedy = ""
        level: Level = "bad"
        if trust not in {"true", "false"}:
            message, remedy = f"{TRUST} is neither true nor false", "the gateway does not start with it"
        elif trust == "true" and Secrets(self.environment, None).find_variable(TOKEN) is None:
            message, remedy = f"{TRUST} is set, and {TOKEN} is not", "set both: only holders of a token are trusted"
        elif trust == "true":
            level, message = "ok", f"{TRUST} is set: whoever holds the token says for whom it calls"
        elif "rbac" in pack.policies.chain:
            level, message = "warning", "`rbac` is in the chain, and no caller is trusted to name a role"
            remedy = f"where an application vouches for its users, set {TRUST}=true or start with {TRUST_FLAG}"
        if message:
            yield Finding(level, "identity", message, remedy)

    def secrets(self, pack: Pack) -> Iterator[Finding]:
        """Whether every credential is where the pack says. Names only."""
        folder = self.environment.get("KEEPTRUSTS_SECRETS_DIR")
        secrets = Secrets(self.environment, Path(folder) if folder else None)
        for target in pack.providers.targets:
            if isinstance(target.secret_key_ref, SecretRef):
                yield self._secret(target, target.secret_key_ref, secrets)

    def _secret(self, target: ProviderTarget, reference: SecretRef, secrets: Secrets) -> Finding:
        found = secrets.find(reference) is not None
        if reference.env is not UNSET:
            name, remedy = f"{reference.env}", f"set {reference.env}, or {reference.env}_FILE to a file's path"
        else:
            name, remedy = f"the file {reference.file}", "put it below the directory that KEEPTRUSTS_SECRETS_DIR names"
        if found:
            return Finding("ok", "secret", f"{target.id}: {name} is there")
        return Finding("bad", "secret", f"{target.id}: {name} is missing, or is not one visible ASCII word", remedy)

    def network(self, pack: Pack | None) -> Iterator[Finding]:
        """Whether providers answer, and whether their clocks agree with ours."""
        if self.offline or pack is None:
            yield self.clock_alone()
            return
        moments: list[datetime] = []
        for probe in run_probes(list_probes(pack.providers.targets, self.environment)):
            yield _reachable(probe)
            if probe.date is not None:
                moments.append(probe.date)
        yield self.clock_beside(moments[0]) if moments else self.clock_alone()

    def clock_alone(self) -> Finding:
        """Without anybody to ask: this program cannot have been installed in the future."""
        now = self.clock.now().timestamp()
        if now + MAX_SKEW_S < Path(keeptrusts.__file__).stat().st_mtime:
            return Finding("bad", "clock", "the clock is before this program's installation", "set it, by NTP best")
        return Finding("ok", "clock", f"{self.clock.now():%Y-%m-%d %H:%M} UTC, not compared with another clock")

    def clock_beside(self, theirs: datetime) -> Finding:
        skew = abs((self.clock.now() - theirs).total_seconds())
        if skew > MAX_SKEW_S:
            remedy = "set it, by NTP best: certificates and spending days depend on it"
            return Finding("warning", "clock", f"the clock is {skew:.0f} s away from a provider's", remedy)
        return Finding("ok", "clock", f"agrees with a provider's within {MAX_SKEW_S} s")


def _reachable(probe: Probe) -> Finding:
    if probe.error is None:
        return Finding("ok", "network", f"{probe.origin} answers{probe.via}")
    remedy = "check DNS, firewall, HTTPS_PROXY and KEEPTRUSTS_CA_FILE, or leave this out with --offline"
    return Finding("bad", "network", f"{probe.origin} cannot be reached{probe.via}: {probe.error}", remedy)
