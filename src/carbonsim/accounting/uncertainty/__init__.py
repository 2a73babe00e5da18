"""How certain an inventory is: error propagation (Approach 1) and Monte Carlo (Approach 2) with shared factors."""

from carbonsim.accounting.uncertainty.propagate import propagate
from carbonsim.accounting.uncertainty.result import Uncertainty

__all__ = ["Uncertainty", "propagate"]
