"""How a command that runs a gateway tells why it cannot start or go on: plain lines on standard error, never a trace.

Exit 2 means that what was given is wrong, 1 that this machine does not let the gateway run.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from keeptrusts.config.problems import InvalidPack


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what `open_gateway` raises, and what ends a running gateway, into a message and an exit code."""
    from keeptrusts.gateway.http.server import CannotListen
    from keeptrusts.gateway.seat import WorkerFailed
    from keeptrusts.gateway.settings import InvalidSettings
    from keeptrusts.runtime.state_dir import StateDirError

    try:
        yield
    except InvalidSettings as bad:
        fail(str(bad), 2)
    except (CannotListen, StateDirError, WorkerFailed) as refused:
        fail(str(refused), 1)
    except OSError as refused:
        fail(explain_os_error(refused), 1)
    except ExceptionGroup as group:
        fail(explain_stop(group), 1)


def fail_over_pack(bad: "InvalidPack", file: Path) -> NoReturn:
    """Print every problem of a pack with its place, its line and the way out; exit 2."""
    from keeptrusts.config.excerpts import escape
    from keeptrusts.config.problems import format_problem

    for problem in bad.problems:
        print(format_problem(problem, escape(str(file))), file=sys.stderr)
    fail("the pack is not valid, and no earlier one is at hand: nothing was started", 2)


def explain_os_error(error: OSError) -> str:
    """What the system refused, on which file, and what to look at."""
    from keeptrusts.config.excerpts import escape

    reason = error.strerror or type(error).__name__
    if error.filename is None:
        return f"the system refused: {reason}; `kt doctor` looks for the cause"
    return f"{escape(str(error.filename))}: {reason}; see who owns it and whether its disk has room"


def explain_stop(group: BaseExceptionGroup[BaseException]) -> str:
    """Why a part of a running gateway failed. Only the system's words are told: others may quote a caller's text."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, OSError):
        return f"the gateway stopped: {explain_os_error(first)}"
    trace = first.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"the gateway stopped over an error of its own, {type(first).__name__}{where}: start it again, and report it"


def fail(message: str, code: int) -> NoReturn:
    """Say why on standard error, and end."""
    print(f"kt: {message}", file=sys.stderr)
    raise typer.Exit(code)
