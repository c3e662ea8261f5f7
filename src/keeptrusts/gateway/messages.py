"""What a supervisor and its workers say to each other, as typed values. Both ends are of one version of the program."""

from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from keeptrusts.config.problems import Problem
from keeptrusts.gateway.health import InstanceReport, WorkerStatus
from keeptrusts.gateway.instance import Reloaded
from keeptrusts.gateway.metrics.counts import MetricsSnapshot
from keeptrusts.gateway.serving import Place
from keeptrusts.gateway.settings import Settings
from keeptrusts.gateway.snapshot import PackSource
from keeptrusts.gateway.spend.slices import Claim, Claimed, Grants, Recall, Report, Unavailable

# Down: from the supervisor to a worker.


class PackVersion(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A pack that was judged and is to be served. Answered by Applied or Refused."""

    content: bytes
    digest: str
    source: PackSource
    applied_at: datetime


class Start(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Who a worker is and what it serves first. `settings` come without the environment, which it inherits.

    Answered by Ready once it serves, or by CannotStart.
    """

    version: str
    settings: Settings
    place: Place
    pack: PackVersion


class AskStatus(msgspec.Struct, frozen=True, tag=True):
    """How are you? Answered by WorkerStatus; a worker that does not answer for long is replaced."""


class AskMetrics(msgspec.Struct, frozen=True, tag=True):
    """What did you count? Asked of a worker, and of the instance. Answered by Counted."""


class Drain(msgspec.Struct, frozen=True, tag=True):
    """Stop accepting, finish what runs within the grace, end. No answer but the end of the process."""


class Cut(msgspec.Struct, frozen=True, tag=True):
    """End what still runs now."""


# Up: from a worker to the supervisor.


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Calls are served."""


class CannotStart(msgspec.Struct, frozen=True, tag=True):
    """Why a worker does not serve; then it ends."""

    reason: str


class Applied(msgspec.Struct, frozen=True, tag=True):
    """This digest is served from now on."""

    digest: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Why a worker does not serve a pack that the supervisor found good."""

    problems: list[Problem]


class AskReport(msgspec.Struct, frozen=True, tag=True):
    """How is the instance? Answered by InstanceReport."""


class AskReload(msgspec.Struct, frozen=True, tag=True):
    """Look at the pack now. Answered by Reloaded, once every worker serves what was found."""


class Counted(msgspec.Struct, frozen=True, tag=True):
    """What a worker counted; of an instance, what each of its workers did, and those that have ended."""

    snapshots: list[MetricsSnapshot]


class Done(msgspec.Struct, frozen=True, tag=True):
    """The answer where there is nothing to say."""


Message: TypeAlias = (
    Start
    | PackVersion
    | AskStatus
    | AskMetrics
    | Counted
    | Drain
    | Cut
    | Ready
    | CannotStart
    | Applied
    | Refused
    | WorkerStatus
    | AskReport
    | InstanceReport
    | AskReload
    | Reloaded
    | Done
    | Claim
    | Claimed
    | Report
    | Grants
    | Unavailable
    | Recall
)


def _to_plain(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError


def _from_plain(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError


encode = msgspec.msgpack.Encoder(enc_hook=_to_plain).encode
decode = msgspec.msgpack.Decoder(Message, dec_hook=_from_plain).decode
