"""The market room: one problem, engines that clear it, and an audit that shares nothing with them."""

from carbonsim.market.certificate import Certificate, Line, audit
from carbonsim.market.clear import Market, clear
from carbonsim.market.output_market import OutputMarket, clear_output
from carbonsim.market.output_problem import OutputProblem
from carbonsim.market.output_stringency import match_emissions
from carbonsim.market.problem import MarketProblem, Options, ResponseTerm
from carbonsim.market.supply import Instrument, SupplyStep, instruments

__all__ = [
    "Certificate",
    "Instrument",
    "Line",
    "Market",
    "MarketProblem",
    "Options",
    "OutputMarket",
    "OutputProblem",
    "ResponseTerm",
    "SupplyStep",
    "audit",
    "clear",
    "clear_output",
    "instruments",
    "match_emissions",
]
