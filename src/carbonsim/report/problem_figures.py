"""Which pictures a cleared problem has: one function a kind, found by the kind of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from carbonsim.market import Market, MarketProblem
from carbonsim.market.problem_file import ProblemFile
from carbonsim.report import figures
from carbonsim.report.auction_figure import auction_figure
from carbonsim.report.desk_figure import desk_figure
from carbonsim.report.label import Lang
from carbonsim.report.linked_figure import linked_figure
from carbonsim.report.market_figures import market_pictures
from carbonsim.report.output_figure import output_figure
from carbonsim.report.tree_figure import tree_figure

# Only figures.py may import matplotlib, even for its types.
Figure: TypeAlias = Any


class Draw(Protocol):
    """How a picture is drawn of a problem and its answer."""

    def __call__(self, problem: Any, cleared: Any, /, *, lang: Lang, currency: str, note: str) -> Any:
        """The picture, or pictures by name."""


def _market(
    problem: MarketProblem, cleared: Market, /, *, lang: Lang, currency: str, note: str
) -> Mapping[str, Figure]:
    """Of a market under a scenario tree the tree, of any other its path, curve and enterprises."""
    if "node" in cleared.dataset.dims:
        return {"tree": tree_figure(problem, cleared, lang=lang, currency=currency, note=note)}
    return market_pictures(problem, cleared, lang=lang, currency=currency, note=note)


def _one(name: str, draw: Draw) -> Draw:
    """The pictures of a kind that has a single one."""

    def pictures(problem: Any, cleared: Any, /, *, lang: Lang, currency: str, note: str) -> Mapping[str, Figure]:
        return {name: draw(problem, cleared, lang=lang, currency=currency, note=note)}

    return pictures


PICTURES: Final[Mapping[str, Draw]] = {
    "market": _market,
    "auction": _one("auction", auction_figure),
    "desk": _one("desk", desk_figure),
    "linked": _one("linked", linked_figure),
    "output": _one("output", output_figure),
}


def pictures_of(file: ProblemFile, cleared: Any, *, lang: Lang, note: str = "") -> Mapping[str, Figure]:
    """The pictures of a cleared problem by name; none of a kind that declares none.

    Parameters
    ----------
    file : ProblemFile
    cleared : Cleared
        What clearing the file gave.
    lang : {"zh", "en"}
    note : str
        What the foot says after the source.
    """
    draw = PICTURES.get(file.kind)
    return {} if draw is None else draw(file.problem, cleared, lang=lang, currency=file.currency, note=note)


def save_figures(file: ProblemFile, cleared: Any, folder: Path, *, lang: Lang, note: str) -> list[str]:
    """Write the pictures as SVG and PNG into a folder, which is made if there are any, and return their names."""
    drawn = pictures_of(file, cleared, lang=lang, note=note)
    if drawn:
        folder.mkdir()
    for name, figure in drawn.items():
        figures.store(figure, name, folder)
    return list(drawn)
