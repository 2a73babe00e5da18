"""The table of stated uncertainties: which row is in force, and what is refused in two languages."""

import numpy as np
import pandas as pd
import pytest
from uncertainty_builders import Row, inventory, stated

from carbonsim.accounting.uncertainty import propagate
from carbonsim.accounting.uncertainty.matching import factor_names
from carbonsim.accounting.uncertainty.statements import STATED_TERMS
from carbonsim.errors import InputError
from carbonsim.inputs.table_checks import Origin

COAL = {"carbon_content": (1.0, "guides:coal/carbon_content"), "oxidation": (0.5, "guides:coal/oxidation")}
COKE = {"carbon_content": (1.0, "guides:coke/carbon_content")}
ROWS = [
    Row("coal", [60.0], COAL, factor="guides:coal"),
    Row("coke", [40.0], COKE, factor="guides:coke"),
    Row("coal", [20.0], {"carbon_content": 1.0}, facility="mill", enterprise="mill", factor="measured:coal"),
]


def problems(*rows: dict[str, object], of: list[Row] = ROWS, **options: object) -> InputError:
    with pytest.raises(InputError) as caught:
        propagate(inventory(of), stated(*rows), **options)  # type: ignore[arg-type]
    return caught.value


def half_width(*rows: dict[str, object], group: str) -> float:
    result = propagate(inventory(ROWS), stated(*rows), by="stream")
    return float(result.dataset["relative_half_width"].sel(group=group, year=2024))


def test_the_most_specific_row_wins() -> None:
    # Own sources: shared = no, so that every stream may have its own row.
    def row(width: float, **where: str) -> dict[str, object]:
        return {"term": "carbon_content", "half_width": width, "shared": "no", **where}

    table = [row(0.01), row(0.02, factor="guides"), row(0.03, factor="coal"), row(0.04, factor="guides:coal"),
             row(0.05, factor="guides:coal/carbon_content"), row(0.06, facility="works"), row(0.07, stream="coal"),
             row(0.08, facility="works", stream="coal")]  # fmt: skip
    # works/coal matches all of them; take the strongest away one by one.
    for width, count in ((0.08, 8), (0.07, 7), (0.06, 6), (0.05, 5), (0.04, 4), (0.03, 3), (0.02, 2), (0.01, 1)):
        assert half_width(*table[:count], group="works/coal") == pytest.approx(width)
    assert half_width(*table, group="works/coke") == pytest.approx(0.06)
    assert half_width(*table[:5], group="works/coke") == pytest.approx(0.02)
    # A measured value is not that of the factor, whatever the factor is called.
    assert half_width(*table[:5], group="mill/coal") == pytest.approx(0.01)


def test_all_terms_fit_the_bits_of_one_number() -> None:
    # The names of what a stream does not state are kept as bits of a signed integer.
    assert len(STATED_TERMS) < 63


def test_names_of_a_factor() -> None:
    assert factor_names("group/CH4/gas_factor") == ["group", "group/CH4", "group/CH4/gas_factor"]
    assert factor_names("") == []


def test_a_name_is_no_prefix_of_another() -> None:
    error = problems({"term": "carbon_content", "factor": "coa", "half_width": 0.1})
    assert "Did you mean 'coal'?" in error.text()
    assert "是否为“coal”？" in error.text("zh")


@pytest.mark.parametrize(
    ("row", "english", "chinese"),
    [
        ({"term": "carbon_contents"}, "found 'carbon_contents'", "为“carbon_contents”"),
        ({"term": "quantity", "distribution": "gaussian"}, "expected one of normal", "应为以下之一"),
        ({"term": "quantity", "shared": "perhaps"}, "expected one of yes, no", "应为以下之一"),
        ({"term": "quantity", "half_width": -0.1}, "not negative", "应为非负数"),
        ({"term": "quantity", "half_width": ""}, "expected a number", "应为非负数"),
        ({"term": "quantity", "half_width": 1.0}, "Use lognormal", "请改用 lognormal"),
        ({"term": "quantity", "half_width": 0.96, "distribution": "uniform"}, "fall below zero", "小于零"),
        ({"term": "quantity", "half_width": 0.8, "distribution": "triangular"}, "fall below zero", "小于零"),
        ({"term": "quantity", "half_width": 4.0, "distribution": "lognormal"}, "at most 3.411", "最大为3.411"),
        ({"term": "slope"}, "no value in use has term 'slope'", "没有任何所用数值"),
        ({"term": "quantity", "facility": "wroks"}, "Did you mean 'works'?", "是否为“works”？"),
        ({"term": "quantity", "stream": "cola"}, "Did you mean 'coal'?", "是否为“coal”？"),
        ({"term": "quantity", "stream": "coke", "facility": "mill"}, "matches no value", "都不匹配"),
        ({"term": "oxidation", "half_width": 1.0, "distribution": "lognormal"}, "above 1", "超过1"),
    ],
)
def test_refusals_name_the_row_and_the_remedy_in_both_languages(
    row: dict[str, object], english: str, chinese: str
) -> None:
    error = problems({"half_width": 0.05, **row})
    assert english in error.text()
    assert chinese in error.text("zh")
    assert error.issues[0].row == 2


def test_all_problems_are_told_at_once() -> None:
    error = problems(
        {"term": "quantities", "half_width": 0.05},
        {"term": "quantity", "half_width": 2.0},
        {"term": "carbon_content", "half_width": 0.05},
        {"term": "carbon_content", "half_width": 0.06},
    )
    assert [issue.code for issue in error.issues] == [
        "uncertainty-choice", "uncertainty-negative", "uncertainty-duplicate",
    ]  # fmt: skip
    assert "row 4" in error.issues[-1].message


def test_a_refusal_does_not_depend_on_the_approach() -> None:
    row = {"term": "quantity", "half_width": 1.0}
    assert problems(row).text() == problems(row, approach="monte_carlo", seed=1).text()


def test_a_share_may_reach_its_bound_and_no_further() -> None:
    # 0.98 x (1 + 0.02) = 0.9996 fits, 0.98 x 1.03 = 1.0094 does not.
    rows = [Row("coal", [60.0], {"oxidation": 0.98})]
    assert propagate(inventory(rows), stated({"term": "oxidation", "half_width": 0.02}))
    error = problems({"term": "oxidation", "half_width": 0.03}, of=rows)
    assert "its 95 % interval reaches 1.009, above 1" in error.text()
    assert "about 0.0204 or less" in error.text()


def test_a_divisor_near_zero_is_refused() -> None:
    rows = [Row("pfc", [60.0], {"emission_factor": 1.0, "current_efficiency": 0.5})]
    error = problems({"term": "current_efficiency", "half_width": 0.6}, of=rows)
    assert "comes near zero" in error.text()
    assert "接近零" in error.text("zh")


def test_one_value_has_one_uncertainty() -> None:
    # The same table value at two sites cannot be 7 % wrong here and 3 % there.
    carbon = {"carbon_content": (1.0, "guides:coal/carbon_content")}
    rows = [Row("coal", [60.0], carbon), Row("coal", [60.0], carbon, facility="mill")]
    table = ({"term": "carbon_content", "half_width": 0.07},
             {"term": "carbon_content", "half_width": 0.03, "facility": "mill"})  # fmt: skip
    error = problems(*table, of=rows)
    assert "shared = no" in error.text()
    assert "同一个数值" in error.text("zh")
    # Told that the mill's own deviation is meant, both are drawn apart: sqrt(4.2^2 + 1.8^2) / 120 = 3.8078866 %.
    result = propagate(inventory(rows), stated(table[0], {**table[1], "shared": "no"}))
    assert float(result.dataset["relative_half_width"].sel(group="total", year=2024)) == pytest.approx(0.038078866)


def test_nothing_stated_is_refused() -> None:
    error = problems()
    assert error.issues[0].code == "uncertainty-none"
    assert "未给出任何不确定度" in error.text("zh")


def test_defaults_are_weaker_and_may_match_nothing() -> None:
    defaults = stated(
        {"term": "carbon_content", "factor": "guides:coal", "half_width": 0.5},
        {"term": "carbon_content", "factor": "guides:coke", "half_width": 0.3},
        {"term": "slope", "half_width": 0.2},
    )
    table = stated({"term": "carbon_content", "factor": "coal", "half_width": 0.1})
    result = propagate(inventory(ROWS), table, by="stream", defaults=defaults)
    at = result.dataset["relative_half_width"].sel(year=2024)
    assert float(at.sel(group="works/coal")) == pytest.approx(0.1)
    assert float(at.sel(group="works/coke")) == pytest.approx(0.3)
    alone = propagate(inventory(ROWS), stated(), by="stream", defaults=defaults)
    assert float(alone.dataset["relative_half_width"].sel(group="works/coal", year=2024)) == pytest.approx(0.5)


class Ledger:
    def __init__(self, frame: pd.DataFrame | None) -> None:
        self.tables = {} if frame is None else {"uncertainty": frame}
        self.origins = {} if frame is None else {"uncertainty": Origin("own.xlsx", "uncertainty", (5, 9))}


def test_a_ledger_is_read_and_named_in_messages() -> None:
    good = stated({"term": "quantity", "half_width": 0.05}, {"term": "oxidation", "half_width": 0.05})
    assert propagate(inventory(ROWS), Ledger(good)).dataset.sizes["source"] == 4
    bad = stated({"term": "quantity", "half_width": 0.05}, {"term": "oxidation", "half_width": np.nan})
    with pytest.raises(InputError, match=r"own\.xlsx, sheet uncertainty, row 9"):
        propagate(inventory(ROWS), Ledger(bad))
    with pytest.raises(InputError, match="states no uncertainty"):
        propagate(inventory(ROWS), Ledger(None))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"approach": "approach_2"}, "Did you mean 'approach_1'?"),
        ({"by": "firm"}, "Known: enterprise"),
        ({"scope": "all"}, "Known: direct"),
        ({"base_year": 1990}, "base_year 1990"),
    ],
)
def test_unknown_options_are_refused(options: dict[str, object], text: str) -> None:
    assert text in problems({"term": "quantity", "half_width": 0.05}, **options).text()


def test_a_default_that_no_distribution_holds_is_refused_where_it_is_used() -> None:
    wide = {"half_width": 5.0, "distribution": "lognormal"}
    table = stated({"term": "quantity", "half_width": 0.05})
    assert propagate(inventory(ROWS), table, defaults=stated({"term": "gas_factor", **wide}))
    with pytest.raises(InputError, match=r"library's default for 'guides:coal' \(carbon_content\).*at most 3\.411"):
        propagate(inventory(ROWS), table, defaults=stated({"term": "carbon_content", "factor": "guides:coal", **wide}))
