"""Kinds of problem files beside the market: read with all faults, cleared, answered by name, and open to new ones."""

from pathlib import Path

import pytest
import xarray as xr

import carbonsim as cs
from carbonsim.errors import InputError
from carbonsim.market.certificate import Certificate, Line
from carbonsim.market.problem_kind import ProblemKind, problem_kinds

LINKED = """\
kind: linked
markets:
  east:
    year: [2025]
    supply: 80
    enterprises: {a: {baseline: 100}}
    options: {a/m: {enterprise: a, potential: 100, unit_cost: 0, slope: 2}}
  west:
    year: [2025]
    supply: 90
    enterprises: {b: {baseline: 100}}
    options: {b/m: {enterprise: b, potential: 100, unit_cost: 0, slope: 1}}
gates:
  to_east: {source: west, target: east}
# 30 t to cut with slopes 2 and 1 cost 30 / (1/2 + 1/1) = 20; west cuts 20 t, 10 more than its own cap asks.
expected:
  allowance_price: {east: 20, west: 20}
  flow: {to_east: 10}
  total_abatement: {east: 10, west: 20}
  total_emissions: {east: 90, west: 80}
"""
DESK = """\
kind: desk
month: [Oct, Nov, Dec]
obligation: 1000
allowance_price: [60, 62, 70]
credit_price: [null, 50, 50]
credit_limit: 0.05
issued: 900
fine: unlimited
"""
AUCTION = """\
kind: auction
supply: 50
bids:
  first: {bidder: a, price: 40, quantity: 30}
  second: {bidder: a, price: 20, quantity: 30}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "problem.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_linked_markets_clear_to_the_answer_by_hand(tmp_path: Path) -> None:
    file = cs.read_problem(write(tmp_path, LINKED))
    found = file.compare(file.clear())
    assert len(found) == 7
    assert [one for one in found if not one.holds] == []


def test_a_desk_buys_credits_and_then_allowances_when_they_are_cheapest(tmp_path: Path) -> None:
    # 100 t are missing: 50 t of credits at 50 as far as the limit goes, the rest in October, or sold on in December.
    file = cs.read_problem(write(tmp_path, DESK))
    tables = file.rules.tables(file.problem, file.clear())
    assert sum(tables["months"]["credits_bought"]) == pytest.approx(50.0)
    assert list(tables["months"]["month"]) == ["Oct", "Nov", "Dec"]
    assert tables["deadline"]["missing"] == [0.0]


def test_a_bidder_may_have_several_bids_by_name(tmp_path: Path) -> None:
    file = cs.read_problem(write(tmp_path, AUCTION + "expected: {award: {first: 30, second: 20}, price: 20}\n"))
    assert all(one.holds for one in file.compare(file.clear()))


@pytest.mark.parametrize(
    ("text", "old", "new", "line", "said"),
    [
        (LINKED, "b, potential: 100", "b, potental: 100", 12, "Did you mean 'potential'?"),
        (LINKED, "target: east", "targt: east", 14, "Did you mean 'target'?"),
        (LINKED, "target: east", "target: est", 1, "est"),
        (LINKED, "gates:", "gate:", 13, "Did you mean 'gates'?"),
        (DESK, "obligation", "obligaton", 3, "Did you mean 'obligation'?"),
        (DESK, "credit_limit: 0.05", "credit_limit: much", 6, "'much'"),
        (AUCTION, "quantity: 30}", "quantity: lots}", 4, "'lots'"),
        (AUCTION, "supply: 50", "supply: 50\npricing: pay_as_bit", 3, "Did you mean 'pay_as_bid'?"),
        (AUCTION, "supply: 50", "supply: 50\nconcept: year_by_year", 3, "has no concepts"),
    ],
)  # fmt: skip
def test_faults_of_other_kinds_have_their_line_too(
    tmp_path: Path, text: str, old: str, new: str, line: int, said: str
) -> None:
    assert old in text
    with pytest.raises(InputError) as caught:
        cs.read_problem(write(tmp_path, text.replace(old, new, 1)))
    assert any(issue.line == line and said in issue.text() for issue in caught.value.issues), str(caught.value)


def test_an_engine_is_refused_where_there_is_one_way_of_clearing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one way of clearing"):
        cs.read_problem(write(tmp_path, AUCTION)).clear("programme")


class Answer:
    """A dummy answer."""

    dataset = xr.Dataset({"total": ((), 5.0)})
    certificate = Certificate((Line("dummy.sum", 0.0, 1e-9),))


def test_a_kind_from_outside_runs_through_the_whole_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Sum(ProblemKind):
        """Adds two numbers."""

        def read(self, mapping):  # type: ignore[no-untyped-def]
            return mapping["one"], mapping["other"]

        def clear(self, problem, *, engine, concept, progress):  # type: ignore[no-untyped-def]
            return Answer()

        def tables(self, problem, cleared):  # type: ignore[no-untyped-def]
            return {"sums": {"one": [problem[0]], "other": [problem[1]], "total": [5.0]}}

    from carbonsim.cli import execute

    problem_kinds.register("sum")(Sum)
    try:
        path = write(tmp_path, "kind: sum\none: 2\nother: 3\nexpected: {total: 5}\n")
        assert execute(["clear", str(path), "--check", "--out", str(tmp_path / "out"), "--lang", "en"]) == 0
    finally:
        problem_kinds.unregister("sum")
    printed = capsys.readouterr().out
    assert "Matches the answer" in printed
    assert "1 lines, all passed" in printed
    assert (tmp_path / "out" / "tables" / "sums.csv").is_file()
