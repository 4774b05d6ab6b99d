"""Fixtures of the data sets' tests."""

from collections.abc import Iterator

import pytest
from mmengine.logging import MMLogger


@pytest.fixture
def log(
    caplog: pytest.LogCaptureFixture,
) -> Iterator[pytest.LogCaptureFixture]:
    """What mmengine's current logger is told: it does not propagate."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)
