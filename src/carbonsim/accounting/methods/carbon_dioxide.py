"""Carbon dioxide that is handed on, stored or taken in; each is a row of its own and counts with evidence only."""

from __future__ import annotations

from carbonsim.accounting.core import accounting_methods
from carbonsim.accounting.formula import Component, Recipe
from carbonsim.accounting.lookup import Ask, FactorFinder


@accounting_methods.register("co2_transferred", category="captured", scope=1)
def co2_transferred(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide handed on to another site; negative with evidence of the transfer, otherwise nothing.

    Notes
    -----
    .. math:: E = -T \; [\text{evidence}]

    The Chinese market guidelines read have no such deduction, so it never lowers the covered emissions.

    References
    ----------
    source: eu-2018-2066 (article 49).
    """
    return _taken_away(ask)


@accounting_methods.register("co2_stored", category="captured", scope=1)
def co2_stored(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide stored for good; negative with evidence of the storage, otherwise nothing.

    Notes
    -----
    .. math:: E = -T \; [\text{evidence}]

    References
    ----------
    source: eu-2018-2066 (article 49).
    """
    return _taken_away(ask)


@accounting_methods.register("co2_received", category="captured", scope=1)
def co2_received(find: FactorFinder, ask: Ask) -> Recipe:
    r"""Carbon dioxide taken in from another site and not stored: it counts here.

    Notes
    -----
    .. math:: E = T

    References
    ----------
    source: eu-2018-2066 (article 48).
    """
    return Recipe("t", (Component("CO2"),))


def _taken_away(ask: Ask) -> Recipe:
    return Recipe("t", (Component("CO2", sign=-1.0, constant=1.0 if ask.has_evidence else 0.0),))
