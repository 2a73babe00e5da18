"""The rules of the house: rooms import leftwards, heavy packages stay in their rooms, nothing grows too large."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "carbonsim"
VOCABULARY = {"errors", "units", "dims", "registry"}
ROOMS = ["solving", "inputs", "accounting", "measures", "allocation", "market", "forcing", "study", "report", "cli"]
MODULES = sorted(SRC.rglob("*.py"))
CONFINED = {
    "pyomo": {
        "solving/compile.py",
        "market/programme.py",
        "market/tree_programme.py",
        "market/desk_programme.py",
        "market/instruments",
        "market/enterprise_programme.py",
        "measures/portfolio.py",
    },
    "highspy": {"solving/highs.py"},
    "matplotlib": {"report/figures.py"},
}
# Packages that may be imported inside a function: each costs more at start-up than most commands need.
HEAVY = {
    "pyomo", "highspy", "matplotlib", "pint", "pandera", "pydantic", "python_calamine", "xlsxwriter", "openpyxl",
    "jinja2", "h5netcdf", "rich", "typer", "carbonsim", "pylopdf_fonts_zh_cn", "zipfile", "scipy", "yaml", "xarray",
    "pandas", "pyarrow", "fontTools",
}  # fmt: skip
MAX_LINES, MAX_FUNCTION = 400, 60
# A longer piece needs a reason that a reader accepts.
LONGER_MODULES: dict[str, str] = {}
LONGER_FUNCTIONS: dict[str, str] = {}


def relative(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def room(path: Path) -> str:
    return relative(path).split("/")[0].removesuffix(".py")


def imports(tree: ast.AST) -> list[tuple[str, ast.AST]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.append((node.module or "", node))
    return found


def type_checking_nodes(tree: ast.AST) -> set[int]:
    return {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_room_imports_only_from_its_left(path: Path) -> None:
    here = room(path)
    if here in ("__init__", "__main__"):
        return
    for name, _ in imports(parse(path)):
        if not name.startswith("carbonsim."):
            continue
        there = name.split(".")[1]
        if here in VOCABULARY:
            assert there in VOCABULARY, f"{relative(path)} is vocabulary and imports {name}"
        elif there not in VOCABULARY:
            assert ROOMS.index(there) <= ROOMS.index(here), f"{relative(path)} imports {name} from its right"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_heavy_packages_stay_in_their_rooms(path: Path) -> None:
    for name, _ in imports(parse(path)):
        allowed = CONFINED.get(name.split(".")[0])
        if allowed is not None:
            assert any(relative(path).startswith(place) for place in allowed), f"{relative(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_imports_inside_functions_are_only_for_heavy_packages(path: Path) -> None:
    tree = parse(path)
    hidden = type_checking_nodes(tree)
    top = {id(node) for node in tree.body}
    for name, node in imports(tree):
        if id(node) not in top and id(node) not in hidden:
            assert name.split(".")[0] in HEAVY, f"{relative(path)}:{node.lineno} imports {name} inside a function"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_and_functions_stay_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= MAX_LINES or relative(path) in LONGER_MODULES, f"{relative(path)} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1 - (ast.get_docstring(node) or "").count("\n")
            name = f"{relative(path)}:{node.name}"
            assert length <= MAX_FUNCTION or name in LONGER_FUNCTIONS, f"{name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_public_things_have_docstrings(path: Path) -> None:
    tree = parse(path)
    assert ast.get_docstring(tree), f"{relative(path)} has no first sentence"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{relative(path)}:{node.name} has no docstring"


def test_allowed_exceptions_still_exist() -> None:
    names = {relative(path) for path in MODULES}
    assert set(LONGER_MODULES) <= names
    assert {name.split(":")[0] for name in LONGER_FUNCTIONS} <= names


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_import_alone_loads_no_third_party_package() -> None:
    assert not loaded_after("import carbonsim") & {
        "numpy",
        "pandas",
        "xarray",
        "pyomo",
        "matplotlib",
        "pint",
        "pydantic",
    }


def test_touching_every_public_name_loads_no_heavy_package() -> None:
    touched = loaded_after("import carbonsim\n[getattr(carbonsim, name) for name in carbonsim.__all__]")
    assert not touched & {"pyomo", "matplotlib", "pint", "dask", "highspy", "pandera", "xlsxwriter", "jinja2"}


def test_help_of_the_command_loads_no_heavy_package() -> None:
    loaded = loaded_after("import carbonsim.cli\ncarbonsim.cli.execute(['--help'])")
    assert not loaded & {"numpy", "pandas", "xarray", "pyomo", "matplotlib", "pint", "pydantic"}


def test_every_name_in_all_resolves() -> None:
    import carbonsim

    for name in carbonsim.__all__:
        assert getattr(carbonsim, name).__module__.startswith("carbonsim")
