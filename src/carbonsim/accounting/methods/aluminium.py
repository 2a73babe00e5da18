"""Primary aluminium: carbon anodes, and perfluorocarbons of anode effects by three methods."""

from __future__ import annotations

import dataclasses
from typing import Final

from carbonsim.accounting.core import accounting_methods
from carbonsim.accounting.formula import DIVISOR, TAKEN_OFF, Component, Recipe, Term
from carbonsim.accounting.lookup import CO2_PER_CARBON, Ask, FactorFinder, refuse
from carbonsim.units import conversion_factor

ANODE: Final = ("cets2024_anode_net", "cets2024_anode_s", "cets2024_anode_ash")
ANODE_EFFECT: Final = ("cets2024_cf4", "cets2024_c2f6")
SLOPE: Final = "cets2024_cf4_slope"
PERCENT: Final = 1 / 100  # the coefficient of overvoltage is per mV and per cent of current efficiency


@accounting_methods.register("anode", category="process", scope=1)
def anode(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide of carbon anodes.

    Notes
    -----
    .. math:: E = Q \cdot NC \cdot (1 - S - Ash) \cdot 44/12

    with the liquid aluminium :math:`Q` [t], the net anode consumption :math:`NC` [t/t], and sulphur and ash of the
    anode as shares; each by default or as measured.

    Factor set: cets_aluminium_2024.

    References
    ----------
    source: cets-ag-04-aluminium-2024.
    """
    _default_only(ask, ANODE[0])
    net, sulphur, ash = (
        dataclasses.replace(find.process_term(factor, name, ("consumption", "share")), form=form, unit=unit)
        for factor, name, form, unit in zip(
            ANODE,
            ("anode_consumption", "sulphur", "ash"),
            (1, TAKEN_OFF, TAKEN_OFF),
            ("t/t", "1", "1"),
            strict=True,
        )
    )
    carbon = Component("CO2", (net, sulphur, ash), constant=CO2_PER_CARBON)
    return Recipe("t", (carbon,), ANODE[0], net.source, net.basis)


@accounting_methods.register("pfc", category="process", scope=1)
def pfc(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Perfluorocarbons of anode effects by default.

    Notes
    -----
    .. math:: E_g = Q \cdot EF_g

    with the liquid aluminium :math:`Q` [t] and the default :math:`EF` [kg/t] of CF4 and C2F6.

    Factor set: cets_aluminium_2024.

    References
    ----------
    source: cets-ag-04-aluminium-2024.
    """
    _default_only(ask, ANODE_EFFECT[0])
    found = [find.per_unit(dataclasses.replace(ask, factor=name)) for name in ANODE_EFFECT]
    components = tuple(Component(gas, (dataclasses.replace(term, fixed=True),)) for term, gas, _ in found)
    return Recipe("t", components, "+".join(ANODE_EFFECT), found[0][0].source, found[0][0].basis)


@accounting_methods.register("pfc_slope", category="process", scope=1)
def pfc_slope(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Perfluorocarbons by the measured duration of anode effects.

    Notes
    -----
    .. math:: E_{CF4} = Q \cdot AEM \cdot S / \eta, \qquad E_{C2F6} = E_{CF4} \cdot F

    with the liquid aluminium :math:`Q` [t], anode effect minutes per cell-day :math:`AEM`, the slope :math:`S`
    [(kg/t)/(min/cell-day)], the mass ratio :math:`F`, and the share :math:`\eta` of the gas that passed the duct where
    the slope was measured (``duct_efficiency``, only where the row gives it).

    Factor set: cets_aluminium_2024; a slope of one's own plant or technology by its id or as the term ``slope``.

    References
    ----------
    source: cets-ag-04-aluminium-2024; ipcc-2006-v3 (4.4, equation 4.26).
    """
    name = ask.factor or SLOPE
    slope = find.process_term(name, "slope", ("slope",))
    ratio = find.process_term(f"{name.removesuffix('_slope')}_c2f6_ratio", "c2f6_ratio", ("ratio",))
    return _anode_effects(ask, (Term("anode_effect_minutes", unit="min/cell-day"), slope), ratio, name, _per_kilogram())


@accounting_methods.register("pfc_overvoltage", category="process", scope=1)
def pfc_overvoltage(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Perfluorocarbons by the measured overvoltage of anode effects.

    Notes
    -----
    .. math:: E_{CF4} = Q \cdot OVC \cdot \frac{AEO}{CE} \cdot \frac{1}{\eta}, \qquad E_{C2F6} = E_{CF4} \cdot F

    with the anode effect overvoltage :math:`AEO` [mV], the current efficiency :math:`CE` in per cent (the ledger holds
    it as a share), the coefficient :math:`OVC` [(kg/t)/(mV/%)] and the duct efficiency as for the slope.

    Factor set: by the id of the technology; the Chinese guideline lists no coefficient.

    References
    ----------
    source: ipcc-2006-v3 (4.4, equation 4.27).
    """
    if not ask.factor:
        raise refuse(
            "method 'pfc_overvoltage' needs the coefficient of the technology.",
            "方法 pfc_overvoltage 需要该槽型的过电压系数。",
            "Name its id in the factor tables, or measure and use 'pfc_slope'.",
            "请填写因子库中的代码，或改用斜率法。",
        )
    name = ask.factor
    coefficient = find.process_term(name, "overvoltage_coefficient", ("coefficient",))
    ratio = find.process_term(f"{name.removesuffix('_overvoltage')}_c2f6_ratio", "c2f6_ratio", ("ratio",))
    current = Term("current_efficiency", form=DIVISOR)
    return _anode_effects(
        ask, (Term("overvoltage", unit="mV"), coefficient, current), ratio, name, _per_kilogram() * PERCENT
    )


def _anode_effects(ask: Ask, terms: tuple[Term, ...], ratio: Term, name: str, constant: float) -> Recipe:
    duct = (Term("duct_efficiency", form=DIVISOR),) if "duct_efficiency" in ask.given else ()
    cf4 = Component("CF4", (*terms, *duct), constant=constant)
    c2f6 = Component("C2F6", (*terms, *duct, ratio), constant=constant)
    return Recipe("t", (cf4, c2f6), name, terms[1].source, terms[1].basis)


def _per_kilogram() -> float:
    return conversion_factor("kg", "t")


def _default_only(ask: Ask, default: str) -> None:
    if ask.factor not in ("", default):
        raise refuse(
            f"factor '{ask.factor}' is not known to method '{ask.method}'.",
            f"方法 {ask.method} 不使用因子“{ask.factor}”。",
            f"Leave it empty or write '{default}'.",
            f"请留空或填写 {default}。",
        )
