"""Slips that a new user makes in a problem file are told with how to write it, in English and Chinese."""

from pathlib import Path

import pytest

import carbonsim as cs
from carbonsim.errors import InputError
from carbonsim.market.changes import apply_changes
from carbonsim.market.problem_file import read_problem

SOUND = """\
year: [2026, 2027]
interest: 0.05
enterprises:
  mill: {baseline: 100, fixed: 60}
options:
  mill/a: {enterprise: mill, potential: 50, unit_cost: 20}
instruments:
  banking: {}
"""


def refusal(folder: Path, old: str, new: str) -> InputError:
    assert old in SOUND
    path = folder / "slip.yaml"
    path.write_text(SOUND.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_problem(path)
    return caught.value


def test_without_a_slip_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sound.yaml"
    path.write_text(SOUND, encoding="utf-8")
    assert read_problem(path).problem.enterprise == ("mill",)


@pytest.mark.parametrize(
    ("old", "new", "line", "english", "chinese"),
    [
        ("baseline: 100", "baseline: [100]", 4, "has 1 values", "有 1 个值"),
        ("baseline: 100", "baseline: 100万", 4, "in full", "不带单位"),
        ("baseline: 100", "baseline: '100'", 4, "Write 100 without quotes", "去掉引号"),
        ("baseline: 100", "baseline: 1,200", 4, "without commas", "不要用逗号"),
        ("baseline: 100", "baseline: [100，90]", 4, "full-width comma", "全角逗号"),
        ("baseline: 100", "baseline：100", 4, "full-width colon", "全角冒号"),
        ("year: [2026, 2027]", "year： [2026, 2027]", 1, "full-width colon", "全角冒号"),
        ("enterprises:", "enterprises：", 3, "full-width colon", "全角冒号"),
        ("  mill: {baseline", "\tmill: {baseline", 4, "never with tabs", "制表符"),
        ("interest: 0.05", "interest: 5", 2, "five per cent", "5%"),
        ("interest: 0.05", "interest: 5%", 2, "five per cent", "5%"),
        ("  mill: {baseline", "  - mill: {baseline", 3, "without dashes", "不用短横线"),
        ("banking: {}", "banking: true", 8, "in braces", "花括号"),
        ("banking: {}", "CCER: {price: 80, share_limit: 0.05}", 8, "needs a kind", "须注明 kind"),
        ("interest: 0.05", "author: me", 2, "title", "title"),
    ],
)
def test_a_slip_is_told_with_its_line_and_its_remedy(
    tmp_path: Path, old: str, new: str, line: int, english: str, chinese: str
) -> None:
    told = refusal(tmp_path, old, new)
    assert english in told.text("en")
    assert chinese in told.text("zh")
    assert line in {issue.line for issue in told.issues}


def test_a_year_in_place_of_a_field_is_not_taken_for_a_cut_number(tmp_path: Path) -> None:
    assert "commas" not in refusal(tmp_path, "baseline: 100", "baseline: 100, 2026: 90").text("en")


def test_a_colon_in_a_quoted_text_is_no_full_width_slip(tmp_path: Path) -> None:
    assert "全角" not in refusal(tmp_path, "interest: 0.05", 'title: "甲：乙"\nsource: a: b').text("zh")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file"):
        read_problem(tmp_path / "nowhere.yaml")
    with pytest.raises(InputError, match="is a folder"):
        read_problem(tmp_path)


def test_a_change_that_makes_no_market_is_told_at_the_change() -> None:
    problem = cs.MarketProblem.from_mapping({"year": [2026, 2027], "supply": 9, "enterprises": {"a": {"baseline": 9}}})
    with pytest.raises(InputError, match=r"nodes\.strict\.changes\.supply: supply of 2027 is -3"):
        apply_changes(problem, {"supply": -3}, 2027, where="nodes.strict.changes")


def test_a_list_in_place_of_a_problem_is_refused() -> None:
    with pytest.raises(InputError, match="mapping with year and enterprises"):
        cs.MarketProblem.from_mapping([1])  # type: ignore[arg-type]


def test_a_concept_is_given_by_name_or_with_its_settings() -> None:
    problem = cs.MarketProblem.from_mapping(
        {
            "year": [2025, 2026],
            "supply": [90, 70],
            "enterprises": {"mill": {"baseline": 100}},
            "options": {
                "mill/a": {"enterprise": "mill", "potential": 15, "unit_cost": 10},
                "mill/b": {"enterprise": "mill", "potential": 25, "unit_cost": 40},
            },
            "instruments": {"banking": {}},
        }
    )
    # Each year alone: 10 t are cut at 10, then 30 t of which the last cost 40. Who sees both years carries 5 t.
    for concept in ("year_by_year", {"kind": "rolling_horizon", "window": 1}):
        assert cs.clear(problem, concept=concept).dataset.allowance_price.values.tolist() == pytest.approx([10, 40])
    both = cs.clear(problem, concept={"kind": "rolling_horizon", "window": 2})
    assert both.dataset.bank.values.tolist() == pytest.approx([5, 0])
    with pytest.raises(InputError, match="rolling_horizon"):
        cs.clear(problem, concept="rolling_horizn")
    with pytest.raises(InputError, match=r"concept\.window is missing"):
        cs.clear(problem, concept="rolling_horizon")
