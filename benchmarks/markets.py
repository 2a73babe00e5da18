"""Made-up markets of any size: eight step options an enterprise over ten years, coverage that widens, a falling cap."""

from __future__ import annotations

from typing import Final

import numpy as np

from carbonsim.market import MarketProblem, Options
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.offsets import Offsets
from carbonsim.market.instruments.price_ceiling import PriceCeiling
from carbonsim.market.supply import as_array

OPTIONS_AN_ENTERPRISE: Final = 8
YEARS: Final = tuple(range(2025, 2035))
SEED: Final = 20250101


def made_up_market(enterprises: int, *, linear: bool = False) -> MarketProblem:
    """A market with banking, offsets up to 5 % of obligations, a ceiling, and enterprises that enter over four years.

    Parameters
    ----------
    enterprises : int
    linear : bool
        Marginal costs that rise along every option, instead of steps.
    """
    rng = np.random.default_rng(SEED)
    years = len(YEARS)
    owner = np.repeat(np.arange(enterprises), OPTIONS_AN_ENTERPRISE)
    baseline = rng.lognormal(11.0, 1.0, (enterprises, 1)) * np.ones(years)
    share = np.asarray(np.arange(years) >= rng.integers(0, 4, (enterprises, 1)), dtype=float)
    potential = baseline[owner] * rng.uniform(0.02, 0.08, (len(owner), 1))
    cost = rng.uniform(5.0, 300.0, (len(owner), 1)) * 0.98 ** np.arange(years)
    slope = rng.uniform(1.0, 100.0, (len(owner), 1)) / potential if linear else np.zeros_like(potential)
    fixed = 0.5 * baseline
    cap = (share * baseline).sum(axis=0) * np.linspace(0.98, 0.72, years)
    return MarketProblem(
        enterprise=tuple(f"enterprise_{number}" for number in range(enterprises)),
        year=YEARS,
        baseline=baseline,
        share=share,
        fixed=fixed,
        per_emission=np.zeros_like(baseline),
        options=Options(
            tuple(f"enterprise_{e}/option_{o}" for e in range(enterprises) for o in range(OPTIONS_AN_ENTERPRISE)),
            owner,
            potential,
            cost,
            slope,
        ),
        supply=cap - (share * fixed).sum(axis=0),
        interest=0.05,
        instruments=(
            Banking(),
            Offsets(price=as_array(60.0), share_limit=as_array(0.05)),
            PriceCeiling(price=np.linspace(200.0, 300.0, years)),
        ),
    )
