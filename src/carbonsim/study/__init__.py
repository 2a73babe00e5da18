"""Study: scenarios in, results out; comparison, provenance, anonymity."""

from carbonsim.study.anonymise import anonymise
from carbonsim.study.check import check_study, list_scenarios
from carbonsim.study.results import Results, join_results, read_results
from carbonsim.study.simulate import simulate

__all__ = ["Results", "anonymise", "check_study", "join_results", "list_scenarios", "read_results", "simulate"]
