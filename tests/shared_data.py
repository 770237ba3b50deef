"""Real data beside the checkout, which is not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(name: str) -> Path:
    """The path of a file or folder of the shared data. Where it is absent the test is skipped; under CI it fails."""
    path = ROOT / name
    if path.exists():
        return path
    message = f"{path} is not there"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{message}, and under CI no test may be passed over")
    pytest.skip(message)
