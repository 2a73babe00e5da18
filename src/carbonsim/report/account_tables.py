"""The tables of an account as plain frames: what the workbook, the data files and the page are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.intensity import unattributed_table
from carbonsim.report.account_evidence import assumption_table, factor_table, overlaid_table, source_table
from carbonsim.study.account import Account

FORMS: Final = {1: "multiplied", -1: "divided", 2: "taken_off"}
YES_NO: Final = np.array(["no", "yes"])
Frame = pd.DataFrame


def account_tables(account: Account) -> dict[str, Frame]:
    """Every table of an account by name, in the order of the workbook; an empty one is left out.

    The names of columns are keys of ``account_labels``; every amount has its unit there.
    """
    made = {name: make(account) for name, make in MAKERS.items()}
    return {name: frame for name, frame in made.items() if len(frame) or name in ALWAYS}


def present(inventory: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Places of stream and year that have a row."""
    stream, year = np.nonzero(inventory["stream_reported"].transpose("stream", "year").values)
    return stream, year


def stream_frame(account: Account) -> Frame:
    """One row for each source stream and year: quantity, factor, tier, source, class, gases, tCO2e, covered part."""
    inventory = account.inventory
    stream, year = present(inventory)
    frame = Frame({name: inventory[key].values.astype(str)[stream] for name, key in _STREAM_TEXT.items()})
    month = inventory["stream_month"].values[stream]
    frame.insert(3, "month", np.where(month > 0, month.astype(str), ""))
    frame.insert(4, "year", inventory["year"].values[year])
    frame.insert(7, "scope", inventory["stream_scope"].values[stream])
    frame["substituted"] = YES_NO[inventory["substituted"].values[stream].astype(int)]
    for place, name in enumerate(("activity", "activity_unit")):
        values = inventory[name].values[stream, year] if name == "activity" else inventory[name].values[stream]
        frame.insert(8 + place, name, values)
    tonnes = inventory["stream_emissions"].transpose("stream", "gas", "year").values[stream, :, year]
    for place, gas in enumerate(inventory["gas"].values.astype(str)):
        if (tonnes[:, place] != 0).any():
            frame[f"{gas} (t)"] = tonnes[:, place]
    frame["stream_co2e"] = inventory["stream_emissions_co2e"].transpose("stream", "year").values[stream, year]
    frame["covered_part"] = inventory["stream_covered_emissions"].transpose("stream", "year").values[stream, year]
    key = ["facility", "stream_name", "year"]
    classes = account.classes.rename(columns={"stream": "stream_name"})[[*key, "stream_class"]]
    joined = frame.merge(classes, how="left", on=key)
    return joined.assign(stream_class=joined["stream_class"].fillna(""))


_STREAM_TEXT: Final[Mapping[str, str]] = {
    "enterprise": "stream_enterprise", "facility": "stream_facility", "stream_name": "stream_name",
    "accounting_method": "method", "category": "category", "factor": "factor", "factor_source": "factor_source",
    "factor_basis": "factor_basis", "tier": "tier", "activity_source": "activity_source",
    "activity_basis": "activity_basis", "evidence": "evidence",
}  # fmt: skip


def term_frame(account: Account) -> Frame:
    """The chain of multiplications: one row for each term of each gas of each stream and year."""
    inventory = account.inventory
    reported = inventory["stream_reported"].transpose("stream", "year").values
    place = inventory["component_place"].values
    form = inventory["term_form"].transpose("component", "term").values
    used = (form != 0)[:, :, None] & reported[place][:, None, :]
    component, term, year = np.nonzero(used)
    key = inventory["term_key"].transpose("component", "term", "year").values[component, term, year]
    names = {"entry": "shared", "term_unit": "shared_unit", "factor_source": "shared_source",
             "factor_basis": "shared_basis"}  # fmt: skip
    shared = {name: np.append(inventory[of].values.astype(str), "")[key] for name, of in names.items()}
    own = key < 0
    stream = place[component]
    shared["factor_source"] = np.where(own, inventory["activity_source"].values.astype(str)[stream],
                                       shared["factor_source"])  # fmt: skip
    shared["factor_basis"] = np.where(own, inventory["activity_basis"].values.astype(str)[stream],
                                      shared["factor_basis"])  # fmt: skip
    month = inventory["stream_month"].values[stream]
    value = inventory["term_value"].transpose("component", "term", "year").values[component, term, year]
    return Frame({
        "enterprise": inventory["stream_enterprise"].values.astype(str)[stream],
        "facility": inventory["stream_facility"].values.astype(str)[stream],
        "stream_name": inventory["stream_name"].values.astype(str)[stream],
        "month": np.where(month > 0, month.astype(str), ""),
        "year": inventory["year"].values[year],
        "gas": inventory["component_gas"].values.astype(str)[component],
        "term": inventory["term"].values.astype(str)[term],
        "term_form": pd.Series(form[component, term]).map(FORMS).to_numpy(),
        "term_value": value,
        **shared,
    })  # fmt: skip


def scope2_frame(account: Account) -> Frame:
    """Purchased electricity and heat by both methods, with the parts of the market-based one."""
    scope2 = account.scope2
    dims, sizes = ("enterprise", "year"), (scope2.sizes["enterprise"], scope2.sizes["year"])
    found = scope2["scope2_market_available"].transpose(*dims).values
    market = np.where(found, scope2["scope2_market"].transpose(*dims).values, np.nan)
    residual = np.where(scope2["residual_factor_available"].values, scope2["residual_factor"].values, np.nan)
    names = (
        "electricity_bought", "electricity_resold", "load", "exports_beyond_purchase", "location_factor",
        "certificates_applied", "certificates_unused", "residual_electricity",
        "instrument_emissions", "residual_emissions", "scope2_heat", "scope2_exports",
    )  # fmt: skip
    frame = Frame({
        "enterprise": np.repeat(scope2["enterprise"].values.astype(str), sizes[1]),
        "year": np.tile(scope2["year"].values, sizes[0]),
        "scope2_location_based": scope2["scope2_location"].transpose(*dims).values.reshape(-1),
        "scope2_market_based": market.reshape(-1),
        "market_method": scope2["scope2_market_method"].transpose(*dims).values.reshape(-1),
        "residual_factor": np.tile(residual, sizes[0]),
        **{name: scope2[name].transpose(*dims).values.reshape(-1) for name in names},
    })  # fmt: skip
    with_rows = account.summary()[["enterprise", "year"]]
    return with_rows.merge(frame, on=["enterprise", "year"])


def certificate_table(account: Account) -> Frame:
    """Certificates and contracts for electricity, and what was made of each."""
    scope2 = account.scope2
    names = {
        "enterprise": "certificate_enterprise", "year": "certificate_year", "certificate": "certificate",
        "certificate_kind": "certificate_kind", "mwh": "certificate_quantity", "mwh_applied": "certificate_applied",
        "certificate_factor": "certificate_factor", "certificate_status": "certificate_status",
        "source": "certificate_source",
    }  # fmt: skip
    return Frame({name: scope2[of].values for name, of in names.items()})


def scope3_frame(account: Account) -> Frame:
    """Scope 3 categories that were reported."""
    scope3 = account.scope3
    place = np.nonzero(scope3["scope3_reported"].transpose("enterprise", "category", "year").values)
    values = scope3["scope3"].transpose("enterprise", "category", "year").values[place]
    names = [
        f"{zh} {en}" for zh, en in zip(scope3["category_zh"].values, scope3["category_en"].values, strict=True)
    ]  # fmt: skip
    return Frame({
        "enterprise": scope3["enterprise"].values.astype(str)[place[0]],
        "year": scope3["year"].values[place[2]],
        "category_number": scope3["category"].values[place[1]],
        "category_name": np.array(names)[place[1]],
        "side": scope3["category_side"].values.astype(str)[place[1]],
        "scope3_reported": values,
    })  # fmt: skip


def intensity_frame(account: Account) -> Frame:
    """Embedded emissions of each facility's product, where it has output."""
    data = account.intensity
    place = np.nonzero(data["intensity_available"].transpose("facility", "year").values)
    texts = {"enterprise": "facility_enterprise", "facility": "facility", "process": "process", "product": "product"}
    names = {
        "output_amount": "output", "own_direct": "own_direct", "own_indirect": "own_indirect",
        "precursor_direct": "precursor_direct", "precursor_indirect": "precursor_indirect",
        "product_intensity": "intensity",
    }  # fmt: skip
    frame = Frame({name: data[of].values.astype(str)[place[0]] for name, of in texts.items()})
    frame["year"] = data["year"].values[place[1]]
    frame["output_unit"] = data["output_unit"].values.astype(str)[place[0]]
    for name, of in names.items():
        frame[name] = data[of].transpose("facility", "year").values[place]
    return frame.assign(intensity_basis=str(data.attrs["basis"]))


def unattributed_frame(account: Account) -> Frame:
    """Emissions of facilities without output: they reach no product."""
    return unattributed_table(account.intensity)


def uncertainty_frame(account: Account) -> Frame:
    """Direct emissions of each enterprise and of all, with their 95 % interval."""
    if account.uncertainty is None:
        return Frame()
    data = account.uncertainty.dataset
    names = {
        "group_co2e": "emissions_co2e", "half_width": "half_width", "relative_half_width": "relative_half_width",
        "low_co2e": "low", "high_co2e": "high", "unstated_share": "unstated_share",
        "partly_stated_share": "partly_stated_share",
    }  # fmt: skip
    years = data.sizes["year"]
    return Frame({
        "group": np.repeat(data["group"].values.astype(str), years),
        "year": np.tile(data["year"].values, data.sizes["group"]),
        **{name: data[of].transpose("group", "year").values.reshape(-1) for name, of in names.items()},
    })  # fmt: skip


def contribution_frame(account: Account) -> Frame:
    """Shares of the first-order variance by source, the largest first within each group and year."""
    if account.uncertainty is None:
        return Frame()
    data = account.uncertainty.dataset
    place = data["entry_source"].values
    frame = Frame({
        "group": data["group"].values.astype(str)[data["entry_group"].values],
        "year": data["entry_year"].values,
        "uncertain_source": data["source"].values.astype(str)[place],
        "term": data["source_term"].values.astype(str)[place],
        "kind_of_source": data["source_kind"].values.astype(str)[place],
        "stated_half_width": data["source_half_width"].values[place],
        "distribution": data["source_distribution"].values.astype(str)[place],
        "contribution": data["contribution"].values,
    })  # fmt: skip
    return frame.sort_values(["group", "year", "contribution"], ascending=[True, True, False], ignore_index=True)


def unstated_frame(account: Account) -> Frame:
    """Streams of which nothing or not everything has a stated uncertainty."""
    if account.uncertainty is None:
        return Frame()
    names = {"stream": "stream_name", "emissions_co2e": "stream_co2e", "share": "stream_share",
             "stated": "stated", "missing": "missing_terms"}  # fmt: skip
    return account.uncertainty.unstated().rename(columns=names)


def quality_frame(account: Account) -> Frame:
    """Tonnes by tier, basis, substitution and class."""
    names = {"value": "aspect_value", "share": "aspect_share"}
    return account.quality.reset_index().rename(columns=names)


def class_frame(account: Account) -> Frame:
    """Source streams ranked and classed."""
    names = {"stream": "stream_name", "emissions_co2e": "stream_co2e", "share": "stream_share",
             "method": "accounting_method"}  # fmt: skip
    return Frame(account.classes).rename(columns=names).drop(columns="cumulated")


def gap_frame(account: Account) -> Frame:
    """Gaps that were filled, with rule, reason and the emissions that were put in."""
    made = account.ledger.substitutions
    names = {"stream": "stream_name", "quantity": "gap_quantity", "unit": "gap_unit", "method": "accounting_method"}
    frame = made[["facility", "year", "stream", "month", "rule", "quantity", "unit", "method", "factor", "reason",
                  "used_rows"]].rename(columns=names)  # fmt: skip
    month = frame["month"].fillna(0).astype(int)
    inventory = account.inventory
    index = pd.MultiIndex.from_arrays(
        [inventory["stream_facility"].values, inventory["stream_name"].values, inventory["stream_month"].values]
    )
    wanted = pd.MultiIndex.from_arrays([frame["facility"], frame["stream_name"], month])
    place = index.get_indexer(wanted)
    year = pd.Index(inventory["year"].values).get_indexer(pd.Index(frame["year"].astype(int)))
    co2e = inventory["stream_emissions_co2e"].transpose("stream", "year").values
    return frame.assign(month=np.where(month > 0, month.astype(str), ""), year=frame["year"].astype(int),
                        gap_co2e=co2e[place, year])  # fmt: skip


def verification_frame(account: Account) -> Frame:
    """Verified emissions against the reported ones, with the bound."""
    data = account.verification
    place = np.nonzero(data["is_verified"].transpose("enterprise", "year").values)
    names = {
        "direct_co2e": "reported", "verified_co2e": "verified", "verified_difference": "difference",
        "materiality": "share", "bound_co2e": "bound",
    }  # fmt: skip
    texts = {"verification": "status", "direction": "direction", "bound_source": "bound_source"}
    columns: dict[str, Any] = {
        "enterprise": data["enterprise"].values.astype(str)[place[0]],
        "year": data["year"].values[place[1]],
    }
    columns |= {name: data[of].transpose("enterprise", "year").values[place] for name, of in names.items()}
    relative = np.where(data["relative_available"], data["relative"], np.nan)[place]
    columns |= {"relative_difference": relative}
    columns |= {name: data[of].transpose("enterprise", "year").values[place] for name, of in texts.items()}
    return Frame(columns)


def pollutant_frame(account: Account) -> Frame:
    """Air pollutants of the enterprises for which they can be computed."""
    data = account.inventory
    available = data["pollutant_available"].transpose("enterprise", "pollutant").values
    enterprise, pollutant = np.nonzero(available)
    years = data.sizes["year"]
    tonnes = data["pollutant_emissions"].transpose("enterprise", "pollutant", "year").values[enterprise, pollutant]
    frame = Frame({
        "enterprise": np.repeat(data["enterprise"].values.astype(str)[enterprise], years),
        "pollutant": np.repeat(data["pollutant"].values.astype(str)[pollutant], years),
        "year": np.tile(data["year"].values, len(enterprise)),
        "pollutant_tonnes": tonnes.reshape(-1),
    })  # fmt: skip
    if "pollutant_complete" in data:
        complete = data["pollutant_complete"].transpose("enterprise", "pollutant").values[enterprise, pollutant]
        frame["complete"] = np.repeat(YES_NO[complete.astype(int)], years)
    return frame


def check_frame(account: Account) -> Frame:
    """Lines of the audit."""
    rows = [(line.name, line.residual, line.tolerance, line.passed) for line in account.checks]
    return Frame(rows, columns=["name", "residual", "tolerance", "passed"])


MAKERS: Final[Mapping[str, Callable[[Account], Frame]]] = {
    "summary": Account.summary,
    "streams": stream_frame,
    "terms": term_frame,
    "scope2": scope2_frame,
    "certificates": certificate_table,
    "scope3": scope3_frame,
    "intensity": intensity_frame,
    "unattributed": unattributed_frame,
    "uncertainty": uncertainty_frame,
    "contributions": contribution_frame,
    "unstated": unstated_frame,
    "quality": quality_frame,
    "classes": class_frame,
    "gaps": gap_frame,
    "verification": verification_frame,
    "pollutants": pollutant_frame,
    "factors": factor_table,
    "overlaid": overlaid_table,
    "assumptions": assumption_table,
    "sources": source_table,
    "checks": check_frame,
}
# Sheets that say something even when they are empty.
ALWAYS: Final = ("summary", "streams", "gaps", "overlaid", "assumptions", "verification")
