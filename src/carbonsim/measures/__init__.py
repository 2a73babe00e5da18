"""Measures: what each enterprise could do about its emissions, how much of it, and at what cost a tonne."""

from carbonsim.measures.catalogue import build_options

__all__ = ["build_options"]
