"""Benchmarks of carbonsim: a registry of frozen specifications, run by ``python -m benchmarks``."""
