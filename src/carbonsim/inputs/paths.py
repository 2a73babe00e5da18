"""Where the packaged studies and parameters are: at the top of a checkout, or inside the installed package."""

from __future__ import annotations

from pathlib import Path

import carbonsim
from carbonsim.errors import InputError

WHEEL_FOLDER = "_scenarios"
CHECKOUT_FOLDER = "scenarios"


def scenarios_folder() -> Path:
    """The folder that holds the packaged studies, ``parameters/`` and ``sources.yaml``.

    Raises
    ------
    InputError
        If neither a checkout nor an installed copy is found: the installation is incomplete.
    """
    package = Path(carbonsim.__file__).resolve().parent
    installed = package / WHEEL_FOLDER
    checkout = package.parent.parent / CHECKOUT_FOLDER
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    raise InputError(
        f"the packaged studies are missing: neither {WHEEL_FOLDER}/ in the package nor {CHECKOUT_FOLDER}/ beside its "
        "source exists. Install carbonsim again."
    )


def packaged_names() -> tuple[str, ...]:
    """Names of the packaged studies and their variations, such as ``panzhihua`` and ``panzhihua/faster``."""
    names: list[str] = []
    for study in sorted(scenarios_folder().iterdir()):
        if not (study / "scenario.yaml").is_file():
            continue
        names.append(study.name)
        names += [f"{study.name}/{change.stem}" for change in sorted((study / "changes").glob("*.yaml"))]
    return tuple(names)
