"""Fixtures that every kind of test may use."""

from pathlib import Path

import pytest


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
