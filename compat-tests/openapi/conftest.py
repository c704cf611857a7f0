"""Lets the tests of the description find each other's modules, and their browser."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from peers.browser import ChromeDriver  # noqa: E402


@pytest.fixture(scope="session")
def chromium():
    """Chromium's driver."""
    driver = ChromeDriver()
    yield driver
    driver.remove()
