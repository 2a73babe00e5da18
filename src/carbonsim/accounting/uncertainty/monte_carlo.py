"""Approach 2: Monte Carlo with keyed draws, in blocks, so that neither chunks nor the order of rows change a bit.

Dimensions inside: g group (the total last), y year, x source, i cell, d draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy import sparse

from carbonsim.accounting.formula import DIVISOR, FACTOR, TAKEN_OFF
from carbonsim.accounting.uncertainty.cells import Cells, Floats, Groups, Index
from carbonsim.accounting.uncertainty.distributions import HIGH, LOW, SMALLEST_DRAW
from carbonsim.accounting.uncertainty.sources import Sources, Uses
from carbonsim.errors import InputError

BLOCK: Final = 256  # cells computed at once: small enough for the processor's cache
HELD: Final = 1 << 22  # sums held at once, in numbers: 32 MiB
FEWEST_DRAWS: Final = 100  # fewer say nothing about a 2.5 % quantile
PER_COUNT: Final = 4  # numbers that one step of the generator's counter makes
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Samples:
    """Statistics of the draws; ``low``, ``middle`` and ``high`` are the 2.5 %, 50 % and 97.5 % quantiles.

    Arrays (g, y) [tCO2e]; ``change`` and ``ratio`` hold the same statistics (g, 4: deviation, low, middle, high) of
    the change between the years of the trend [tCO2e] and of that change relative to the base year [1], NaN where
    the base year's emissions are not above zero in every draw.
    """

    mean: Floats
    deviation: Floats
    low: Floats
    middle: Floats
    high: Floats
    change: Floats
    ratio: Floats


class Draws:
    """Relative errors of the sources; draw ``d`` of a source depends on the seed, its label and ``d`` only.

    Each source has its own key of the counter-based generator Philox, so that a draw can be made again anywhere,
    and a source that is added or left out changes no other.
    """

    def __init__(self, sources: Sources, seed: bytes) -> None:
        self.sources = sources
        digests = [hashlib.blake2b(label.encode(), key=seed, digest_size=16).digest() for label in sources.label]
        self._key = np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 2).astype(np.uint64)
        self._bits = np.random.Philox(0)
        self._uniform = np.random.Generator(self._bits)
        self._state = self._bits.state
        kinds = {shape: place for place, shape in enumerate(dict.fromkeys(sources.shape))}
        self._kinds = list(kinds)
        self._kind_of = np.array([kinds[shape] for shape in sources.shape], dtype=np.intp)

    def ordered(self, chosen: Index) -> Index:
        """The chosen sources with those of one distribution side by side."""
        return chosen[np.lexsort((chosen, self._kind_of[chosen]))]

    def fill(self, out: Floats, chosen: Index, start: int) -> None:
        """Errors of ``chosen`` (ordered) from draw ``start`` on, into ``out`` (x, d)."""
        skip = start % PER_COUNT
        counter = np.array([start // PER_COUNT, 0, 0, 0], dtype=np.uint64)
        for row, source in enumerate(chosen.tolist()):
            self._state["state"]["counter"], self._state["state"]["key"] = counter, self._key[source]
            self._state["buffer_pos"] = PER_COUNT
            self._bits.state = self._state
            if skip:
                self._uniform.random(skip)
            self._uniform.random(out=out[row])
        np.maximum(out[: len(chosen)], SMALLEST_DRAW, out=out[: len(chosen)])
        kind = self._kind_of[chosen]
        starts = np.flatnonzero(np.diff(kind, prepend=-1))
        for first, behind in pairwise([*starts.tolist(), len(chosen)]):
            out[first:behind] = self._kinds[kind[first]].quantiles(out[first:behind])


def seed_bytes(seed: int | np.random.Generator | None) -> bytes:
    """The seed as bytes; a generator gives two numbers and moves on by them.

    Raises
    ------
    InputError
        If the seed is missing or negative.
    """
    if isinstance(seed, np.random.Generator):
        return seed.integers(0, 2**64, size=2, dtype=np.uint64).astype("<u8").tobytes()
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(
            f"seed is {seed!r}; approach 'monte_carlo' needs an integer that is not negative, or a numpy Generator."
        )
    return np.random.SeedSequence(int(seed)).generate_state(4).astype("<u4").tobytes()


@dataclass(frozen=True, slots=True)
class _Block:
    """Some consecutive cells, with the places of their errors in a buffer that holds common sources first."""

    coefficient: Floats
    rest: Floats
    slots: tuple[tuple[int, Index, Index, Floats], ...]
    own: Index
    target: Index
    adds: sparse.csr_array


def sample(
    cells: Cells, uses: Uses, groups: Groups, draws: Draws, *, count: int, chunk: int, base: int, last: int,
    progress: Progress | None = None,
) -> Samples:  # fmt: skip
    """Statistics of every group and of their sum over ``count`` draws.

    Parameters
    ----------
    cells, uses, groups
        The inventory as products, their terms, and what is added up.
    draws : Draws
    count, chunk : int
        Number of draws, and how many are computed at once; the chunk changes memory and speed, not a bit.
    base, last : int
        Places of the two years of the trend.
    progress : callable, optional
        Called with a name, the steps done and all steps.

    Returns
    -------
    Samples

    Raises
    ------
    InputError
        If there are fewer than ``FEWEST_DRAWS`` draws or the chunk is not positive.
    """
    if count < FEWEST_DRAWS or chunk < 1:
        raise InputError(
            f"draws is {count} and chunk {chunk}; expected at least {FEWEST_DRAWS} draws and a chunk of at least 1."
        )
    years = groups.point.shape[1]
    rank = np.argsort(groups.label, kind="stable")
    total = np.zeros((years, count))
    parts = []
    together = max(1, HELD // (years * count))
    for start in range(0, len(rank), together):
        batch = rank[start : start + together]
        place = np.full(len(rank), -1, dtype=np.intp)
        place[batch] = np.arange(len(batch))
        sums = _sums(cells, uses, place, draws, years=years, count=count, chunk=chunk)
        for group in sums:
            total += group
        parts.append(_statistics(sums, base, last))
        if progress is not None:
            progress("monte_carlo", min(start + together, len(rank)), len(rank))
    parts.append(_statistics(total[None], base, last))
    back = np.empty(len(rank) + 1, dtype=np.intp)
    back[np.append(rank, len(rank))] = np.arange(len(rank) + 1)
    return Samples(*(np.concatenate(part)[back] for part in zip(*parts, strict=True)))


def _sums(cells: Cells, uses: Uses, place: Index, draws: Draws, *, years: int, count: int, chunk: int) -> Floats:
    """Sums of the groups that have a place in the batch (g, y, d)."""
    result = np.zeros((int(place.max()) + 1, years, count))
    inside = np.flatnonzero(place[cells.group] >= 0)
    if not inside.size:
        return result
    # Cells are sorted by the groups' labels, so that a batch is one slice of them.
    first, behind = int(inside[0]), int(inside[-1]) + 1
    common, blocks = _blocks(cells, uses, draws, first, behind, place, years)
    flat = result.reshape(-1, count)
    most = max(len(block.own) for block in blocks)
    for start in range(0, count, chunk):
        width = min(chunk, count - start)
        errors = np.empty((len(common) + most, width))
        draws.fill(errors, common, start)
        for block in blocks:
            draws.fill(errors[len(common) :], block.own, start)
            flat[block.target, start : start + width] += block.adds @ _products(block, errors)
    return result


def _products(block: _Block, errors: Floats) -> Floats:
    """Emissions of a block's cells (i, d)."""
    product = np.repeat(block.coefficient[:, None], errors.shape[1], axis=1)
    left = np.repeat(block.rest[:, None], errors.shape[1], axis=1) if (block.rest != 1).any() else None
    for form, rows, places, values in block.slots:
        every = len(rows) == len(product)
        if form == TAKEN_OFF:
            left = np.ones_like(product) if left is None else left
            left[rows] -= values[:, None] * errors[places]
        elif form == DIVISOR:
            product[rows] /= errors[places]
        elif every:
            product *= errors[places]
        else:
            product[rows] *= errors[places]
    return product if left is None else np.asarray(product * left)


def _blocks(
    cells: Cells, uses: Uses, draws: Draws, first: int, behind: int, place: Index, years: int
) -> tuple[Index, list[_Block]]:
    """The blocks of a slice of cells; ``common`` are the sources that more than one of them uses."""
    # The grid starts at cell 0 of all: where a batch begins or ends must not move it.
    bounds = [first, *range((first // BLOCK + 1) * BLOCK, behind, BLOCK), behind]
    ends = np.searchsorted(uses.cell, bounds)
    pieces = [np.unique(uses.source[low:high]) for low, high in pairwise(ends.tolist())]
    pieces = [piece[piece >= 0] for piece in pieces]
    known, times = np.unique(np.concatenate(pieces), return_counts=True)
    common = draws.ordered(known[times > 1])
    blocks = []
    for number, piece in enumerate(pieces):
        own = draws.ordered(np.setdiff1d(piece, common, assume_unique=True))
        here = np.concatenate([common, own])
        order = np.argsort(here, kind="stable")
        low, high = bounds[number], bounds[number + 1]
        used = slice(int(ends[number]), int(ends[number + 1]))
        where = np.append(order, 0)[np.searchsorted(here, uses.source[used], sorter=order)]
        group = place[cells.group[low:high]]
        target, row = np.unique(group * years + cells.year[low:high], return_inverse=True)
        size = high - low
        adds = sparse.csr_array(
            sparse.coo_array((np.ones(size), (row.reshape(-1), np.arange(size))), shape=(len(target), size))
        )
        rest, slots = _slots(uses, used, low, size, where)
        blocks.append(_Block(cells.coefficient[low:high], rest, slots, own, target, adds))
    return common, blocks


def _slots(
    uses: Uses, used: slice, low: int, size: int, where: Index
) -> tuple[Floats, tuple[tuple[int, Index, Index, Floats], ...]]:
    """What stays of 1 after the exact shares (i), and the uncertain terms, at most one of a cell in each slot."""
    cell, form, value = uses.cell[used] - low, uses.form[used], uses.value[used]
    uncertain = uses.source[used] >= 0
    rest = np.ones(size)
    exact = (form == TAKEN_OFF) & ~uncertain
    np.subtract.at(rest, cell[exact], value[exact])
    slots = []
    for kind in (FACTOR, DIVISOR, TAKEN_OFF):
        chosen = np.flatnonzero(uncertain & (form == kind))
        starts = np.flatnonzero(np.diff(cell[chosen], prepend=-1))
        turn = np.arange(len(chosen)) - np.repeat(starts, np.diff(np.append(starts, len(chosen))))
        for number in range(int(turn.max(initial=-1)) + 1):
            some = chosen[turn == number]
            slots.append((kind, cell[some], where[some], value[some]))
    return rest, tuple(slots)


def _statistics(sums: Floats, base: int, last: int) -> tuple[Floats, ...]:
    """Mean, deviation and quantiles (g, y), and those of the change and of its ratio (g, 4); sums (g, y, d)."""
    change = sums[:, last] - sums[:, base]
    known = sums[:, base].min(axis=1) > 0
    ratio = np.full_like(change, np.nan)
    np.divide(change, sums[:, base], out=ratio, where=known[:, None])
    mean, deviation = sums.mean(axis=2), sums.std(axis=2, ddof=1)
    quantiles = _quantiles(sums)
    return (mean, deviation, *quantiles, _spread(change), _spread(ratio))


def _spread(values: Floats) -> Floats:
    return np.column_stack([values.std(axis=-1, ddof=1), *_quantiles(values)])


def _quantiles(values: Floats) -> tuple[Floats, Floats, Floats]:
    """The three quantiles along the last axis, which is sorted in place."""
    values.sort(axis=-1)
    found = []
    for level in (LOW, 0.5, HIGH):
        position = level * (values.shape[-1] - 1)
        below = int(position)
        part = position - below
        above = min(below + 1, values.shape[-1] - 1)
        found.append(values[..., below] * (1 - part) + values[..., above] * part)
    return found[0], found[1], found[2]
