"""Rows that keep offsets and unmet obligations of all enterprises within what there is to surrender in a year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carbonsim.market.enterprise_instrument import EnterpriseInstrument

if TYPE_CHECKING:
    from carbonsim.market.enterprise_programme import Cell, EnterpriseFrame

ROW = "obligations.limit"


class WithinObligations(EnterpriseInstrument):
    r"""Chooses among answers of one cost; never declared by a user.

    .. math::
        :label: within-obligations-enterprise

        \sum_e \Big( \sum_k u_{eky} + \sum_{o \in e} s_{ey} x_{oy} \Big) \le \sum_e s_{ey} E_{ey}
    """

    __slots__ = ()

    @property
    def label(self) -> str:
        """Name under which the rows appear."""
        return "obligations"

    def add_to_enterprise(self, cell: Cell) -> None:
        """Hand over what the enterprise uses in place of allowances, and what it cuts."""
        for step in cell.frame.data.own_steps:
            for year, used in cell.block.component(f"{step.name}_used").items():
                cell.frame.link(ROW, year, used)
        for year, cuts in cell.cuts.items():
            for slot, column in cuts:
                weight = cell.option_number("covered", slot, cell.frame.years.index(year))
                cell.frame.link(ROW, year, weight * column)

    def add_links(self, frame: EnterpriseFrame) -> None:
        """The rows, one for each year."""
        limit = dict(zip(frame.years, map(float, np.sum(frame.data.obligation, axis=0)), strict=True))
        frame.add_link_rows(ROW, limit)
