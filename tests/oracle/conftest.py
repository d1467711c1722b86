"""What the oracle tests share: one engine process, and a folder a test."""

import pytest

from support.engine import Engine


@pytest.fixture(scope="session")
def engine():
    one = Engine()
    yield one
    one.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "model"
