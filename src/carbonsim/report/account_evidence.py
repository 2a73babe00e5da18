"""What an account rests on: the factors it used with source and confidence, own factors, assumptions, sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from carbonsim.study.account import Account

ASSUMPTION: Final = "assumption"
# Tables whose rows carry a basis and are not source streams; what a row is about stands in its first columns.
STATED: Final = {
    "enterprises": ("enterprise",),
    "facilities": ("facility",),
    "terms": ("facility", "stream", "term"),
    "gaps": ("facility", "stream"),
    "certificates": ("enterprise", "certificate"),
    "precursors": ("facility", "precursor"),
    "uncertainty": ("term", "factor", "facility", "stream"),
    "verified": ("enterprise",),
}
ASSUMED_COLUMNS: Final = ("assumed", "assumed_label", "rows", "tonnes", "source")


def tonnes_by_entry(account: Account) -> np.ndarray:
    """Absolute emissions [tCO2e] that rest on each shared table entry, all years together."""
    inventory = account.inventory
    key = inventory["term_key"].transpose("component", "term", "year").values
    place = inventory["component_place"].values
    co2e = np.abs(inventory["stream_emissions_co2e"].transpose("stream", "year").values)[place]
    result = np.zeros(inventory.sizes["shared"])
    # A stream counts once for an entry that several of its gases use.
    component, term, year = np.nonzero(key >= 0)
    frame = pd.DataFrame({
        "entry": key[component, term, year], "stream": place[component], "year": year,
        "tonnes": co2e[component, year],
    }).drop_duplicates(["entry", "stream", "year"])  # fmt: skip
    np.add.at(result, frame["entry"].to_numpy(), frame["tonnes"].to_numpy())
    return result


def used_entries(account: Account) -> np.ndarray:
    """Places of the shared entries that a stream with a row uses."""
    key = account.inventory["term_key"].values
    return np.asarray(np.unique(key[key >= 0]))


def factor_table(account: Account) -> pd.DataFrame:
    """Factors that were used: value, unit, source, basis, confidence, and the tonnes that rest on each."""
    inventory, sources = account.inventory, account.ledger.sources
    place = used_entries(account)
    source = inventory["shared_source"].values.astype(str)[place]
    frame = pd.DataFrame({
        "entry": inventory["shared"].values.astype(str)[place],
        "factor_value": inventory["shared_value"].values[place],
        "factor_unit": inventory["shared_unit"].values.astype(str)[place],
        "factor_basis": inventory["shared_basis"].values.astype(str)[place],
        "confidence": [sources[key].confidence if key in sources else "" for key in source],
        "source": source,
        "title": [sources[key].title if key in sources else "" for key in source],
        "tonnes": tonnes_by_entry(account)[place],
    })  # fmt: skip
    return frame.sort_values(["tonnes", "entry"], ascending=[False, True], ignore_index=True)


def overlaid_table(account: Account) -> pd.DataFrame:
    """What own factors replaced or added, and whether the account used it."""
    names = ("factor_table", "factor", "factor_column", "packaged", "own", "factor_basis", "source", "file", "is_used")
    used = _used_keys(account)
    rows = [
        (
            one.table, one.key, one.column, one.packaged, one.own, one.basis, one.source, one.file,
            "yes" if one.key in used else "no",
        )
        for one in account.ledger.factors.overlaid
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(names))


def _used_keys(account: Account) -> set[str]:
    """Addresses of table rows that decide a number of the account."""
    inventory = account.inventory
    place = used_entries(account)
    used = {str(name) for key in ("shared", "shared_factor") for name in inventory[key].values[place]}
    emitted = (inventory["stream_emissions"].values != 0).any(axis=(0, 2))
    used |= {str(gas) for gas in inventory["gas"].values[emitted]}
    return used | {part for name in inventory["pollutant_factor"].values.reshape(-1) for part in str(name).split("+")}


def assumption_table(account: Account) -> pd.DataFrame:
    """Everything with the basis ``assumption``: factors, activity by stream, and rows of the other tables."""
    rows = [*_assumed_factors(account), *_assumed_activity(account), *_assumed_rows(account)]
    frame = pd.DataFrame(rows, columns=list(ASSUMED_COLUMNS))
    order = ["factor", "activity", "terms", "gaps"]
    rank = frame["assumed"].map({name: place for place, name in enumerate(order)}).fillna(len(order))
    frame = frame.assign(rank=rank).sort_values(["rank", "tonnes"], ascending=[True, False], kind="stable")
    return frame.drop(columns="rank").reset_index(drop=True)


def _assumed_factors(account: Account) -> Iterator[tuple[str, str, int, float, str]]:
    table = factor_table(account)
    chosen = table[table["factor_basis"] == ASSUMPTION]
    for entry, tonnes, source in zip(chosen["entry"], chosen["tonnes"], chosen["source"], strict=True):
        yield "factor", str(entry), 1, float(tonnes), str(source)


def _assumed_activity(account: Account) -> Iterator[tuple[str, str, int, float, str]]:
    inventory = account.inventory
    reported = inventory["stream_reported"].transpose("stream", "year").values
    chosen = (inventory["activity_basis"].values == ASSUMPTION)[:, None] & reported
    stream, year = np.nonzero(chosen)
    co2e = np.abs(inventory["stream_emissions_co2e"].transpose("stream", "year").values)
    frame = pd.DataFrame({
        "label": np.char.add(np.char.add(inventory["stream_facility"].values.astype(str)[stream], "/"),
                             inventory["stream_name"].values.astype(str)[stream]),
        "source": inventory["activity_source"].values.astype(str)[stream],
        "tonnes": co2e[stream, year],
    })  # fmt: skip
    for (label, source), group in frame.groupby(["label", "source"], sort=True):
        yield "activity", str(label), len(group), float(group["tonnes"].sum()), str(source)


def _assumed_rows(account: Account) -> Iterator[tuple[str, str, int, float, str]]:
    for name, about in STATED.items():
        table = account.ledger.tables[name]
        chosen = table[table["basis"] == ASSUMPTION]
        parts = chosen[list(about)].astype(str).to_numpy(dtype=object)
        labels = ["/".join(part for part in row if part) for row in parts]
        counted = pd.DataFrame({"label": labels, "source": chosen["source"].to_numpy()}, dtype=str)
        for (label, source), group in counted.groupby(["label", "source"], sort=True):
            yield name, str(label), len(group), float("nan"), str(source)


def source_table(account: Account) -> pd.DataFrame:
    """Sources that the account cites, with what is known of each."""
    cited = set(factor_table(account)["source"])
    for table in account.ledger.tables.values():
        if "basis" in table:
            cited |= set(table["source"].astype(str))
    cited |= {str(name) for name in account.verification["bound_source"].values.reshape(-1)}
    known = account.ledger.sources
    rows = [
        (one.key, one.title, one.url, one.read_on, one.confidence, one.note)
        for one in (known[key] for key in sorted(cited) if key in known)
    ]
    return pd.DataFrame(rows, columns=["source", "title", "url", "read_on", "confidence", "note"])
