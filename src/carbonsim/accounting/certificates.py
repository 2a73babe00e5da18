"""Certificates and contracts for electricity: the table as checked, and what of them meets a load.

Dimensions inside: e enterprise, y year, c row of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.streams import Floats, Index, numbers, text
from carbonsim.errors import InputError, Issue, did_you_mean, shorten

CERTIFICATE: Final = "green_certificate"
UNKNOWN: Final = "unknown"
# The order in which instruments are applied to the load: the more precise claim first.
INSTRUMENTS: Final = (CERTIFICATE, "power_purchase_agreement", "supplier_factor")
SAME: Final = 1e-9  # relative: what is applied beyond this is all of it


@dataclass(frozen=True, slots=True)
class Certificates:
    """Rows of the table of certificates (c); ``enterprise`` and ``year`` are places in the inventory."""

    label: Labels
    enterprise: Index
    year: Index
    kind: Labels
    quantity: Floats
    factor: Floats
    has_evidence: Bools
    source: Labels

    def counts_against(self, without: Floats) -> Bools:
        """Rows that count (c): those with evidence, and those that claim no less than the load has without them.

        Parameters
        ----------
        without : array [tCO2/MWh] (e, y)
            Factor of electricity to which no instrument is applied.
        """
        claims_less = (self.factor < without[self.enterprise, self.year]) | (self.factor == 0)
        return np.asarray((self.kind != UNKNOWN) & (self.has_evidence | ~claims_less), dtype=bool)


def read_certificates(table: pd.DataFrame | None, inventory: xr.Dataset) -> Certificates:
    """The rows of the table, or all their problems at once.

    Parameters
    ----------
    table : DataFrame or None
        Columns enterprise, year, certificate, kind, quantity [MWh], factor [tCO2/MWh], evidence, source.
    inventory : Dataset
        Its enterprises and years are those that a row may name.

    Raises
    ------
    InputError
        If a row names an enterprise, year or kind that is not there, a quantity or factor is missing or negative, a
        green certificate has a factor other than 0, or two rows share their key.
    """
    frame = pd.DataFrame({"enterprise": [], "year": []}) if table is None else table
    enterprise, kind, name = text(frame, "enterprise"), text(frame, "kind"), text(frame, "certificate")
    year = frame["year"].to_numpy(dtype=np.int64)
    label = np.array([f"{e}/{n}/{y}" for e, n, y in zip(enterprise, name, year, strict=True)], dtype=str)
    quantity, factor = numbers(frame, "quantity"), numbers(frame, "factor")
    owner = pd.Index(inventory["enterprise"].values).get_indexer(pd.Index(enterprise))
    at = pd.Index(inventory["year"].values).get_indexer(pd.Index(year))
    is_certificate, is_known, is_unknown = kind == CERTIFICATE, np.isin(kind, INSTRUMENTS), kind == UNKNOWN
    strange = ~is_known & ~is_unknown
    years = f"{inventory['year'].values[0]}-{inventory['year'].values[-1]}"
    kinds = (*INSTRUMENTS, UNKNOWN)
    suggestion = did_you_mean(str(kind[strange][0]), kinds) if strange.any() else ""
    problems = [
        *_wrong(
            label, "enterprise", owner < 0, "the table of enterprises does not hold the enterprise",
            "企业表中没有该企业",
        ),
        *_wrong(
            label, "year", at < 0, f"the year is not in the inventory, which runs over {years}",
            f"清单中没有该年份，清单年份为 {years}",
        ),
        *_wrong(
            label, "kind", strange, f"the kind is not one of {', '.join(kinds)}", f"种类应为 {'、'.join(kinds)} 之一",
            suggestion,
        ),
        *_wrong(
            label, "quantity", ~is_unknown & ~((quantity >= 0) & np.isfinite(quantity)),
            "the quantity is no number of MWh that is not negative", "数量应为不小于零的兆瓦时数",
        ),
        *_wrong(
            label, "factor", is_certificate & ~np.isnan(factor) & (factor != 0),
            "a green certificate has the factor 0; a contract with another one is a supplier_factor",
            "绿证的因子为 0；其他因子请用 supplier_factor",
        ),
        *_wrong(
            label, "factor", is_known & ~is_certificate & ~((factor >= 0) & np.isfinite(factor)),
            "give the factor of the contract in tCO2/MWh; a zero is written too",
            "请填写合同的因子（tCO2/MWh），零也须写明",
        ),
        *_wrong(label, "certificate", pd.Series(label).duplicated().to_numpy(), "the row appears twice", "该行重复"),
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    return Certificates(
        label=label,
        enterprise=owner,
        year=at,
        kind=kind,
        quantity=np.nan_to_num(quantity),
        factor=np.nan_to_num(factor),
        has_evidence=np.char.strip(text(frame, "evidence")) != "",
        source=text(frame, "source"),
    )


def _wrong(label: Labels, column: str, wrong: Bools, message: str, chinese: str, hint: str = "") -> Iterator[Issue]:
    """One issue for all rows with the same fault."""
    rows = label[wrong].tolist()
    if rows:
        where = shorten(rows)
        yield Issue("certificate", "certificates", f"{where}: {message}.", f"{where}：{chinese}。", hint, column=column)


def apply_instruments(rows: Certificates, counted: Bools, load: Floats) -> Floats:
    """Part of each instrument that meets the load (c) [MWh], in the order of quality.

    Within a kind the highest factor goes first: what is left over is the cleanest, and the order of the rows does
    not matter.
    """
    rank = np.array([INSTRUMENTS.index(kind) if kind in INSTRUMENTS else len(INSTRUMENTS) for kind in rows.kind])
    offered = np.where(counted, rows.quantity, 0.0)
    order = np.lexsort((rows.label, -rows.factor, rank, rows.year, rows.enterprise))
    group = rows.enterprise[order] * load.shape[1] + rows.year[order]
    running = np.cumsum(offered[order])
    starts = np.flatnonzero(np.diff(group, prepend=-1) != 0)
    before = running - offered[order]
    before -= np.repeat(before[starts], np.diff(starts, append=len(order)))
    room = load[rows.enterprise[order], rows.year[order]] - before
    applied = np.zeros(len(order))
    applied[order] = np.clip(room, 0.0, offered[order])
    return applied


def certificate_status(rows: Certificates, counted: Bools, applied: Floats) -> Labels:
    """What became of each row of the table."""
    chosen = np.select(
        [rows.kind == UNKNOWN, ~counted, rows.quantity - applied <= SAME * rows.quantity, applied > 0],
        [UNKNOWN, "without_evidence", "applied", "partly_applied"],
        default="unused",
    )
    return np.asarray(chosen, dtype=str)
