"""The wheel carries all that the package needs, and nothing beside it in site-packages."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(target.glob("*.whl"))


def test_nothing_but_the_package_lands_in_site_packages(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"arena"}


def test_an_installed_wheel_finds_its_assets_and_makes_a_database(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    program = (
        "import sys; from arena.cli import main; from arena import assets, sample;"
        "print(assets.path('templates')); print(assets.path('judges')); print(sample.path('questions.jsonl'));"
        "from arena.reports.published import published_table; published_table();"
        "sys.argv = ['arena', 'db', 'upgrade']; main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(site), "ARENA_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(str(site)) for line in done.stdout.splitlines())
    assert (tmp_path / "new.db").stat().st_size > 0
