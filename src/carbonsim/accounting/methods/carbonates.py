"""Carbonates that decompose: by what goes in, by what comes out, and clinker with its deductions."""

from __future__ import annotations

from carbonsim.accounting.core import accounting_methods
from carbonsim.accounting.formula import Component, Recipe, Term
from carbonsim.accounting.lookup import Ask, FactorFinder


@accounting_methods.register("carbonate", category="process", scope=1)
def carbonate(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide of carbonates and electrodes by input.

    Notes
    -----
    .. math:: E = P \cdot w \cdot EF \cdot F

    with the carbonate consumed :math:`P` [t], the mass share of the pure carbonate :math:`w` (``content``, 1 if not
    given) and the share that decomposes :math:`F` (``conversion``, 1 if not given). Carbonates that neutralise acid
    waste count here as well: the carbon dioxide leaves just the same.

    Factor set: the sector's process table; the steel guideline has neither content nor conversion.

    References
    ----------
    source: cets-ag-03-steel-2024 (6.1.1, second and third terms); ipcc-2006-v3 (2.3 and 2.5.1).
    """
    return _decomposed(find, ask, ("content", "conversion"))


@accounting_methods.register("carbonate_output", category="process", scope=1)
def carbonate_output(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide of carbonates by the product: lime, or the oxides of clinker.

    Notes
    -----
    .. math:: E = Q \cdot w \cdot EF

    with the product :math:`Q` [t] and the mass share :math:`w` (``content``) of the oxide that was a carbonate; it
    stays out where the factor is per tonne of product, and must be given where it is per tonne of oxide. Oxides that
    never were carbonates are no part of :math:`w`.

    Factor set: the sector's process table.

    References
    ----------
    source: ipcc-2006-v3 (2.2, 2.3.1); gbt-32151-8-2015.
    """
    return _decomposed(find, ask, ("content",))


@accounting_methods.register("clinker", category="process", scope=1)
def clinker(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide of the raw meal by clinker output, before deductions.

    Notes
    -----
    .. math:: E = Q \cdot EF - \sum_m M_m \cdot D_m

    with the clinker :math:`Q` [t]; the sum over raw materials without carbonate is ``deduction``, a row each.

    Factor set: cets_cement_2024.

    References
    ----------
    source: cets-ag-02-cement-2024.
    """
    return _decomposed(find, ask, ())


@accounting_methods.register("deduction", category="process", scope=1)
def deduction(find: FactorFinder, ask: Ask) -> Recipe:
    r"""What a raw material without carbonate, such as slag, takes off the clinker factor; negative.

    Notes
    -----
    .. math:: E = -M \cdot D

    with the material fed to the kiln :math:`M` [t] and its deduction :math:`D` [tCO2/t].

    Factor set: cets_cement_2024.

    References
    ----------
    source: cets-ag-02-cement-2024.
    """
    return _decomposed(find, ask, (), -1.0)


def _decomposed(find: FactorFinder, ask: Ask, shares: tuple[str, ...], direction: float = 1.0) -> Recipe:
    term, gas, unit = find.per_unit(ask, direction)
    needed = ("content",) if find.is_per_oxide(ask.factor) else ()
    terms = (term, *(Term(name) for name in shares if name in ask.given or name in needed))
    return Recipe(unit, (Component(gas, terms, direction),), ask.factor, term.source, term.basis)
