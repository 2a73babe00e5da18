"""The packaged studies are found in a checkout and inside an installed package; importing the room is cheap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import carbonsim
import carbonsim.inputs
from carbonsim.errors import InputError
from carbonsim.inputs.paths import scenarios_folder


def test_folder_inside_the_package_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "carbonsim"
    package.mkdir(parents=True)
    monkeypatch.setattr(carbonsim, "__file__", str(package / "__init__.py"))
    with pytest.raises(InputError, match="Install carbonsim again"):
        scenarios_folder()
    (tmp_path / "scenarios").mkdir()
    assert scenarios_folder() == tmp_path / "scenarios"
    (package / "_scenarios").mkdir()
    assert scenarios_folder() == package / "_scenarios"


def test_public_names_exist() -> None:
    for name in carbonsim.inputs.__all__:
        assert getattr(carbonsim.inputs, name) is not None
    with pytest.raises(AttributeError):
        carbonsim.inputs.nothing  # noqa: B018


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, carbonsim.inputs; print([m for m in ('pandas', 'xarray', 'pydantic', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_module_loads_no_optional_package() -> None:
    heavy = "('pydantic', 'pandera', 'pint', 'python_calamine', 'xlsxwriter', 'pyomo', 'matplotlib')"
    names = "read_scenario, write_template, init_study"
    code = f"import sys; from carbonsim.inputs import {names}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
