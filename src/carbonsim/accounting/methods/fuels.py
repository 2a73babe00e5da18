"""Fuels: burnt in a site's equipment."""

from __future__ import annotations

import dataclasses

from carbonsim.accounting.core import accounting_methods
from carbonsim.accounting.formula import TAKEN_OFF, Component, Recipe, Term
from carbonsim.accounting.lookup import Ask, FactorFinder, carbon_dioxide_per_heat

BIOGENIC_CO2 = "CO2 biogenic"


@accounting_methods.register("combustion", category="combustion", scope=1)
def combustion(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Emissions of a fuel that is burnt, and its methane and nitrous oxide where the row names a factor.

    Notes
    -----
    .. math:: E_{CO2} = FC \cdot NCV \cdot CC \cdot OF \cdot 44/12 \cdot (1 - b), \quad
              E_g = FC \cdot NCV \cdot EF_g

    with the fuel consumed :math:`FC` [unit of the fuel], its net calorific value [GJ/unit], carbon content [tC/TJ]
    and oxidation rate. The oxidation rate stays out where the sector's guideline writes a mass balance without one
    (steel). A biogenic share :math:`b` of the carbon counts with evidence only; it is then reported as biogenic carbon
    dioxide, outside the totals. Methane and nitrous oxide come from the row's ``gas_factor``; the Chinese guidelines
    count carbon dioxide alone, so an empty cell means none.

    Factor set: the sector's fuel table.

    References
    ----------
    source: cets-ag-03-steel-2024 (6.1.1), cets-power-guide-2022, legacy-sector-guides; ipcc-2006-v2.
    """
    fuel = find.fuel(ask.factor, ask.given)
    enters = find.accounting.oxidation_enters
    carbon = (fuel.net_calorific_value, fuel.carbon_content, *((fuel.oxidation,) if enters else ()))
    per_heat = carbon_dioxide_per_heat()
    components = []
    if "biogenic_fraction" in ask.given and ask.has_evidence:
        share = Term("biogenic_fraction")
        fossil = dataclasses.replace(share, form=TAKEN_OFF)
        components.append(Component("CO2", (*carbon, fossil), constant=per_heat))
        components.append(Component(BIOGENIC_CO2, (*carbon, share), constant=per_heat))
    else:
        components.append(Component("CO2", carbon, constant=per_heat))
    if ask.gas_factor:
        components += [Component(gas, (fuel.net_calorific_value, term)) for gas, term in find.gas_terms(ask.gas_factor)]
    return Recipe(fuel.unit, tuple(components), fuel.factor, fuel.source, fuel.basis, fuel.terms)
