"""Who stands behind a call: read from identity headers, for callers that are trusted with them, and for no others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.identity import ROLE_HEADER, USER_HEADER, Identity
from keeptrusts.gateway.callers import Caller

MAX_LENGTH = 128
_VISIBLE = re.compile(rb"[!-~]{1,%d}" % MAX_LENGTH)
ALWAYS = (USER_HEADER, ROLE_HEADER)


def identity_headers(*named: Sequence[str]) -> tuple[bytes, ...]:
    """The headers to look at: the two that always count, and those that a pack's settings name."""
    names = dict.fromkeys([*ALWAYS, *(name.lower() for names in named for name in names)])
    return tuple(name.encode("ascii") for name in names)


def name_caller(caller: Caller, headers: Mapping[bytes, bytes], names: tuple[bytes, ...]) -> Caller:
    """The caller with what its identity headers say; the same one where they say nothing, or do not count.

    Raises Fault for a value that could not stand in an event.
    """
    if not caller.trusts_identity_headers:
        return caller
    said = {name.decode("ascii"): _read(name, headers[name]) for name in names if headers.get(name)}
    if not said:
        return caller
    identity = Identity(
        user=said.pop(USER_HEADER, caller.identity.user),
        role=said.pop(ROLE_HEADER, caller.identity.role),
        headers=said,
    )
    return replace(caller, identity=identity)


def _read(name: bytes, value: bytes) -> str:
    if not _VISIBLE.fullmatch(value):
        header = name.decode("ascii")
        message = f"The header {header} must be one value of 1 to {MAX_LENGTH} visible ASCII characters."
        raise Fault(Code.INVALID_REQUEST, message, param=header)
    return value.decode("ascii")
