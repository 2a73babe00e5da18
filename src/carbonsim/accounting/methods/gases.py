"""Gases that escape or arise in a process: fugitive methane, leaks, refrigerants, nitrous oxide, wastewater."""

from __future__ import annotations

from typing import Final

from carbonsim.accounting.core import accounting_methods
from carbonsim.accounting.formula import TAKEN_OFF, Component, Recipe, Term
from carbonsim.accounting.lookup import Ask, FactorFinder

METHANE_OF_WASTE: Final = "CH4 non-fossil"
CAPACITY: Final = "ipcc_wastewater_b0"


@accounting_methods.register("fugitive", category="fugitive", scope=1)
def fugitive(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Gas that escapes in proportion to an activity, such as methane of coal mined.

    Notes
    -----
    .. math:: E = A \cdot EF

    with the activity :math:`A` in the unit of the factor.

    Factor set: the factor's own; reporting sectors only.

    References
    ----------
    source: ipcc-2006-v2 (chapter 4).
    """
    term, gas, unit = find.per_unit(ask)
    return Recipe(unit, (Component(gas, (term,)),), ask.factor, term.source, term.basis)


@accounting_methods.register("leak", category="fugitive", scope=1)
def leak(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Gas that was lost, by the amount refilled: all of it is emitted.

    Notes
    -----
    .. math:: E_g = M \cdot w_g

    with the mass lost :math:`M` [t] and the mass share :math:`w_g` of the gas in a blend (1 for a single gas).

    Factor set: the warming potentials and blends of the factor library; ``factor`` is a gas or a blend.

    References
    ----------
    source: ipcc-2006-v3 (chapter 7, mass balance).
    """
    return _gas(find, ask, ())


@accounting_methods.register("refrigerant", category="fugitive", scope=1)
def refrigerant(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Refrigerant that leaks from equipment in operation.

    Notes
    -----
    .. math:: E_g = M \cdot x \cdot w_g

    with the charge of the equipment :math:`M` [t], the share lost in a year :math:`x` (``leak_rate``, from the
    maintenance records) and the mass share :math:`w_g` of the gas.

    Factor set: as for ``leak``; there is no default leak rate.

    References
    ----------
    source: ipcc-2006-v3 (chapter 7, equation 7.13).
    """
    return _gas(find, ask, (Term("leak_rate"),))


def _gas(find: FactorFinder, ask: Ask, terms: tuple[Term, ...]) -> Recipe:
    found = find.gases_of(ask.factor)
    components = tuple(Component(gas, (*terms, *((share,) if share else ()))) for gas, share in found)
    shares = [share for _, share in found if share]
    source, basis = (shares[0].source, shares[0].basis) if shares else ("", "")
    return Recipe("t", components, ask.factor, source, basis)


@accounting_methods.register("process_n2o", category="process", scope=1)
def process_n2o(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Nitrous oxide of a chemical process, such as nitric or adipic acid.

    Notes
    -----
    .. math:: E = Q \cdot EF \cdot (1 - d)

    with the product :math:`Q` [t], the factor of the process and the share :math:`d` that an abatement unit destroys
    over the year (``abated``: destruction times utilisation; nothing if not given).

    Factor set: the factor's own; reporting sectors only.

    References
    ----------
    source: ndrc-chemicals-guide-2013; ipcc-2006-v3 (equations 3.6 and 3.9).
    """
    term, gas, unit = find.per_unit(ask, gas="N2O")
    abated = (Term("abated", form=TAKEN_OFF),) if "abated" in ask.given else ()
    return Recipe(unit, (Component(gas, (term, *abated)),), ask.factor, term.source, term.basis)


@accounting_methods.register("wastewater", category="wastewater", scope=1)
def wastewater(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Methane of industrial wastewater treated without air, before recovery.

    Notes
    -----
    .. math:: E = COD \cdot B_0 \cdot MCF

    with the oxygen demand removed :math:`COD` [t], the methane capacity :math:`B_0` [kg/kg] and the correction
    :math:`MCF` of the treatment; methane that is burnt is a row of its own, ``recovered``.

    Factor set: ``factor`` names the correction of the treatment; the capacity is the library's or measured.

    References
    ----------
    source: ipcc-2006-v5 (equations 6.4 and 6.5).
    """
    capacity = find.process_term(CAPACITY, "methane_capacity", ("capacity",))
    correction = find.process_term(ask.factor, "methane_correction", ("correction",))
    component = Component(METHANE_OF_WASTE, (capacity, correction))
    return Recipe("t", (component,), ask.factor, correction.source, correction.basis)


@accounting_methods.register("recovered", category="wastewater", scope=1)
def recovered(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Methane that is caught and burnt instead of escaping; negative.

    Notes
    -----
    .. math:: E = -R

    with the methane recovered :math:`R` [t].

    References
    ----------
    source: ipcc-2006-v5 (equation 6.4, last term).
    """
    return Recipe("t", (Component(METHANE_OF_WASTE, sign=-1.0),))
