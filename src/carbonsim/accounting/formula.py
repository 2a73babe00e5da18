"""The one form that every accounting method has: a product of terms for each gas, kept term by term.

Dimensions inside: c component (one gas of one source stream), k term, y year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NAN: Final = float("nan")
# How a term enters: not at all, as a factor, as a divisor, or as a share that is taken off.
UNUSED, FACTOR, DIVISOR, TAKEN_OFF = 0, 1, -1, 2


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a component: its name, how it enters, and the default of the factor tables.

    ``default`` is NaN where the enterprise must give the value; ``key`` names the table entry that every stream with
    this default shares, and is ``""`` for a value that no table holds. A ``fixed`` term takes no value of the row's
    own: one value would stand for several gases, or for a grid that no enterprise measures.
    """

    name: str
    default: float = NAN
    key: str = ""
    form: int = FACTOR
    unit: str = "1"
    source: str = ""
    basis: str = ""
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Component:
    r"""Emissions of one gas by a source stream.

    .. math:: E = s \cdot k \cdot Q \cdot \prod_f v_f \cdot \prod_d v_d^{-1} \cdot \Bigl(1 - \sum_t v_t\Bigr)

    with the sign :math:`s`, a constant :math:`k` such as 44/12, the activity :math:`Q`, and the values of the terms
    that multiply (:math:`f`), divide (:math:`d`) or are taken off (:math:`t`).
    """

    gas: str
    terms: tuple[Term, ...] = ()
    sign: float = 1.0
    constant: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a method makes of one combination of sector, factor and measured terms.

    ``unit`` is that of the activity, ``""`` where it keeps the output unit of the facility. ``factor``, ``source``
    and ``basis`` name the entry of the tables in results. ``fuel`` holds the terms that a fuel row reports whether or
    not they enter (calorific value, carbon content, oxidation). ``by_year`` marks electricity at the outlook's factor.
    """

    unit: str
    components: tuple[Component, ...] = ()
    factor: str = ""
    source: str = ""
    basis: str = ""
    fuel: tuple[Term, Term, Term] | None = None
    by_year: bool = False


def product_of_terms(form: NDArray[np.int8], value: Floats) -> Floats:
    """The product of a component's terms (c, ...) from their forms (c, k) and values (c, k, ...).

    >>> product_of_terms(np.array([[1, -1, 2, 2]], dtype=np.int8), np.array([[6.0, 2.0, 0.1, 0.2]])).round(12).tolist()
    [2.1]
    """
    result = np.ones((value.shape[0], *value.shape[2:]))
    taken_off = np.zeros_like(result)
    for term in range(form.shape[1]):
        column = form[:, term]
        if not column.any():
            continue
        # A slice where the term enters; most terms enter few components.
        for kind in (FACTOR, DIVISOR, TAKEN_OFF):
            chosen = np.flatnonzero(column == kind)
            if chosen.size and kind == FACTOR:
                result[chosen] *= value[chosen, term]
            elif chosen.size and kind == DIVISOR:
                result[chosen] /= value[chosen, term]
            elif chosen.size:
                taken_off[chosen] += value[chosen, term]
    return np.asarray(result * (1 - taken_off))


def component_emissions(inventory: xr.Dataset) -> Floats:
    """Emissions of each component [t of its gas] (component, year), from the terms that an inventory holds.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it.
    """
    per_unit = product_of_terms(inventory["term_form"].values, inventory["term_value"].values)
    scale = inventory["component_sign"].values * inventory["component_constant"].values
    return np.asarray(inventory["activity"].values[inventory["component_place"].values] * per_unit * scale[:, None])
