"""The reference of the market room is generated, complete and up to date."""

import ast
import re
from pathlib import Path

import pytest

from builders import one_of_each
from carbonsim.market import Instrument, instruments
from carbonsim.market.clear import ENGINES
from carbonsim.market.concept import concepts
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.offset_curve import OffsetCurve
from carbonsim.market.instruments.penalty import Penalty
from carbonsim.market.supply_rule import supply_rules
from carbonsim.report.docstrings import read_document
from carbonsim.report.labels import PRICE_BASES
from carbonsim.report.market_reference import FILES, market_parts, market_reference, write_market_reference
from carbonsim.report.market_words import CONCEPT_WORDS, INSTRUMENT_WORDS, PART_NAMES, RULE_WORDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "reference"
# Ways of using an instrument that engines answer otherwise than the example of the tests.
OTHER_WAYS: dict[str, tuple[Instrument, ...]] = {
    "banking": (Banking(borrowing=20.0, borrowing_interest=0.1),),
    "offset_curve": (OffsetCurve(steps={"near": {"price": 20.0, "quantity": 5.0}}),),
    "penalty": (Penalty(price=60.0, make_good=True),),
}


def examples() -> dict[str, tuple[Instrument, ...]]:
    return {name: (one, *OTHER_WAYS.get(name, ())) for name, one in one_of_each().items()}


def formulations() -> list[str]:
    return sorted(path.name for path in (ROOT / "tests" / "golden").glob("*.lp"))


@pytest.mark.parametrize("lang", FILES)
def test_the_page_is_up_to_date(lang: str, request: pytest.FixtureRequest) -> None:
    # To mend: pytest tests/docs/test_market_reference.py -n0 --update-golden, then read the difference.
    if request.config.getoption("--update-golden"):
        write_market_reference(DOCS, examples(), formulations())
    text = market_reference(lang, examples(), formulations())
    assert (DOCS / FILES[lang]).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("registry", [instruments, concepts, supply_rules], ids=lambda one: one.kind)
def test_every_registered_thing_has_an_equation_with_a_label_and_fields_with_meanings(registry) -> None:  # type: ignore[no-untyped-def]
    for name in registry:
        about = read_document(registry.get(name).target)
        assert about.equations, name
        assert all(equation.label and equation.latex for equation in about.equations), name
        assert all(one.name and one.kind and one.meaning for one in about.fields), name


def test_every_label_is_used_once_and_every_reference_to_one_is_met() -> None:
    text = market_reference("en", examples(), formulations())
    labels = [line.split('"')[1] for line in text.splitlines() if line.startswith("<a id=")]
    assert len(set(labels)) == len(labels)
    assert {part.split(")")[0] for part in text.split("(#")[1:]} <= set(labels)


def test_every_instrument_has_its_formulation_and_every_engine_an_answer() -> None:
    text = market_reference("en", examples(), formulations())
    parts = text.split("\n### ")
    for name in instruments:
        section = next(part for part in parts if part.startswith(f"`{name}`"))
        assert f"tests/golden/{name}.lp" in section
        assert "- engines that hold it: `programme`" in section
        for engine in ENGINES:
            assert f"`{engine}`" in section, name


@pytest.mark.parametrize("page", ["howto_instruments.md", "howto_instruments.zh.md"])
def test_every_instrument_has_a_section_in_the_how_to(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert set(re.findall(r"^## `(\w+)`", text, re.MULTILINE)) == set(instruments)


def test_every_name_is_told_in_chinese() -> None:
    # A new plug-in needs a name and what its price means in report/market_words.py.
    assert set(INSTRUMENT_WORDS) == set(instruments)
    assert set(CONCEPT_WORDS) == set(concepts)
    assert set(RULE_WORDS) == set(supply_rules)
    assert {part.__name__ for part in market_parts()} <= set(PART_NAMES)


def bases_in_code() -> set[str]:
    """Every word that the market room writes into ``price_basis``."""
    found: set[str] = set()
    for path in (ROOT / "src" / "carbonsim" / "market").rglob("*.py"):
        if "audit" not in path.name:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                found |= {word for part in written_as_basis(node) for word in words_of(part)}
    return found


def written_as_basis(node: ast.AST) -> list[ast.AST]:
    """What a piece of code writes as a basis: ``basis=...``, ``...["price_basis"] = ...``, results of ``_basis``."""
    if isinstance(node, ast.keyword) and node.arg == "basis":
        return [node.value]
    if isinstance(node, ast.Assign):
        names = {ast.unparse(target) for target in node.targets}
        fits = any(name in ("basis", "BASIS_BY_KIND") or name.endswith("['price_basis']") for name in names)
        return [node.value] if fits else []
    if isinstance(node, ast.FunctionDef) and node.name == "_basis":
        given = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
        calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
        return given + [one.args[0] for one in calls if ast.unparse(one.func).endswith(".append")]
    return []


def words_of(part: ast.AST) -> set[str]:
    """Words in an expression that are written, not compared with, and name no dimension."""
    if isinstance(part, ast.Compare):
        return set()
    if isinstance(part, ast.Constant):
        return {part.value} - {"year", "pool"} if isinstance(part.value, str) else set()
    return {word for child in ast.iter_child_nodes(part) for word in words_of(child)}


@pytest.mark.parametrize("page", ["what_the_price_means.md", "what_the_price_means.zh.md"])
def test_the_page_on_prices_says_what_each_basis_means(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    table = text.split("| basis |" if page.endswith("means.md") else "| 依据 |")[1].split("\n\n")[0]
    listed = {word for line in table.splitlines()[2:] for word in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert {"lp_dual", "hull", "floor", "indeterminate"} < bases_in_code()
    assert listed == bases_in_code()
    assert listed <= set(PRICE_BASES)
    for concept in concepts:
        assert f"`{concept}`" in text


def test_a_docstring_is_taken_apart() -> None:
    def told() -> None:
        r"""Says something.

        .. math::
            :label: first

            a = b, \qquad

            c = d

        where :math:`a` is ``a``.

        Parameters
        ----------
        one, two : float or array [t], [1] (year)
            Both of them,
            at once.
        three : int

        Notes
        -----
        .. math:: e = f
           :label: second
        """

    found = read_document(told)
    assert found.summary == "Says something."
    assert [(one.label, one.latex) for one in found.equations] == [
        ("first", "a = b, \\qquad\nc = d"),
        ("second", "e = f"),
    ]
    assert found.body[1] == "where $`a`$ is `a`."
    assert [(one.name, one.kind, one.unit, one.meaning) for one in found.fields] == [
        ("one, two", "float or array (year)", "t, 1", "Both of them, at once."),
        ("three", "int", "", ""),
    ]
