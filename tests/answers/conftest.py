"""Fixtures of the tests of answers."""

import pytest


@pytest.fixture
def quick_disk(monkeypatch):
    """Don't wait for the disk, in tests that save thousands of times and pull no plug."""
    monkeypatch.setattr("helpers.writing.os.fsync", lambda _: None)
