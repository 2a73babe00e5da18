"""Electricity and heat, bought and passed on."""

from __future__ import annotations

import dataclasses
from typing import Final

from carbonsim.accounting.core import accounting_methods
from carbonsim.accounting.formula import Component, Recipe, Term
from carbonsim.accounting.lookup import HEAT, Ask, FactorFinder

GRID_BY_YEAR: Final = "outlook.grid_factor"


@accounting_methods.register("electricity_purchased", category="electricity", scope=2)
def electricity_purchased(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide of purchased electricity at the average of the grid (location-based).

    Notes
    -----
    .. math:: E = AD \cdot EF

    with the electricity bought [MWh]. ``factor`` is the id of a grid factor or a region of the grid tables, whose
    latest factor of the year is taken; empty is the national grid in a ledger and the outlook of a study. It is
    outside the national market's obligation since the compliance year 2023.

    Factor set: the grid table, by year.

    References
    ----------
    source: mee-nbs-2025-47 (factors); ndrc-sector-guides-2013-2015 (method).
    """
    return _electricity(find, ask, 1.0)


@accounting_methods.register("electricity_exported", category="electricity", scope=2)
def electricity_exported(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide of electricity passed on to others; negative where the sector's guide counts net purchases.

    Notes
    -----
    .. math:: E = -AD \cdot EF

    A listed sector's exports stay in its own emissions: the row then emits nothing.

    References
    ----------
    source: ndrc-sector-guides-2013-2015.
    """
    return _electricity(find, ask, -1.0) if find.accounting.deducts_exports else Recipe("MWh")


@accounting_methods.register("heat_purchased", category="heat", scope=2)
def heat_purchased(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide of purchased steam and hot water.

    Notes
    -----
    .. math:: E = AD \cdot EF

    with the heat bought [GJ].

    Factor set: the library's default unless ``factor`` names another.

    References
    ----------
    source: ndrc-sector-guides-2013-2015.
    """
    return _heat(find, ask, 1.0)


@accounting_methods.register("heat_exported", category="heat", scope=2)
def heat_exported(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide of heat passed on to others; negative where the sector's guide counts net purchases.

    Notes
    -----
    .. math:: E = -AD \cdot EF

    References
    ----------
    source: ndrc-sector-guides-2013-2015.
    """
    return _heat(find, ask, -1.0) if find.accounting.deducts_exports else Recipe("GJ")


def _electricity(find: FactorFinder, ask: Ask, sign: float) -> Recipe:
    if not ask.factor and not ask.year:
        term = Term("grid_factor", key=GRID_BY_YEAR, unit="tCO2/MWh")
        return Recipe("MWh", (Component("CO2", (term,), sign),), GRID_BY_YEAR, by_year=True)
    term = find.grid(ask.factor, ask.year)
    return Recipe("MWh", (Component("CO2", (term,), sign),), term.key, term.source, term.basis)


def _heat(find: FactorFinder, ask: Ask, sign: float) -> Recipe:
    term, gas, unit = find.per_unit(dataclasses.replace(ask, factor=ask.factor or HEAT))
    return Recipe(unit, (Component(gas, (term,), sign),), term.key.partition("/")[0], term.source, term.basis)
