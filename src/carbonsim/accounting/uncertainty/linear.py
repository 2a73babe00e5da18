"""Approach 1: exact first-order propagation of independent sources to every group, year and trend.

Dimensions inside: g group (the total last), y year, x source, u use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.accounting.formula import DIVISOR, TAKEN_OFF
from carbonsim.accounting.uncertainty.cells import Cells, Floats, Groups
from carbonsim.accounting.uncertainty.sources import Sources, Uses


@dataclass(frozen=True, slots=True)
class Linear:
    """First-order effects in standard deviations [tCO2e].

    ``effect`` (g * years + y, x) is what one standard deviation of a source does to a group in a year; ``change``
    (g, x) what it does to the change from the base year to the last, ``ratio`` (g, x) [1] to that change relative to
    the base year.
    """

    effect: sparse.csr_array
    change: sparse.csr_array
    ratio: sparse.csr_array

    def level(self, years: int) -> Floats:
        """Standard deviation of each group and year (g, y)."""
        return norm(self.effect).reshape(-1, years)


def norm(rows: sparse.csr_array) -> Floats:
    """Root of the sum of squares of each row."""
    return np.asarray(np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).reshape(-1)), dtype=float)


def propagate_linear(cells: Cells, uses: Uses, sources: Sources, groups: Groups, *, base: int, last: int) -> Linear:
    r"""First-order effects of every source on every group, the sum of all groups as the last one.

    Parameters
    ----------
    cells, uses, sources, groups
        The inventory as products, their terms, the sources and what is added up.
    base, last : int
        Places of the two years of the trend.

    Returns
    -------
    Linear

    Notes
    -----
    With a relative error :math:`x` of mean 1 the product of a cell is :math:`E`, and

    .. math:: \frac{\partial E}{\partial x} = E \text{ (factor)}, \quad -E \text{ (divisor)}, \quad
       -\frac{E}{1 - \sum_t v_t}\, v \text{ (share taken off)}

    The effects of a source on the cells of a group add up before they are squared, so that a source that many cells
    share does not average out, and independent sources do:

    .. math:: \sigma_{g,y}^2 = \sum_x \Bigl(\sigma_x \sum_{i \in g,y} \frac{\partial E_i}{\partial x}\Bigr)^2

    For one source a term this is the root of the sum of squares of the guidelines (equations 3.1 and 3.2); a standard
    deviation is that of the stated distribution, and the interval is 1.96 of them. The trend is
    :math:`T_{last}/T_{base} - 1`: a source that holds in both years moves it by
    :math:`(dT_{last} - T_{last}/T_{base}\, dT_{base})/T_{base}`, which is the Type A sensitivity of a factor that is
    fully correlated between years; a source confined to one year moves one of the two, which is the Type B
    sensitivity in each. The guidelines take the same Type B sensitivity in both years (the factor root 2 of Table
    3.2); here each year has its own. Warming potentials are taken as exact.

    References
    ----------
    source: ipcc-2006-v1, section 3.2.3.1 and Table 3.2.
    """
    count, years = len(groups.label), groups.point.shape[1]
    active = uses.source >= 0
    cell, source = uses.cell[active], uses.source[active]
    form, value = uses.form[active], uses.value[active]
    slope = np.select(
        [form == TAKEN_OFF, form == DIVISOR],
        [-cells.coefficient[cell] * value, -cells.emissions[cell]],
        cells.emissions[cell],
    )
    slope = slope * sources.standard_deviation()[source]
    row = cells.group[cell] * years + cells.year[cell]
    total = count * years + cells.year[cell]
    shape = ((count + 1) * years, len(sources))
    entries = (np.concatenate([slope, slope]), (np.concatenate([row, total]), np.concatenate([source, source])))
    effect = sparse.csr_array(sparse.coo_array(entries, shape=shape))
    rows = np.arange(count + 1) * years
    first, second = effect[rows + base], effect[rows + last]
    level = np.vstack([groups.point, groups.total[None, :]])
    inverse = np.divide(1.0, level[:, base], out=np.zeros(count + 1), where=level[:, base] != 0)
    ratio = sparse.csr_array(_scaled(second, inverse) - _scaled(first, level[:, last] * inverse**2))
    return Linear(effect, sparse.csr_array(second - first), ratio)


def _scaled(rows: sparse.csr_array, by: NDArray[np.float64]) -> sparse.csr_array:
    return sparse.csr_array(rows.multiply(by[:, None]))


def contributions(rows: sparse.csr_array) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Row, source and share of the row's first-order variance, largest share first; a row's shares add up to 1."""
    squares = sparse.coo_array(rows.multiply(rows))
    squares.eliminate_zeros()
    row, source = (np.asarray(place, dtype=np.intp) for place in squares.coords)
    total = np.zeros(rows.shape[0])
    np.add.at(total, row, squares.data)
    share = squares.data / total[row]
    order = np.lexsort((source, -share, row))
    return row[order], source[order], np.asarray(share[order])


def sensitivities(base: Floats, last: Floats) -> tuple[Floats, Floats]:
    r"""Type A and Type B sensitivity of each stream: points of the total's trend for one per cent of the stream.

    Parameters
    ----------
    base, last : array [tCO2e] (stream,)
        Emissions in the two years of the trend; the base year's total is not zero.

    Returns
    -------
    array [percentage points per per cent] (stream,)
        Type A: one per cent more in both years. Type B: one per cent more in the last year only.

    Notes
    -----
    .. math:: A = 100 \Bigl(\frac{T_{last} + 0.01\,L}{T_{base} + 0.01\,B} - \frac{T_{last}}{T_{base}}\Bigr), \quad
       B = \frac{L}{T_{base}}

    References
    ----------
    source: ipcc-2006-v1, Table 3.2, columns I and J.

    Examples
    --------
    >>> a, b = sensitivities(np.array([60.0, 40.0]), np.array([30.0, 60.0]))
    >>> b.tolist()
    [0.3, 0.6]
    """
    total_base, total_last = base.sum(), last.sum()
    both = (total_last + 0.01 * last) / (total_base + 0.01 * base) - total_last / total_base
    return np.asarray(100 * both), np.asarray(last / total_base)
