"""Repeats a compiled block for every member of a cohort, each with its own numbers, without declaring it again.

One block is declared for each cohort of members of the same structure, with a *tag* in place of each number of its
own. The model is compiled twice under two sets of tags: what stays the same is a constant of the structure, what
follows the tag is that number, and anything else was computed from numbers inside the declaration and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from carbonsim.errors import SolverError
from carbonsim.solving.compile import Array, CompiledProgramme

Index = NDArray[np.intp]

# Two probes with different bases and steps: no sum or difference of tags is a tag or a constant in both.
PROBES = ((float(2**20), 1.0), (float(2**22), 3.0))
MOST_TAGS = 2**19
SHARED = -1  # owner of the rows and columns that are not repeated
CONSTANT = -1
BOUNDS = ("cost", "row_lower", "row_upper", "column_lower", "column_upper")


@dataclass(slots=True)
class Tags:
    """Tags handed out while the blocks are declared: one for each distinct number of a cohort's members."""

    base: float
    step: float
    order: dict[tuple[int, Hashable], int] = field(default_factory=dict)

    def tag(self, cohort: int, key: Hashable) -> float:
        """The tag of a number, the same one each time its key is asked for."""
        position = self.order.setdefault((cohort, key), len(self.order))
        if position >= MOST_TAGS:
            raise SolverError(f"The blocks of the programme have more than {MOST_TAGS} numbers of their own.")
        return self.base + self.step * position

    def keys_of(self, cohort: int) -> list[Hashable]:
        """The keys of one cohort in the order of their tags."""
        return [key for owner, key in self.order if owner == cohort]


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A compiled model of one block a cohort, with the place of each own number.

    ``row_owner`` and ``column_owner`` hold the cohort, -1 for what is shared. For each array, ``tags`` holds the
    position of the number that stands at each place (-1 for a constant), ``signs`` whether it stands there negated.
    ``local`` is the position of each tag among those of its cohort.
    """

    form: CompiledProgramme
    row_owner: Index
    column_owner: Index
    tags: dict[str, Index]
    signs: dict[str, Array]
    local: Index

    def array(self, name: str) -> Array:
        """An array of the compiled model by name; ``matrix`` and ``hessian`` give their entries."""
        if name == "offset":
            return np.array([self.form.offset])
        found = getattr(self.form, name)
        return np.asarray(found.data if name in ("matrix", "hessian") else found, dtype=float)


def make_template(declare: Callable[[Tags], CompiledProgramme], owner: Callable[[str], int]) -> tuple[Template, Tags]:
    """The template of a model's blocks and the tags in it.

    Parameters
    ----------
    declare : callable
        Declares and compiles one block for each cohort, with tags for the numbers of its members.
    owner : callable
        Cohort to which the row or column of a name belongs; -1 if it is shared.

    Raises
    ------
    SolverError
        If a coefficient is neither a constant nor plus or minus one number, or if a row of a member holds a column
        that is shared or belongs to another cohort.
    """
    probes = [Tags(base, step) for base, step in PROBES]
    first, second = (declare(tags) for tags in probes)
    if probes[0].order != probes[1].order or tuple(first.columns) != tuple(second.columns):
        raise SolverError("A block of the programme has another structure each time it is declared.")
    local = np.zeros(len(probes[0].order), dtype=np.intp)
    seen: dict[int, int] = {}
    for (cohort, _), position in probes[0].order.items():
        local[position] = seen.get(cohort, 0)
        seen[cohort] = int(local[position]) + 1
    row_owner = np.array([owner(name) for name in first.rows], dtype=np.intp)
    column_owner = np.array([owner(name) for name in first.columns], dtype=np.intp)
    blank = Template(first, row_owner, column_owner, {}, {}, local)
    other = Template(second, row_owner, column_owner, {}, {}, local)
    names = ["matrix", "offset", *BOUNDS, *(["hessian"] if first.hessian is not None else [])]
    for name in names:
        blank.tags[name], blank.signs[name] = _decode(blank.array(name), other.array(name), len(local))
    _check_owners(blank)
    return blank, probes[0]


def _check_owners(template: Template) -> None:
    entries = sparse.coo_array(template.form.matrix)
    rows, columns = template.row_owner[entries.row], template.column_owner[entries.col]
    wrong = np.flatnonzero((rows != SHARED) & (rows != columns))
    if wrong.size:
        name = template.form.rows[entries.row[wrong[0]]]
        raise SolverError(
            f"Row {name} of one member holds a column that is not its own; a block cannot be repeated so."
        )


def _decode(one: Array, two: Array, count: int) -> tuple[Index, Array]:
    """Which number stands at each place, and with which sign."""
    if one.shape != two.shape:
        raise SolverError("A block of the programme has another pattern under other numbers.")
    (base, step), (other_base, other_step) = PROBES
    with np.errstate(invalid="ignore"):
        whole = np.clip(np.round((np.abs(np.where(np.isfinite(one), one, 0.0)) - base) / step), 0, max(count - 1, 0))
    constant = one == two
    tagged = (np.abs(one) == base + step * whole) & (np.abs(two) == other_base + other_step * whole)
    tagged &= np.sign(one) == np.sign(two)
    if not np.all(constant | tagged):
        raise SolverError(
            "A block of the programme computes with a number of its own; hand the result over as one number."
        )
    return np.where(constant, CONSTANT, whole).astype(np.intp), np.sign(one)


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Members of one cohort: their numbers (tag, member) and how a name of its block becomes a member's."""

    numbers: Array
    members: int
    rename: Callable[[str, int], str]


class TiledNames(Sequence[str]):
    """Names of the rows or columns of a tiled programme, made when they are asked for."""

    def __init__(self, shared: Sequence[str], parts: Sequence[tuple[Cohort, Sequence[str]]]) -> None:
        self._shared, self._parts = tuple(shared), tuple(parts)
        sizes = [len(self._shared), *(cohort.members * len(names) for cohort, names in self._parts)]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])

    def __len__(self) -> int:
        """Number of rows or columns."""
        return int(self._starts[-1])

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        """The name at a place."""
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        at = place % len(self)
        part = int(np.searchsorted(self._starts, at, side="right")) - 1
        if part == 0:
            return self._shared[at]
        cohort, names = self._parts[part - 1]
        member, local = divmod(at - int(self._starts[part]), len(names))
        return cohort.rename(names[local], member)


@dataclass(frozen=True, eq=False)
class TiledProgramme:
    """The programme of all members of all cohorts, and where the rows and columns of each stand in it."""

    programme: CompiledProgramme
    template: Template
    cohorts: tuple[Cohort, ...]
    row_start: Index
    column_start: Index

    @cached_property
    def _row(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.template.form.rows)}

    @cached_property
    def _column(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.template.form.columns)}

    def rows(self, name: str) -> Index:
        """Places of a template's row in the programme: one for each member, or one if it is shared; (member,)."""
        return self._places(self._row[name], self.template.row_owner, self.row_start)

    def columns(self, name: str) -> Index:
        """Places of a template's column in the programme: one for each member, or one if it is shared; (member,)."""
        return self._places(self._column[name], self.template.column_owner, self.column_start)

    def _places(self, position: int, owners: Index, starts: Index) -> Index:
        cohort = int(owners[position])
        local = int(np.sum(owners[:position] == cohort))
        if cohort == SHARED:
            return np.array([local], dtype=np.intp)
        size = int(np.sum(owners == cohort))
        return np.asarray(starts[cohort] + local + size * np.arange(self.cohorts[cohort].members), dtype=np.intp)


def tile(template: Template, cohorts: Sequence[Cohort]) -> TiledProgramme:
    """The programme of all members of all cohorts: shared rows and columns first, then member by member.

    Parameters
    ----------
    template : Template
    cohorts : sequence of Cohort
        In the order of the template's owners; no block of the template is declared again.
    """
    row_start, column_start = (_starts(owners, cohorts) for owners in (template.row_owner, template.column_owner))
    pieces = [_entries(template, cohorts, owner, row_start) for owner in range(SHARED, len(cohorts))]
    lengths = np.concatenate([piece[0] for piece in pieces])
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate([piece[1] for piece in pieces])
    values = np.concatenate([piece[2] for piece in pieces])
    whole = template.form.integer
    programme = CompiledProgramme(
        **{name: _stack(template, cohorts, name) for name in BOUNDS},
        offset=float(_stack(template, cohorts, "offset").sum()),
        matrix=sparse.csc_array((values, indices, indptr), shape=(int(row_start[-1]), len(lengths))),
        hessian=_hessian(template, cohorts, column_start),
        rows=_names(template.form.rows, template.row_owner, cohorts),
        columns=_names(template.form.columns, template.column_owner, cohorts),
        integer=None if whole is None else _repeat(whole, template.column_owner, cohorts),
    )
    return TiledProgramme(programme, template, tuple(cohorts), row_start, column_start)


def _starts(owners: Index, cohorts: Sequence[Cohort]) -> Index:
    """First place of each cohort, and at the end the number of all places."""
    sizes = [int(np.sum(owners == owner)) * cohort.members for owner, cohort in enumerate(cohorts)]
    return np.asarray(np.cumsum([np.sum(owners == SHARED), *sizes]), dtype=np.intp)


def _values(template: Template, cohort: Cohort, name: str, places: Index) -> Array:
    """An array of the template at some places for every member, (member, place)."""
    tag, sign = template.tags[name][places], template.signs[name][places]
    # Filled place by place, so that reads and writes run along the members.
    found = np.empty((len(places), cohort.members))
    tagged = tag != CONSTANT
    found[~tagged] = template.array(name)[places][~tagged, None]
    found[tagged] = sign[tagged, None] * cohort.numbers[template.local[tag[tagged]]]
    return np.ascontiguousarray(found.T)


def _stack(template: Template, cohorts: Sequence[Cohort], name: str) -> Array:
    """An array over rows or columns: the shared ones, then those of each member."""
    if name == "offset":
        if template.tags[name][0] != CONSTANT:
            raise SolverError("A constant cost of single members cannot be tiled; give it a column of its own.")
        return template.array(name)
    owners = template.row_owner if name.startswith("row") else template.column_owner
    common = np.flatnonzero(owners == SHARED)
    if np.any(template.tags[name][common] != CONSTANT):
        raise SolverError(f"A shared row or column depends on a number of one member ({name}).")
    own = [
        _values(template, cohort, name, np.flatnonzero(owners == owner)).reshape(-1)
        for owner, cohort in enumerate(cohorts)
    ]
    return np.concatenate([template.array(name)[common], *own])


def _repeat(flags: NDArray[np.bool_], owners: Index, cohorts: Sequence[Cohort]) -> NDArray[np.bool_]:
    parts = [np.tile(flags[owners == owner], cohort.members) for owner, cohort in enumerate(cohorts)]
    return np.concatenate([flags[owners == SHARED], *parts])


def _entries(
    template: Template, cohorts: Sequence[Cohort], owner: int, row_start: Index
) -> tuple[Index, NDArray[np.int32], Array]:
    """Entries of the columns of one owner, column by column: how many, in which rows, and their values."""
    form = template.form.matrix
    columns = np.flatnonzero(template.column_owner == owner)
    counts = np.diff(form.indptr)[columns]
    first = np.repeat(form.indptr[columns] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    places = np.asarray(first + np.arange(int(counts.sum())), dtype=np.intp)
    cohort = Cohort(np.zeros((0, 1)), 1, lambda name, _: name) if owner == SHARED else cohorts[owner]
    here = form.indices[places]
    mine = template.row_owner[here] == owner
    rank = _rank(template.row_owner)
    base = rank[here] + np.where(mine & (owner != SHARED), row_start[owner] if owner != SHARED else 0, 0)
    step = np.where(mine, int(np.sum(template.row_owner == owner)), 0)
    # HiGHS counts rows in 32 bits.
    rows = base.astype(np.int32) + step.astype(np.int32) * np.arange(cohort.members, dtype=np.int32)[:, None]
    return np.tile(counts, cohort.members), rows.reshape(-1), _values(template, cohort, "matrix", places).reshape(-1)


def _rank(owners: Index) -> Index:
    """Position of each row or column among those of its owner."""
    rank = np.zeros(len(owners), dtype=np.intp)
    for owner in np.unique(owners):
        rank[owners == owner] = np.arange(int(np.sum(owners == owner)))
    return rank


def _names(names: Sequence[str], owners: Index, cohorts: Sequence[Cohort]) -> TiledNames:
    def of(owner: int) -> tuple[str, ...]:
        return tuple(name for name, one in zip(names, owners, strict=True) if one == owner)

    return TiledNames(of(SHARED), [(cohort, of(owner)) for owner, cohort in enumerate(cohorts)])


def _hessian(template: Template, cohorts: Sequence[Cohort], column_start: Index) -> sparse.csc_array | None:
    """Quadratic costs of each member's columns and of the shared ones."""
    if template.form.hessian is None:
        return None
    entry = sparse.coo_array(template.form.hessian)
    owners, rank = template.column_owner, _rank(template.column_owner)
    if np.any(owners[entry.row] != owners[entry.col]):
        raise SolverError("A quadratic cost joins columns of different members; it cannot be tiled.")
    rows, columns, values = [], [], []
    for owner in range(SHARED, len(cohorts)):
        places = np.flatnonzero(owners[entry.row] == owner)
        cohort = Cohort(np.zeros((0, 1)), 1, lambda name, _: name) if owner == SHARED else cohorts[owner]
        start = 0 if owner == SHARED else int(column_start[owner])
        shift = start + int(np.sum(owners == owner)) * np.arange(cohort.members)[:, None]
        rows.append((shift + rank[entry.row[places]]).reshape(-1))
        columns.append((shift + rank[entry.col[places]]).reshape(-1))
        values.append(_values(template, cohort, "hessian", places).reshape(-1))
    size = int(column_start[-1])
    return sparse.csc_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(size, size)
    )
