"""The independent audit of a cleared market: it shares no function with the engines.

Everything is recomputed from the problem and the published numbers. A line that fails is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import xarray as xr

from carbonsim.errors import CertificateError, Said, joined
from carbonsim.market.problem import MarketProblem


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a certificate: what was checked, the largest relative residual, what is accepted, and where."""

    name: str
    residual: float
    tolerance: float
    where: str = ""

    @property
    def passed(self) -> bool:
        """Whether the residual is a number within the tolerance."""
        return self.residual <= self.tolerance


@dataclass(frozen=True, slots=True)
class Certificate:
    """The lines of an audit."""

    lines: tuple[Line, ...]

    @property
    def passed(self) -> bool:
        """Whether every line passed."""
        return all(line.passed for line in self.lines)

    def failures(self) -> tuple[Line, ...]:
        """The lines that did not pass."""
        return tuple(line for line in self.lines if not line.passed)

    def __str__(self) -> str:
        """The certificate as a table."""
        width = max((len(line.name) for line in self.lines), default=4)
        rows = [f"{'line':<{width}}  {'residual':>9}  {'accepted':>9}  result"]
        for line in self.lines:
            result = "passed" if line.passed else f"FAILED at {line.where}"
            rows.append(f"{line.name:<{width}}  {line.residual:>9.1e}  {line.tolerance:>9.1e}  {result}")
        return "\n".join(rows)


def audit(problem: MarketProblem, dataset: xr.Dataset) -> Certificate:
    """The certificate of published prices and quantities against a problem.

    Parameters
    ----------
    problem : MarketProblem
    dataset : Dataset
        As published by ``clear``.

    Returns
    -------
    Certificate
        Ledger and money balanced, every quantity optimal at the price, no arbitrage over time, the price inside an
        interval that is as wide as it can be, best responses compared with a dense grid, balance groups at zero.
    """
    return Certificate(tuple(audit_lines(problem, dataset)))


def check_certificate(certificate: Certificate) -> None:
    """Raise CertificateError if a line failed."""
    failed = certificate.failures()
    if failed:
        listed = joined(
            Said(
                f"{line.name} at {line.where}: {line.residual:.2e} > {line.tolerance:.0e}",
                f"{line.name}（{line.where}）：{line.residual:.2e} > {line.tolerance:.0e}",
            )
            for line in failed
        )
        raise CertificateError(
            f"The cleared market fails its audit: {listed}. This is a fault of the library.",
            f"出清结果未通过核验：{listed.zh}。这是程序的错误。",
        )


def audit_lines(problem: MarketProblem, dataset: xr.Dataset) -> Iterator[Line]:
    """The lines of ``audit`` one by one, for whoever needs no more than the first that fails."""
    from carbonsim.market import audit_bank, audit_enterprises, audit_ledger, audit_prices, audit_responses

    yield from audit_ledger.lines(problem, dataset)
    if "enterprise_price" in dataset:
        yield from audit_enterprises.lines(problem, dataset)
    else:
        yield from audit_bank.bank_lines(problem, dataset)
        yield from audit_prices.lines(problem, dataset)
    yield from audit_responses.lines(problem, dataset)
    for instrument in problem.instruments:
        yield from instrument.audit(problem, dataset)
