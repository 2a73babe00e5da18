"""Pollutants of streams and of outputs: hand-worked cases, masks, refusals and properties."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from accounting_builders import one_site
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonsim.accounting import build_inventory
from carbonsim.accounting.pollutant_factors import equivalent_weights, stream_factors
from carbonsim.accounting.pollutants import PollutantStreams, PollutantTotals, pollutant_totals
from carbonsim.accounting.streams import Sites
from carbonsim.dims import POLLUTANTS
from carbonsim.errors import InputError
from carbonsim.inputs.factors import packaged_factors

SO2, NOX, PM = (POLLUTANTS.index(name) for name in ("SO2", "NOx", "PM"))
NONE = (np.nan, np.nan, np.nan)
PACKAGED = packaged_factors().pollutants


def factor_rows(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Named rows of (factor, group, kind, pollutant, value, unit, control_state)."""
    names = ["factor", "group", "kind", "pollutant", "value", "unit", "control_state"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(use="named", process="", sector="", product="")


def count(
    *streams: dict[str, Any], table: pd.DataFrame = PACKAGED, process: tuple[str, ...] = ("sintering",), years: int = 1
) -> PollutantTotals:
    """Totals of facilities 0, 1, ..., each of its own process, all of one enterprise."""
    defaults = {
        "facility": 0, "method": "combustion", "group": "", "unit": "t", "amount": 0.0, "ncv": np.nan,
        "sulphur": np.nan, "retention": np.nan, "control": NONE,
    }  # fmt: skip
    rows = [{**defaults, **stream} for stream in streams]
    facilities = len(process)
    sites = Sites(
        enterprise=np.array(["e"]),
        enterprise_text={"sector": np.array(["steel"])},
        entities=np.ones(1),
        facility=np.array([f"f{place}" for place in range(facilities)]),
        facility_text={
            "process": np.array(process),
            "product": np.array(["product"] * facilities),
            "output_unit": np.array(["t"] * facilities),
        },
        load_factor=np.full(facilities, np.nan),
        heat_ratio=np.full(facilities, np.nan),
        owner=np.zeros(facilities, dtype=np.intp),
    )
    place = np.array([row["facility"] for row in rows], dtype=np.intp)
    label = np.array([f"s{number}" for number in range(len(rows))])
    activity = SimpleNamespace(
        facility=place,
        stream=label,
        month=np.zeros(len(rows), dtype=np.int64),
        control=np.array([row["control"] for row in rows], dtype=float),
    )

    def by_year(name: str) -> np.ndarray[Any, Any]:
        return np.array([np.broadcast_to(row[name], years) for row in rows], dtype=float)

    method = np.array([row["method"] for row in rows])
    named = PollutantStreams(
        label=label,
        facility=place,
        method=method,
        group=np.array([row["group"] for row in rows]),
        unit=np.array([row["unit"] for row in rows]),
        row=np.arange(len(rows)),
        amount=by_year("amount"),
        net_calorific_value=by_year("ncv"),
        sulphur=by_year("sulphur"),
        retention=by_year("retention"),
    )
    made = np.flatnonzero(method == "output")
    return pollutant_totals(
        sites,
        activity,  # type: ignore[arg-type]
        table,
        output=(made, place[made], named.amount[made]),
        streams=named,
    )


COAL = {"group": "coal_sulphur_balance", "amount": 1000.0, "ncv": 20.0, "sulphur": 0.008}
SINTER = {"method": "output", "amount": 1000.0}


def test_sulphur_balance_by_hand() -> None:
    # 1000 t x 0.8 % S x 0.85 released x 64/32 = 13.6 t before control; 95 % removed leaves 0.68 t
    found = count({**COAL, "control": (0.95, np.nan, np.nan)})
    assert found.emissions[0, SO2, 0] == pytest.approx(0.68)
    assert found.uncontrolled[0, SO2, 0] == pytest.approx(13.6)
    assert found.uncontrolled_available[0].tolist() == [True, False, False]
    assert found.method[0].tolist() == ["sulphur", "amount", "amount"]


def test_measured_retention_replaces_the_default() -> None:
    # 1000 t x 0.8 % x (1 - 0.2) x 2 = 12.8 t
    assert count({**COAL, "retention": 0.2}).emissions[0, SO2, 0] == pytest.approx(12.8)


def test_all_sulphur_of_a_material_leaves_unless_retention_says_so() -> None:
    # 500 t of concentrate with 2 % S, 70 % of it stays in slag and metal: 500 x 0.02 x 0.3 x 2 = 6 t
    ore = {"method": "material_input", "group": "sulphur_balance", "amount": 500.0, "sulphur": 0.02, "retention": 0.7}
    found = count(ore)
    assert found.emissions[0, SO2, 0] == pytest.approx(6)
    assert found.available[0].tolist() == [True, False, False]


def test_factor_per_heat_uses_the_calorific_value_of_the_stream() -> None:
    # 1000 t x 20 GJ/t x 173 g/GJ = 3.46 t NOx; x 124 g/GJ = 2.48 t PM; x 900 g/GJ = 18 t SO2
    found = count({"group": "emep_industry_solid", "amount": 1000.0, "ncv": 20.0})
    assert found.emissions[0, :, 0] == pytest.approx([18.0, 3.46, 2.48])


@pytest.mark.parametrize(("amount", "unit"), [(20000.0, "GJ"), (20.0, "TJ")])
def test_heat_may_be_the_unit_of_entry(amount: float, unit: str) -> None:
    found = count({"group": "emep_industry_solid", "amount": amount, "unit": unit})
    assert found.emissions[0, NOX, 0] == pytest.approx(3.46)


def test_concentration_times_flue_gas() -> None:
    # 1000 t x 2830 Nm3/t x 35 mg/Nm3 = 99.05 kg, which is what the factor per output was worked out from
    named = count({**SINTER, "group": "sinter_ultra_low"})
    by_output = count(SINTER)
    assert named.emissions[0, :, 0] == pytest.approx([0.09905, 0.1415, 0.0283])
    assert named.emissions == pytest.approx(by_output.emissions)
    assert (named.method[0, 0], by_output.method[0, 0]) == ("concentration", "output")


def test_a_single_factor_may_be_named_by_its_id() -> None:
    # 1000 t x 20 GJ/t x 173 g/GJ = 3.46 t, and nothing else
    found = count({"group": "emep_industry_solid_nox", "amount": 1000.0, "ncv": 20.0})
    assert found.emissions[0, :, 0] == pytest.approx([0, 3.46, 0])
    assert found.available[0].tolist() == [False, True, False]


def test_a_pollutant_of_a_facility_is_counted_once() -> None:
    # SO2 from 10 t of oil with 1 % S: 0.2 t instead of the 0.09905 t of the output; NOx and PM stay with the output
    found = count(SINTER, {"group": "sulphur_balance", "amount": 10.0, "sulphur": 0.01})
    assert found.emissions[0, :, 0] == pytest.approx([0.2, 0.1415, 0.0283])
    assert found.method[0].tolist() == ["sulphur", "output", "output"]
    assert found.factor_id[0].tolist() == ["sulphur_balance_complete", "sinter_nox", "sinter_pm"]


def test_a_small_named_stream_does_not_replace_the_factor_of_the_output() -> None:
    # The output gives 0.09905 t SO2; ten tonnes of oil say nothing about the fuel that burns beside them.
    oil = {"group": "sulphur_balance", "amount": 10.0, "sulphur": 0.01}
    with pytest.raises(InputError, match=r"f0.*SO2.*s2") as raised:
        count(SINTER, oil, {"amount": 100.0})
    (issue,) = raised.value.issues
    assert "f0" in issue.text("zh")
    assert "s2" in issue.text("zh")
    assert "SO2" in issue.text("zh")
    assert "NOx" not in issue.text()  # the balance gives SO2 alone: the others stay with the output


def test_a_fuel_that_never_burns_needs_no_group_and_replaces_nothing() -> None:
    oil = {"group": "sulphur_balance", "amount": 10.0, "sulphur": 0.01}
    assert count(SINTER, oil, {"amount": 0.0}).emissions[0, SO2, 0] == pytest.approx(0.2)
    idle = count(SINTER, {**oil, "amount": 0.0})
    assert idle.emissions[0, SO2, 0] == pytest.approx(0.09905)
    assert idle.method[0, SO2] == "output"


def test_a_group_without_the_pollutant_covers_nothing_of_it() -> None:
    # Coal names a factor of NOx only, so SO2 of the facility is not covered by the oil alone.
    coal = {"group": "emep_industry_solid_nox", "amount": 1000.0, "ncv": 20.0}
    with pytest.raises(InputError, match=r"SO2.*s1"):
        count(SINTER, coal, {"group": "sulphur_balance", "amount": 10.0, "sulphur": 0.01})


def test_facilities_are_refused_each_by_itself() -> None:
    oil = {"group": "sulphur_balance", "amount": 10.0, "sulphur": 0.01, "facility": 1}
    with pytest.raises(InputError) as raised:
        count(
            SINTER, {**SINTER, "facility": 1}, {"amount": 1.0}, oil, {"amount": 1.0, "facility": 1},
            process=("sintering", "sintering"),
        )  # fmt: skip
    (issue,) = raised.value.issues
    assert "f1" in issue.text()
    assert "f0" not in issue.text()


def test_a_group_of_the_output_stands_for_the_whole_facility() -> None:
    # Named output in kg/t: 1000 t x 1.25 kg/t = 1.25 t NOx once, not beside the 1.241 t of the default.
    found = count({**SINTER, "group": "clinker_china"}, {"amount": 100.0}, process=("clinker_line",))
    assert found.emissions[0, :, 0] == pytest.approx([0.374, 1.25, 0.0])
    assert found.factor_id[0].tolist() == ["clinker_so2", "clinker_nox_china", ""]
    assert found.complete[0].tolist() == [True, True, False]


def test_output_and_fuel_that_both_give_a_pollutant_are_refused() -> None:
    coal = {"group": "emep_industry_solid_nox", "amount": 1000.0, "ncv": 20.0}
    with pytest.raises(InputError, match=r"f0.*NOx.*s0.*s1") as raised:
        count({**SINTER, "group": "clinker_china"}, coal, process=("clinker_line",))
    assert "重复" in raised.value.text("zh")


def test_an_output_without_a_group_beside_one_with_it_is_refused() -> None:
    with pytest.raises(InputError, match=r"NOx.*s1"):
        count({**SINTER, "group": "clinker_china"}, SINTER, process=("clinker_line",))


def kiln(**output: Any) -> xr.Dataset:
    """A clinker line of a thousand tonnes in an inventory."""
    made = {"stream": "clinker", "method": "output", "quantity": 1.0, "unit": "kt", **output}
    return build_inventory(one_site("cement", "clinker_line", [made]))


def test_a_group_of_an_output_row_works_in_an_inventory() -> None:
    # 1 kt = 1000 t x 1.25 kg/t = 1.25 t NOx instead of 1.241; SO2 stays with the default, 0.374 t.
    found = kiln(pollutant_factor="clinker_china").pollutant_emissions.sel(enterprise="e", year=2024)
    assert found.sel(pollutant="NOx").item() == pytest.approx(1.25)
    assert found.sel(pollutant="SO2").item() == pytest.approx(0.374)


def test_a_flue_gas_of_an_output_row_works_in_an_inventory() -> None:
    # 1000 t x 2830 Nm3/t x 35, 50 and 10 mg/Nm3
    found = kiln(pollutant_factor="sinter_ultra_low").pollutant_emissions.sel(enterprise="e", year=2024)
    assert found.values == pytest.approx([0.09905, 0.1415, 0.0283])


def test_the_kiln_of_the_audit_is_refused() -> None:
    # A million tonnes of clinker: 374 t SO2 and 1241 t NOx; two tonnes of diesel in place of it would be 0.004 t.
    rows = [
        {"stream": "clinker", "method": "output", "quantity": 1e6},
        {"stream": "coal", "method": "combustion", "factor": "bituminous", "quantity": 1e5},
        {"stream": "diesel", "method": "combustion", "factor": "diesel", "quantity": 2.0},
    ]
    plain = build_inventory(one_site("cement", "clinker_line", rows))
    assert plain.pollutant_emissions.values.ravel().tolist() == pytest.approx([374.0, 1241.0, 0.0])
    rows[2]["pollutant_factor"] = "emep_industry_liquid"
    with pytest.raises(InputError, match="f/coal") as raised:
        build_inventory(one_site("cement", "clinker_line", rows))
    assert len(raised.value.issues) == 2  # SO2 and NOx; dust has no factor of the output to lose


def test_nothing_changes_where_no_stream_names_a_group() -> None:
    found = count(SINTER, {"amount": 10.0})
    assert found.emissions[0, :, 0] == pytest.approx([0.09905, 0.1415, 0.0283])
    assert set(found.method.ravel().tolist()) == {"output"}


def test_streams_of_one_facility_add_up_and_name_all_their_factors() -> None:
    # 100 t x 20 GJ/t x 173 g/GJ + 50 x 389.31 GJ x 74 g/GJ = 0.346 + 1.440447 t
    gas = {"group": "emep_industry_gas", "amount": 50.0, "unit": "1e4_Nm3", "ncv": 389.31}
    found = count({"group": "emep_industry_solid", "amount": 100.0, "ncv": 20.0}, gas)
    assert found.emissions[0, NOX, 0] == pytest.approx(0.346 + 1.440447)
    assert found.factor_id[0, NOX] == "emep_industry_gas_nox+emep_industry_solid_nox"


def test_what_no_factor_gives_is_masked() -> None:
    found = count({"amount": 100.0}, process=("ironmaking",))
    assert not found.available.any()
    assert not found.complete.any()
    assert not found.uncontrolled_available.any()
    assert found.emissions.tolist() == [[[0.0], [0.0], [0.0]]]
    assert set(found.method.ravel().tolist()) == {""}


def test_a_fuel_left_out_makes_the_total_incomplete() -> None:
    named = {"group": "emep_industry_solid", "amount": 100.0, "ncv": 20.0}
    assert count(named).complete.all()
    found = count(named, {"amount": 5.0})
    assert found.available.all()
    assert not found.complete.any()


def test_a_facility_without_a_number_makes_the_enterprise_incomplete() -> None:
    found = count(SINTER, {**SINTER, "facility": 1}, process=("sintering", "steelmaking"))
    assert found.available.all()
    assert not found.complete.any()


def test_a_fuel_of_a_facility_without_output_is_left_out() -> None:
    found = count(SINTER, {"amount": 10.0, "facility": 1}, process=("sintering", "sintering"))
    assert found.available.all()
    assert not found.complete.any()


def test_removal_beyond_a_controlled_factor_is_said() -> None:
    # The factor of the sinter output is that of a plant at its limit; another 50 % of the SO2: 0.049525 t
    found = count({**SINTER, "control": (0.5, np.nan, np.nan)})
    assert found.emissions[0, SO2, 0] == pytest.approx(0.049525)
    assert found.removed_beyond == ("f0/SO2",)
    assert found.is_controlled.all()
    assert not found.uncontrolled_available.any()


def test_control_of_an_uncontrolled_factor_is_no_removal_beyond() -> None:
    found = count({**COAL, "control": (0.95, np.nan, np.nan)})
    assert found.removed_beyond == ()
    assert found.is_controlled[0].tolist() == [False, True, True]


def test_control_follows_the_row_in_force() -> None:
    # 1000 t of sinter: 0.09905 t SO2; from the second year another 80 % is removed: 0.01981 t
    control = np.array([[np.nan] * 3, [0.8, np.nan, np.nan]])
    rows = SimpleNamespace(
        facility=np.zeros(2, dtype=np.intp),
        stream=np.array(["out", "out"]),
        month=np.zeros(2, dtype=np.int64),
        control=control,
    )
    sites = Sites(
        enterprise=np.array(["e"]), enterprise_text={"sector": np.array(["steel"])}, entities=np.ones(1),
        facility=np.array(["f"]),
        facility_text={"process": np.array(["sintering"]), "product": np.array(["x"]), "output_unit": np.array(["t"])},
        load_factor=np.full(1, np.nan), heat_ratio=np.full(1, np.nan), owner=np.zeros(1, dtype=np.intp),
    )  # fmt: skip
    output = (np.array([[0, 1]]), np.array([0]), np.array([[1000.0, 1000.0]]))
    found = pollutant_totals(sites, rows, PACKAGED, output=output)  # type: ignore[arg-type]
    assert found.emissions[0, SO2] == pytest.approx([0.09905, 0.01981])
    assert found.unmatched == ()


def test_a_control_that_touches_no_factor_is_named() -> None:
    # The factor of sintering is per output, so an efficiency on the fuel row does nothing.
    found = count(SINTER, {"amount": 10.0, "control": (0.9, np.nan, np.nan)})
    assert found.unmatched == ("f0",)


@pytest.mark.parametrize(
    ("stream", "words", "chinese"),
    [
        ({"group": "emep_industry_solids", "amount": 1.0}, "Did you mean 'emep_industry_solid'", "不存在"),
        ({**COAL, "sulphur": np.nan}, "no measured sulphur", "缺少实测含硫量"),
        ({**COAL, "ncv": np.nan}, "no calorific value", "缺少低位发热量"),
        ({**COAL, "group": ""}, "no sulphur balance uses", "未采用硫平衡"),
        ({**COAL, "group": "emep_industry_solid"}, "no sulphur balance uses", "未采用硫平衡"),
        ({"method": "heat_purchased", "group": "emep_power_coal", "amount": 1.0, "unit": "GJ"}, "no stack", "排放口"),
        ({**SINTER, "group": "sinter_ultra_low", "control": (0.5, 0, 0)}, "behind the control", "治理后"),
        ({"group": "sulphur_balance", "amount": 1.0, "unit": "Nm3", "sulphur": 0.1}, "cannot be turned", "无法使用"),
    ],
)  # fmt: skip
def test_what_cannot_be_worked_out_is_refused(stream: dict[str, Any], words: str, chinese: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        count(stream)
    assert chinese in " ".join(issue.text("zh") for issue in raised.value.issues)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputError) as raised:
        count({**COAL, "sulphur": np.nan, "ncv": np.nan}, {"group": "ghost", "amount": 1.0})
    assert len(raised.value.issues) == 3


def test_a_year_without_activity_needs_no_sulphur() -> None:
    found = count({**COAL, "amount": (1000.0, 0.0), "sulphur": (0.008, np.nan)}, years=2)
    assert found.emissions[0, SO2] == pytest.approx([13.6, 0.0])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [("a", "g", "amount", "SO2", 1.0, "kg/t", "x"), ("b", "g", "sulphur", "SO2", 1.0, "1", "x")],
            "more than once",
        ),
        ([("a", "g", "concentration", "SO2", 35.0, "g/1e3_Nm3", "x")], "flue_gas"),
        ([("a", "g", "amount", "SO2", np.nan, "kg/t", "x")], "without a value"),
        ([("a", "g", "sulphur", "NOx", 1.0, "1", "x")], "SO2 only"),
    ],
)
def test_a_group_that_is_not_sound_is_refused(rows: list[tuple[Any, ...]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        count({"group": "g", "amount": 1.0, "sulphur": 0.01}, table=factor_rows(*rows))


def test_every_packaged_group_gives_factors_for_tonnes() -> None:
    groups = sorted({name for cell in PACKAGED["group"] for name in cell.split(";") if name})
    stacks = np.array([name for name in groups if not name.startswith("environmental_tax")])
    found, problems = stream_factors(stacks, np.full(len(stacks), "t"), PACKAGED)
    assert problems == []
    assert (found.kind != "").any(axis=1).all()


def test_pollution_equivalents_of_the_tax_law() -> None:
    # Environmental Protection Tax Law, annex 2: SO2 and NOx 0.95 kg, general dust 4 kg, soot 2.18 kg
    assert equivalent_weights(PACKAGED) == {"SO2": 0.95, "NOx": 0.95, "PM": 4.0}
    assert equivalent_weights(PACKAGED, "environmental_tax_soot")["PM"] == 2.18
    with pytest.raises(InputError, match="ghost"):
        equivalent_weights(PACKAGED, "ghost")


shares = st.floats(0, 1)
fuel = st.fixed_dictionaries({"amount": st.floats(0, 1e6), "ncv": st.floats(1, 50), "sulphur": shares, "so2": shares})


def burnt(*fuels: dict[str, float]) -> PollutantTotals:
    return count(
        *(
            {**COAL, **{name: one[name] for name in ("amount", "ncv", "sulphur")}, "control": (one["so2"], 0.0, 0.0)}
            for one in fuels
        )
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(fuel, min_size=1, max_size=4), st.integers(0, 3))
def test_order_does_not_matter_doubling_doubles_and_splitting_changes_nothing(
    fuels: list[dict[str, float]], chosen: int
) -> None:
    found = burnt(*fuels).emissions
    assert burnt(*reversed(fuels)).emissions == pytest.approx(found, rel=1e-12)
    assert burnt(*({**one, "amount": 2 * one["amount"]} for one in fuels)).emissions == pytest.approx(2 * found)
    first, *rest = fuels[chosen % len(fuels) :] + fuels[: chosen % len(fuels)]
    half = {**first, "amount": first["amount"] / 2}
    assert burnt(half, half, *rest).emissions == pytest.approx(found, rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(fuel)
def test_full_control_leaves_nothing_and_never_more_than_before(one: dict[str, float]) -> None:
    found = burnt(one)
    assert (found.emissions <= found.uncontrolled + 1e-12)[0, SO2].all()
    assert burnt({**one, "so2": 1.0}).emissions[0, SO2, 0] == 0
