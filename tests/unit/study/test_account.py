"""The account of a ledger: totals by hand, an audit whose every check can fail, and what it says when printed."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from account_builder import ENDING, TABLES, account_folder, one_works
from carbonsim.errors import CertificateError, InputError
from carbonsim.inputs.factors import packaged_factors
from carbonsim.inputs.ledger import Ledger, read_ledger
from carbonsim.market.certificate import Certificate, Line
from carbonsim.study import account as account_module
from carbonsim.study.account import Account, account
from carbonsim.study.account_audit import Audited, audit_account, require_passed, table_values


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return read_ledger(account_folder(tmp_path_factory.mktemp("account") / "three"))


@pytest.fixture(scope="module")
def made(ledger: Ledger) -> Account:
    return account(ledger)


def audited(made: Account) -> Audited:
    return Audited(
        made.ledger, made.inventory.copy(deep=True), made.scope2.copy(deep=True), made.scope3.copy(deep=True),
        made.classes.copy(), made.quality.copy(), made.intensity.copy(deep=True), made.uncertainty,
    )  # fmt: skip


def row(made: Account, enterprise: str, year: int) -> dict[str, object]:
    frame = made.summary().set_index(["enterprise", "year"])
    return dict(frame.loc[(enterprise, year)])


def test_direct_emissions_are_those_of_the_arithmetic_by_hand(made: Account) -> None:
    # coke 90,000 t x 28.435 GJ/t x 29.42 tC/TJ x 44/12 = 276,064.04 (CETS-AG-03.01 table A.1, no oxidation in steel);
    # limestone 18,000 x 0.43 (own factor) = 7,740; steel 280,000 x -0.037 = -10,360;
    # gas 300 x 389.31 x 15.32 / 1000 x 44/12 = 6,560.65
    assert row(made, "works", 2024)["direct_co2e"] == pytest.approx(276_064.04 + 7_740 - 10_360 + 6_560.65, abs=0.02)
    # coal 12,000 t x 23.204 GJ/t x 26.18 tC/TJ x 0.93 x 44/12 = 24,858.11; CH4 278.448 TJ x 10 kg x 28 = 77.97;
    # N2O 278.448 TJ x 1.5 kg x 265 = 110.68; chips 1,035.75 x 0.2 fossil = 207.15;
    # refrigerant 2 t x 0.1 x (0.5 x 677 + 0.5 x 3,170) = 384.70
    chemical = 24_858.11 + 77.97 + 110.68 + 207.15 + 384.70
    assert row(made, "chem", 2024)["direct_co2e"] == pytest.approx(chemical, abs=0.02)
    assert row(made, "chem", 2024)["biogenic_co2"] == pytest.approx(1_035.755 * 0.8, abs=0.01)


def test_both_methods_of_scope_2_stand_side_by_side(made: Account) -> None:
    works = row(made, "works", 2024)
    # 50,000 MWh x 0.1564 (Sichuan 2023); 20,000 MWh certified at 0, the other 30,000 x 0.6096 (residual 2023).
    assert works["scope2_location_based"] == pytest.approx(7_820)
    assert works["scope2_market_based"] == pytest.approx(18_288)
    assert np.isnan(row(made, "chem", 2024)["scope2_market_based"])  # type: ignore[call-overload]  # stated as unknown


def test_a_year_without_rows_is_not_in_the_summary(made: Account) -> None:
    keys = list(made.summary()[["enterprise", "year"]].itertuples(index=False, name=None))
    assert keys == [("works", 2023), ("works", 2024), ("chem", 2024), ("mine", 2024)]


def test_what_is_not_known_is_not_zero(made: Account) -> None:
    works = row(made, "works", 2024)
    assert np.isnan(works["scope3_reported"])  # type: ignore[call-overload]
    assert row(made, "chem", 2024)["scope3_reported"] == pytest.approx(100_000 * 0.1)  # person x tCO2/person
    assert row(made, "mine", 2024)["verification"] == "not_verified"
    assert np.isnan(row(made, "mine", 2024)["verified_difference"])  # type: ignore[call-overload]
    assert works["verified_difference"] == pytest.approx(280_004.69 - 250_000, abs=0.02)


def test_shares_of_tonnes_say_what_they_rest_on(made: Account) -> None:
    works = row(made, "works", 2024)
    gross = 276_064.04 + 7_740 + 10_360 + 6_560.65
    assert works["assumption_share"] == pytest.approx(6_560.65 / gross, abs=1e-6)  # the gas of the mill is a guess
    # The gas of 2023 is a gap filled with that of 2024: 6,560.65 of what was emitted and deducted in 2023.
    coke = 100_000 * 28.435 * 29.42 / 1000 * 44 / 12
    before = coke + 20_000 * 0.43 + 300_000 * 0.037 + 6_560.65
    assert row(made, "works", 2023)["substituted_share"] == pytest.approx(6_560.65 / before, abs=1e-6)


def test_the_point_is_the_same_in_every_mode_of_uncertainty(ledger: Ledger, made: Account) -> None:
    modes = [made, account(ledger, uncertainty=None), account(ledger, uncertainty="monte_carlo", draws=500, seed=3)]
    for mode in modes[1:]:
        assert np.array_equal(mode.inventory["emissions_co2e"], made.inventory["emissions_co2e"])
    assert modes[1].uncertainty is None
    assert modes[1].summary()["half_width"].isna().all()
    sampled = modes[2].uncertainty
    assert sampled is not None
    point = sampled.dataset["emissions_co2e"].sel(group="works", year=2024)
    assert float(point) == row(made, "works", 2024)["direct_co2e"]


def test_monte_carlo_without_a_seed_is_refused(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="seed"):
        account(ledger, uncertainty="monte_carlo")


def test_an_unknown_approach_is_refused_with_a_suggestion(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="'monte_carlo'"):
        account(ledger, uncertainty="montecarlo")  # type: ignore[arg-type]


def test_with_nothing_stated_and_nothing_published_there_is_no_interval(tmp_path: Path) -> None:
    # No interval of a factor of the guidelines is published; a zero width would be a claim.
    silent = account(read_ledger(one_works(tmp_path / "silent", "coke,combustion,coke,10,t")))
    assert silent.uncertainty is None
    assert silent.summary()["relative_half_width"].isna().all()


COPPER_HEAD = "facility,year,stream,method,factor,quantity,unit,net_calorific_value,carbon_content,basis,source\n"


def copper(folder: Path, measured: int, taken: int = 0, uncertainty: str = "") -> Account:
    """Smelters that burn 1,000 t of coal each: some measured its heat and carbon, the others take the table's."""
    sites = [*(f"own_{n}" for n in range(measured)), *(f"std_{n}" for n in range(taken))]
    coal = "2024,coal,combustion,ipcc_2006:bituminous,1000,t"
    tables = dict.fromkeys(TABLES, "")
    tables |= {
        "enterprises": "enterprise,name_zh,name_en,sector,basis,source\n"
        + "".join(f"{name},示意,Smelter,copper,{ENDING}\n" for name in sites),
        "facilities": "facility,enterprise,process,product,output_unit,basis,source\n"
        + "".join(f"{name},{name},smelting,copper,t,{ENDING}\n" for name in sites),
        "activity": COPPER_HEAD
        + "".join(f"{name},{coal},{'25.8,25.8' if name.startswith('own') else ','},{ENDING}\n" for name in sites),
        "uncertainty": uncertainty,
    }
    return account(read_ledger(account_folder(folder, own=False, **tables)))


def test_a_published_interval_is_of_the_table_s_value_not_of_a_measured_one(tmp_path: Path) -> None:
    silent = copper(tmp_path / "measured", measured=4)
    assert silent.summary()["relative_half_width"].isna().all()
    mixed = copper(tmp_path / "mixed", measured=2, taken=2)
    assert mixed.uncertainty is not None
    # IPCC 2006 tables 1.2 and 1.3: 25.8 (19.9 to 30.5) GJ/t is 22.868 %, 25.8 (24.4 to 27.2) kg/GJ is 5.426 %:
    # sqrt(0.22868^2 + 0.05426^2) = 0.23503 for each site on the table, and together they are half of the total.
    at = mixed.summary().set_index("enterprise")
    assert at.loc["std_0", "relative_half_width"] == pytest.approx(0.23503, abs=1e-5)
    total = mixed.uncertainty.dataset["relative_half_width"].sel(group="total", year=2024)
    assert float(total) == pytest.approx(0.23503 / 2, abs=1e-5)
    assert np.isnan(at.loc["own_0", "relative_half_width"])
    assert np.isnan(at.loc["own_0", "half_width"])
    assert at.loc["own_0", "unstated_share"] == 1.0
    missing = mixed.uncertainty.unstated().set_index("stream")["missing"]
    assert missing["own_1/coal"] == "carbon_content, net_calorific_value, oxidation, quantity"


def test_stating_a_shared_value_at_one_site_puts_the_published_interval_aside(tmp_path: Path) -> None:
    head = "term,factor,facility,stream,half_width,distribution,basis,source\n"
    row = f"net_calorific_value,,std_0,,0.03,,{ENDING}\n"
    found = copper(tmp_path / "one", measured=0, taken=2, uncertainty=head + row)
    # 3 % of the heat, 5.426 % of the carbon, both shared: sqrt(0.03^2 + 0.05426^2) = 0.06200.
    assert found.summary()["relative_half_width"].tolist() == pytest.approx([0.06200] * 2, abs=1e-5)


def test_every_gas_that_is_in_no_total_has_its_own_column(tmp_path: Path, made: Account) -> None:
    # 2 t of HCFC-22 charged, of which 10 % leaks: 0.2 t, and nothing in the total.
    rows = TABLES["activity"].replace("chiller,,refrigerant,R-410A", "chiller,,refrigerant,HCFC-22")
    found = account(read_ledger(account_folder(tmp_path / "old", activity=rows)), uncertainty=None)
    assert row(found, "chem", 2024)["hcfc_22"] == pytest.approx(0.2)
    assert row(found, "works", 2024)["hcfc_22"] == 0
    leaked = 2 * 0.1 * (0.5 * 677 + 0.5 * 3_170)  # R-410A in AR5
    before, after = (row(one, "chem", 2024)["direct_co2e"] for one in (made, found))
    assert float(before) - float(after) == pytest.approx(leaked)  # type: ignore[arg-type]
    assert "hcfc_22" not in made.summary()


def test_progress_is_told_stage_by_stage(ledger: Ledger) -> None:
    told: list[tuple[str, int, int]] = []
    account(ledger, progress=lambda *stage: told.append(stage))
    assert told[0] == ("inventory", 0, 5)
    assert told[-1] == ("audit", 5, 5)


def test_a_precursor_from_outside_without_electricity_narrows_the_intensity(tmp_path: Path) -> None:
    bought = TABLES["precursors"] + "mill,2024,scrap,1000,t,,0,,statistic,meter\n"
    found = account(read_ledger(account_folder(tmp_path / "bought", precursors=bought)), uncertainty=None)
    assert found.intensity.attrs["basis"] == "direct"
    assert (found.intensity["indirect_intensity"] == 0).all()


# -- the audit


def test_all_checks_pass_and_say_how_closely(made: Account) -> None:
    assert len(made.checks) > 20
    assert all(line.passed for line in made.checks)
    assert made.certificate.passed


Corrupt = Callable[[Audited], None]


def scaled(name: str, factor: float = 1.001, of: str = "inventory") -> Corrupt:
    """Multiply one variable by a factor."""

    def corrupt(found: Audited) -> None:
        data: xr.Dataset = getattr(found, of)
        data[name] = data[name] * factor

    return corrupt


def dropped(found: Audited) -> None:
    place = np.argwhere(found.inventory["stream_reported"].values)[0]
    found.inventory["stream_reported"].values[tuple(place)] = False


def invented(found: Audited) -> None:
    place = np.argwhere(~found.inventory["stream_reported"].values)[0]
    found.inventory["activity"].values[tuple(place)] = 1.0


def other_term(found: Audited) -> None:
    found.inventory["term_value"].values[found.inventory["term_key"].values >= 0] *= 1.01


def outside(found: Audited) -> None:
    found.inventory["stream_covered"].values[:] = False


def resold(found: Audited) -> None:
    found.scope2["electricity_resold"].values[:] = 10.0


def without_precursors(found: Audited) -> None:
    found.intensity["passed_on"].values[:] = 0.0
    found.intensity["final_output"].values[:] = found.intensity["output"].values


def lighter(found: Audited) -> None:
    found.quality["tonnes"] *= 0.99


def lighter_classes(found: Audited) -> None:
    found.classes["emissions_co2e"] *= 0.99


@pytest.mark.parametrize(
    ("corrupt", "line"),
    [
        (dropped, "rows of the ledger counted once"),
        (scaled("activity"), "quantities as in the ledger"),
        (invented, "no activity without a row"),
        (other_term, "factors as in their table entries"),
        (scaled("shared_value"), "table entries as in the factor tables"),
        (scaled("stream_emissions"), "terms multiply to the tonnes of each gas"),
        (scaled("component_constant"), "terms multiply to the tonnes of each gas"),
        (scaled("stream_emissions_co2e"), "gases times potentials give the streams"),
        (scaled("gwp"), "warming potentials of AR5 (gwp)"),
        (scaled("market_gwp"), "warming potentials of AR5 (market_gwp)"),
        (scaled("emissions_co2e"), "streams of scope 1 add up to enterprises"),
        (scaled("scope2_location"), "streams of scope 2 add up to enterprises"),
        (scaled("emissions"), "streams of scope 1 add up gas by gas"),
        (scaled("scope3_reported_sum", of="scope3"), "streams of scope 3 add up to categories"),
        (outside, "covered emissions inside the boundary"),
        (scaled("stream_covered_emissions", 1.5), "covered emissions inside the boundary"),
        (scaled("covered_emissions"), "covered streams add up to facilities"),
        (scaled("scope2_market", of="scope2"), "market-based scope 2 is the sum of its parts"),
        (scaled("residual_electricity", of="scope2"), "load is covered once"),
        (scaled("load", of="scope2"), "load and electricity resold are electricity bought"),
        (resold, "load and electricity resold are electricity bought"),
        (scaled("electricity_bought", of="scope2"), "electricity bought as in the inventory"),
        (scaled("scope2_location", of="scope2"), "location-based scope 2 the same in both"),
        (lighter, "tonnes by tier are all tonnes"),
        (lighter, "tonnes by basis are all tonnes"),
        (lighter, "tonnes by substituted are all tonnes"),
        (lighter_classes, "classes of streams hold all tonnes"),
        (scaled("final_output", of="intensity"), "products and the rest hold all tonnes"),
        (scaled("unattributed_direct", of="intensity"), "products and the rest hold all tonnes"),
        (scaled("indirect_intensity", of="intensity"), "products and the rest hold all tonnes"),
        (without_precursors, "products and the rest hold all tonnes"),
        (scaled("emissions_co2e"), "uncertainty is about the same totals"),
    ],
)
def test_each_check_can_fail(made: Account, corrupt: Corrupt, line: str) -> None:
    found = audited(made)
    corrupt(found)
    failed = {entry.name: entry for entry in audit_account(found).failures()}
    assert line in failed
    assert failed[line].where


def test_every_line_of_the_audit_has_a_corruption_that_fails_it(made: Account) -> None:
    cases = test_each_check_can_fail.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {line.name for line in made.checks} == {line for _, line in cases}


def test_a_number_that_is_none_fails(made: Account) -> None:
    found = audited(made)
    found.inventory["stream_emissions"].values[0] = np.nan
    assert "terms multiply to the tonnes of each gas" in {line.name for line in audit_account(found).failures()}


def test_a_failed_line_is_an_error_that_names_the_place() -> None:
    with pytest.raises(CertificateError, match="sums at furnace"):
        require_passed(Certificate((Line("sums", 0.5, 1e-9, "furnace"),)))


def test_an_account_that_fails_its_audit_is_not_handed_out(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = account_module.build_inventory

    def unsound(*arguments: object, **options: object) -> xr.Dataset:
        inventory = sound(*arguments, **options)  # type: ignore[arg-type]
        inventory["emissions_co2e"] = inventory["emissions_co2e"] * 1.01
        return inventory

    monkeypatch.setattr(account_module, "build_inventory", unsound)
    with pytest.raises(CertificateError, match="streams of scope 1 add up to enterprises at works"):
        account(ledger, uncertainty=None)


def test_the_audit_knows_every_value_of_the_packaged_tables() -> None:
    listed = table_values(packaged_factors())
    # Table A.1 of CETS-AG-03.01; IPCC 2006 table 2.3 in t/GJ; carbon of methanol x 44/12; kg per tonne as tonnes.
    assert listed["cets_steel_2024:coke/net_calorific_value"] == 28.435
    assert listed["ipcc2006_coal_industry/CH4"] == pytest.approx(1e-5)
    assert listed["methanol_carbon/carbon_content"] == pytest.approx(0.375 * 44 / 12)
    assert listed["R-410A/HFC-32"] == 0.5


def test_warming_potentials_that_change_over_the_years_pass(ledger: Ledger) -> None:
    found = account(ledger, gwp_set={2023: "AR4", 2024: "AR6"}, uncertainty=None)
    assert found.certificate.passed


# -- what it prints


def test_it_prints_a_line_an_enterprise_and_year(made: Account) -> None:
    text = repr(made)
    assert "works 2024: direct 280,005 tCO2e ± 5.4%" in text
    assert f"{len(made.checks)} audit checks passed" in text


def test_the_page_of_a_notebook_escapes_names(made: Account) -> None:
    html = made._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_an_account_is_frozen(made: Account) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.scope2 = made.scope3  # type: ignore[misc]
