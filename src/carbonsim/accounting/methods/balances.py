"""Carbon balances: carbon that comes in with materials, and carbon that leaves in products and fuels."""

from __future__ import annotations

from carbonsim.accounting.core import accounting_methods
from carbonsim.accounting.formula import Component, Recipe, Term
from carbonsim.accounting.lookup import CO2_PER_CARBON, Ask, FactorFinder, carbon_dioxide_per_heat


@accounting_methods.register("material_input", category="process", scope=1)
def material_input(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon that a material or fuel brings into a mass balance, as carbon dioxide.

    Notes
    -----
    .. math:: E = M \cdot EF, \qquad E = M \cdot C \cdot 44/12, \qquad E = M \cdot NCV \cdot CC \cdot 44/12

    with the material bought and consumed :math:`M`: by the factor of the table, by the measured ``carbon_fraction``
    [tC/t], or, for a fuel, by heat and carbon content. A balance has no oxidation rate.

    Factor set: the sector's process and fuel tables; a material that the guideline does not list is not accounted for.

    References
    ----------
    source: cets-ag-03-steel-2024 (6.1.1, fourth term; 7.1.1); ndrc-chemicals-guide-2013.
    """
    return _balance(find, ask, 1.0)


@accounting_methods.register("product_output", category="product", scope=1)
def product_output(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon that leaves inside a product or fuel, as negative carbon dioxide.

    Notes
    -----
    .. math:: E = -P \cdot EF, \qquad E = -P \cdot C \cdot 44/12, \qquad E = -P \cdot NCV \cdot CC \cdot 44/12

    with the product that leaves the boundary :math:`P`. Sold slag is not deducted.

    Factor set: the sector's process and fuel tables.

    References
    ----------
    source: cets-ag-03-steel-2024 (6.1.1, last term; 5.2.1 c; second term of 7.1.1); ndrc-chemicals-guide-2013.
    """
    return _balance(find, ask, -1.0)


def _balance(find: FactorFinder, ask: Ask, direction: float) -> Recipe:
    if "carbon_fraction" in ask.given:
        measured = Term("carbon_fraction", unit="tC/t")
        name = f"measured:{ask.factor}" if ask.factor else "measured"
        return Recipe("t", (Component("CO2", (measured,), direction, CO2_PER_CARBON),), name)
    if find.is_fuel(ask.factor):
        fuel = find.fuel(ask.factor, ask.given)
        carbon = Component("CO2", (fuel.net_calorific_value, fuel.carbon_content), direction, carbon_dioxide_per_heat())
        return Recipe(fuel.unit, (carbon,), fuel.factor, fuel.source, fuel.basis, fuel.terms)
    term, gas, unit = find.per_unit(ask, direction)
    return Recipe(unit, (Component(gas, (term,), direction),), ask.factor, term.source, term.basis)
