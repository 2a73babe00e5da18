"""Amounts that emit nothing themselves, emissions stated as such, and scope 3."""

from __future__ import annotations

from carbonsim.accounting.core import accounting_methods
from carbonsim.accounting.formula import Component, Recipe
from carbonsim.accounting.lookup import Ask, FactorFinder, refuse


@accounting_methods.register("output", category="output", scope=0)
def output(find: FactorFinder, ask: Ask) -> Recipe:
    """Main product of a facility, in its output unit; it emits nothing."""
    return _amount(ask, "")


@accounting_methods.register("key_output", category="output", scope=0)
def key_output(find: FactorFinder, ask: Ask) -> Recipe:
    """Product that the sector's rule relates emissions to, where it is not the main one; it emits nothing."""
    return _amount(ask, "")


@accounting_methods.register("heat_supplied", category="output", scope=0)
def heat_supplied(find: FactorFinder, ask: Ask) -> Recipe:
    """Heat supplied by a generating unit [GJ]; it emits nothing."""
    return _amount(ask, "GJ")


@accounting_methods.register("reported_key", category="output", scope=0)
def reported_key(find: FactorFinder, ask: Ask) -> Recipe:
    """Emissions of the key processes as verified elsewhere [tCO2e]; they are part of the total, not more of it."""
    return _amount(ask, "tCO2e")


@accounting_methods.register("reported", category="reported", scope=1)
def reported(find: FactorFinder, ask: Ask) -> Recipe:
    """Direct emissions as verified elsewhere [tCO2e]."""
    _amount(ask, "tCO2e")
    return Recipe("tCO2e", (Component("CO2"),))


@accounting_methods.register("scope3", category="scope3", scope=3)
def scope3(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Emissions along the value chain, by a factor that the enterprise supplies with its source.

    Notes
    -----
    .. math:: E = A \cdot EF

    The row names the category (1 to 15); scope 3 is in no total of scopes 1 and 2 and carries no obligation.

    Factor set: own factors; the package has none.

    References
    ----------
    source: ghg-protocol-scope-3-2011.
    """
    term, gas, unit = find.per_unit(ask)
    return Recipe(unit, (Component(gas, (term,)),), ask.factor, term.source, term.basis)


def _amount(ask: Ask, unit: str) -> Recipe:
    if ask.factor:
        raise refuse(
            f"method '{ask.method}' takes no factor, found '{ask.factor}'.",
            f"方法 {ask.method} 不使用排放因子。",
            "Leave the cell empty.",
            "请留空。",
        )
    return Recipe(unit)
