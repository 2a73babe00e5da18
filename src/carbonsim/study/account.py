"""The account of a ledger: inventory, scopes 2 and 3, quality, verification, intensity, uncertainty, and the audit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.inventory import build_inventory
from carbonsim.accounting.quality import quality_summary, stream_classes
from carbonsim.accounting.scope2 import market_based
from carbonsim.accounting.scope3 import scope3_by_category
from carbonsim.accounting.verification import compare_verified
from carbonsim.accounting.warming import BIOGENIC, GWP_SET, MEMO_GASES, GwpChoice
from carbonsim.errors import InputError, did_you_mean
from carbonsim.inputs.factor_uncertainty import default_uncertainty
from carbonsim.inputs.ledger import Ledger
from carbonsim.inputs.ledger_template import SOURCE as EXAMPLE
from carbonsim.inputs.table_checks import records
from carbonsim.market.certificate import Certificate, Line
from carbonsim.study.account_audit import Audited, audit_account, require_passed

if TYPE_CHECKING:
    from carbonsim.accounting.intensity import Basis
    from carbonsim.accounting.uncertainty import Uncertainty

Approach = Literal["approach_1", "monte_carlo"]
Progress = Callable[[str, int, int], None]
APPROACHES: Final = ("approach_1", "monte_carlo")
STAGES: Final = ("inventory", "scopes 2 and 3", "quality", "uncertainty", "audit")
DRAWS: Final = 10_000
SHOWN_ROWS: Final = 8
SHARES: Final[Mapping[str, tuple[str, str]]] = {
    "measured_share": ("tier", "measured"),
    "partly_measured_share": ("tier", "partly_measured"),
    "default_share": ("tier", "default"),
    "assumption_share": ("basis", "assumption"),
    "substituted_share": ("substituted", "substituted"),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Account:
    """What a ledger adds up to, with everything an auditor asks for; prints as a summary.

    Attributes
    ----------
    ledger : Ledger
    inventory : Dataset
        As ``build_inventory`` made it.
    scope2, scope3 : Dataset
        As ``market_based`` and ``scope3_by_category`` made them.
    classes, quality : DataFrame
        As ``stream_classes`` and ``quality_summary`` made them.
    verification : Dataset
        As ``compare_verified`` made it; what nobody verified says so.
    intensity : Dataset
        As ``product_intensity`` made it.
    uncertainty : Uncertainty or None
        Of the direct emissions, by enterprise; None if it was not asked for, or nothing is stated or published.
    certificate : Certificate
        The audit; every line has passed.
    """

    ledger: Ledger
    inventory: xr.Dataset
    scope2: xr.Dataset
    scope3: xr.Dataset
    classes: pd.DataFrame
    quality: pd.DataFrame
    verification: xr.Dataset
    intensity: xr.Dataset
    uncertainty: Uncertainty | None
    certificate: Certificate

    @property
    def checks(self) -> tuple[Line, ...]:
        """Lines of the audit: name, residual, tolerance, passed."""
        return self.certificate.lines

    @property
    def is_illustrative(self) -> bool:
        """Whether any enterprise is a made-up one of the template."""
        return EXAMPLE in set(self.ledger.tables["enterprises"]["source"])

    def summary(self) -> pd.DataFrame:
        """One row for each enterprise and year with data.

        Returns
        -------
        DataFrame
            ``enterprise, name_zh, name_en, sector, year``; ``direct_co2e`` (scope 1), ``covered_co2e`` (inside the
            market's boundary), ``scope2_location_based``, ``scope2_market_based``, ``scope3_reported`` [tCO2e], the
            last two NaN where there is none; ``market_method``; ``biogenic_co2`` [t], and each other memo gas that
            occurs by the name ``memo_column`` gives it [t], in no total; ``half_width`` [tCO2e] and
            ``relative_half_width`` [1] of the 95 % interval of the direct emissions, NaN where nothing of them is
            stated, ``unstated_share`` and ``partly_stated_share`` [1] of tonnes without any and with some stated
            uncertainty, NaN if none was propagated; ``SHARES`` [1] of direct tonnes; pollutants
            ``SO2, NOx, PM`` [t], NaN where not available; ``verification`` and ``verified_difference`` [tCO2e].
        """
        inventory, years = self.inventory, self.inventory["year"].values
        enterprises = inventory["enterprise"].values.astype(str)
        rows = pd.MultiIndex.from_product([enterprises, years], names=["enterprise", "year"])
        columns: dict[str, object] = {
            name: np.repeat(inventory[name].values.astype(str), len(years)) for name in ("name_zh", "name_en", "sector")
        }
        columns |= {name: _flat(values) for name, values in _amounts(self).items()}
        columns |= {name: _share(self.quality, rows, *of) for name, of in SHARES.items()}
        columns |= {name: _flat(values) for name, values in _pollutants(inventory).items()}
        columns["verification"] = _flat(self.verification["status"].transpose("enterprise", "year").values)
        known = self.verification["is_verified"].transpose("enterprise", "year").values
        gap = np.where(known, self.verification["difference"].transpose("enterprise", "year").values, np.nan)
        columns["verified_difference"] = _flat(gap)
        columns["market_method"] = _flat(self.scope2["scope2_market_method"].transpose("enterprise", "year").values)
        frame = pd.DataFrame(columns, index=rows).reset_index()[_flat(_with_rows(inventory))].reset_index(drop=True)
        order = ["enterprise", "name_zh", "name_en", "sector", "year"]
        return frame[[*order, *(name for name in frame.columns if name not in order)]]

    def __repr__(self) -> str:
        years = self.ledger.years
        span = f"{years[0]}-{years[-1]}" if len(years) > 1 else str(years[0])
        lines = [f"<Account {self.ledger.name}: {span}, {len(self.checks)} audit checks passed>"]
        frame = self.summary()
        for row in records(frame.head(SHOWN_ROWS)):
            known = not math.isnan(row["relative_half_width"])
            spread = f" ± {row['relative_half_width']:.1%}" if known else ""
            lines.append(
                f"  {row['enterprise']} {row['year']}: direct {row['direct_co2e']:,.0f} tCO2e{spread}, covered "
                f"{row['covered_co2e']:,.0f}, scope 2 {row['scope2_location_based']:,.0f} (location), "
                f"{row['verification']}"
            )
        rest = len(frame) - SHOWN_ROWS
        return "\n".join([*lines, *([f"  ... and {rest} more: .summary()"] if rest > 0 else [])])

    def _repr_html_(self) -> str:
        head = f"<p><b>{escape(self.ledger.name)}</b>: {len(self.checks)} audit checks passed</p>"
        return head + str(self.summary().to_html(index=False, float_format="{:,.4g}".format, escape=True, na_rep="–"))


def account(
    ledger: Ledger, *, gwp_set: GwpChoice = GWP_SET, market_gwp_set: GwpChoice = GWP_SET,
    uncertainty: Approach | None = "approach_1", draws: int = DRAWS, seed: int | None = None,
    intensity_basis: Basis | None = None, progress: Progress | None = None,
) -> Account:  # fmt: skip
    """The account of a ledger, audited.

    Parameters
    ----------
    ledger : Ledger
        As ``read_ledger`` returns it.
    gwp_set, market_gwp_set : str or mapping of first year to str
        Warming potentials of the inventory, and of the covered emissions.
    uncertainty : str or None
        ``approach_1``, ``monte_carlo``, or None for no propagation. The ledger's statements go before the published
        ones of the factor library, which are about values of the tables and not about measured ones.
    draws, seed : int
        Of the Monte Carlo simulation, which needs a seed.
    intensity_basis : str, optional
        ``direct`` or ``direct_and_electricity``; by default the latter where every precursor from outside states its
        indirect intensity.
    progress : callable, optional
        Called with (what is computed, steps done, steps in all).

    Returns
    -------
    Account

    Raises
    ------
    InputError
        If a factor is missing, or a table of the ledger does not fit the inventory.
    CertificateError
        If a check of the audit fails.

    Examples
    --------
    >>> import carbonsim as cs
    >>> cs.account(cs.read_ledger("works.xlsx"))  # doctest: +SKIP
    """
    # Their solvers are slow to load, and the public name alone needs neither.
    from carbonsim.accounting.intensity import product_intensity
    from carbonsim.accounting.uncertainty import propagate

    _check_approach(uncertainty)
    tell = progress or (lambda *_: None)
    tell(STAGES[0], 0, len(STAGES))
    inventory = build_inventory(ledger, gwp_set=gwp_set, market_gwp_set=market_gwp_set)
    tell(STAGES[1], 1, len(STAGES))
    scope2 = market_based(inventory, ledger.tables["certificates"], ledger.factors)
    scope3 = scope3_by_category(inventory)
    precursors = ledger.tables["precursors"]
    intensity = product_intensity(inventory, precursors, basis=intensity_basis or _widest_basis(precursors))
    tell(STAGES[2], 2, len(STAGES))
    classes = stream_classes(inventory)
    quality = quality_summary(inventory, classes)
    verification = compare_verified(inventory, ledger.tables["verified"])
    tell(STAGES[3], 3, len(STAGES))
    spread, published = None, _defaults(ledger, inventory)
    # With nothing stated and nothing published there is no interval; a zero would be a claim.
    if uncertainty is not None and (len(ledger.tables["uncertainty"]) or len(published)):
        spread = propagate(
            inventory, ledger, approach=uncertainty, defaults=published, draws=draws,
            seed=seed if uncertainty == "monte_carlo" else None, progress=progress,
        )  # fmt: skip
    tell(STAGES[4], 4, len(STAGES))
    certificate = audit_account(Audited(ledger, inventory, scope2, scope3, classes, quality, intensity, spread))
    require_passed(certificate)
    tell(STAGES[4], len(STAGES), len(STAGES))
    return Account(
        ledger, inventory, scope2, scope3, classes, quality, verification, intensity, spread, certificate
    )  # fmt: skip


def _check_approach(uncertainty: str | None) -> None:
    if uncertainty is not None and uncertainty not in APPROACHES:
        hint = did_you_mean(uncertainty, APPROACHES)
        raise InputError(f"uncertainty is '{uncertainty}'. Known: {', '.join(APPROACHES)}, or none. {hint}".strip())


def _widest_basis(precursors: pd.DataFrame) -> Basis:
    """With electricity where every precursor from outside says what its electricity emitted."""
    outside = precursors[precursors["from_facility"] == ""]
    return "direct" if outside["indirect_intensity"].isna().any() else "direct_and_electricity"


def _defaults(ledger: Ledger, inventory: xr.Dataset) -> pd.DataFrame:
    """Published uncertainties of the values that the inventory takes from the factor tables."""
    table = default_uncertainty(ledger.factors)
    used = pd.Index(inventory["shared"].values.astype(str))
    taken = (table["factor"] + "/" + table["term"]).isin(used) | table["factor"].isin(used)
    return table[taken].reset_index(drop=True)


def _amounts(account: Account) -> dict[str, np.ndarray]:
    """Tonnes of each enterprise and year (e, y), and how certain they are."""
    inventory, scope2, scope3 = account.inventory, account.scope2, account.scope3
    dims = ("enterprise", "year")
    direct = inventory["emissions_co2e"].transpose(*dims).values
    covered = pd.DataFrame(inventory["covered_emissions"].transpose("facility", "year").values)
    covered = covered.groupby(inventory["facility_enterprise"].values).sum()
    market = scope2["scope2_market"].transpose(*dims).values
    found = scope2["scope2_market_available"].transpose(*dims).values
    reported = scope3["categories_reported"].transpose(*dims).values > 0
    return {
        "direct_co2e": direct,
        "covered_co2e": covered.reindex(inventory["enterprise"].values, fill_value=0.0).to_numpy(),
        "scope2_location_based": inventory["scope2_location"].transpose(*dims).values,
        "scope2_market_based": np.where(found, market, np.nan),
        "scope3_reported": np.where(reported, scope3["scope3_reported_sum"].transpose(*dims).values, np.nan),
        **_memo(inventory),
        **_spread(account),
    }


def memo_column(gas: str) -> str:
    """Name of the column of tonnes of a gas that is in no total.

    >>> memo_column("HCFC-22")
    'hcfc_22'
    """
    return "biogenic_co2" if gas == BIOGENIC else gas.lower().replace("-", "_")


def _memo(inventory: xr.Dataset) -> dict[str, np.ndarray]:
    """Tonnes of the gases that are in no total (e, y): biogenic carbon dioxide always, the others where they occur."""
    found = {memo_column(BIOGENIC): np.zeros((inventory.sizes["enterprise"], inventory.sizes["year"]))}
    for gas in inventory["gas"].values.tolist():
        tonnes = inventory["emissions"].sel(gas=gas).transpose("enterprise", "year").values
        if gas in MEMO_GASES and (gas == BIOGENIC or (tonnes != 0).any()):
            found[memo_column(gas)] = tonnes
    return found


def _with_rows(inventory: xr.Dataset) -> np.ndarray:
    """Enterprises and years (e, y) that have any row: a year without data is no year without emissions."""
    reported = inventory["stream_reported"].transpose("stream", "year").values
    place = pd.Index(inventory["enterprise"].values).get_indexer(pd.Index(inventory["stream_enterprise"].values))
    found = np.zeros((inventory.sizes["enterprise"], inventory.sizes["year"]), dtype=bool)
    np.logical_or.at(found, place, reported)
    return found


def _spread(account: Account) -> dict[str, np.ndarray]:
    names = ("half_width", "relative_half_width", "unstated_share", "partly_stated_share")
    enterprises = account.inventory["enterprise"].values.astype(str)
    shape = (len(enterprises), account.inventory.sizes["year"])
    if account.uncertainty is None:
        return {name: np.full(shape, np.nan) for name in names}
    data = account.uncertainty.dataset
    places = pd.Index(data["group"].values.astype(str)).get_indexer(pd.Index(enterprises))
    found = {name: data[name].transpose("group", "year").values[places] for name in names}
    found = {name: np.where((places >= 0)[:, None], values, np.nan) for name, values in found.items()}
    # Of what nothing is stated, no interval is known; a zero would be a claim.
    silent = found["unstated_share"] >= 1
    return found | {name: np.where(silent, np.nan, found[name]) for name in ("half_width", "relative_half_width")}


def _pollutants(inventory: xr.Dataset) -> dict[str, np.ndarray]:
    emissions = inventory["pollutant_emissions"].transpose("pollutant", "enterprise", "year").values
    available = inventory["pollutant_available"].transpose("pollutant", "enterprise").values[:, :, None]
    names = inventory["pollutant"].values.astype(str).tolist()
    return dict(zip(names, np.where(available, emissions, np.nan), strict=True))


def _share(quality: pd.DataFrame, rows: pd.MultiIndex, aspect: str, value: str) -> np.ndarray:
    """Share of the direct tonnes with a value of an aspect; NaN where an enterprise has no direct tonnes."""
    flat = quality.reset_index()
    total = flat[flat["aspect"] == aspect].groupby(["enterprise", "year"])["tonnes"].sum().reindex(rows).to_numpy()
    chosen = flat[(flat["aspect"] == aspect) & (flat["value"] == value)]
    part = chosen.set_index(["enterprise", "year"])["tonnes"].reindex(rows, fill_value=0.0).to_numpy()
    return np.asarray(np.divide(part, total, out=np.full(len(rows), np.nan), where=total > 0))


def _flat(values: np.ndarray) -> np.ndarray:
    return np.asarray(values).reshape(-1)
