"""Fixtures that every kind of test may use."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.load_profile("ci")  # the same examples in each run, and no failure because a machine is busy


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded provider traffic, which lies beside the project and not in it."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "fixtures"
    if not folder.is_dir():
        pytest.skip("no recorded provider traffic beside the project")
    return folder


@pytest.fixture
def untraced() -> Iterator[None]:
    """For tests that measure CPU time: no coverage is taken, which would double it."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)
