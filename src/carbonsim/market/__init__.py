"""The market room: one problem, engines that clear it, and an audit that shares nothing with them."""

from carbonsim.market.certificate import Certificate, Line, audit
from carbonsim.market.clear import Market, clear
from carbonsim.market.problem import MarketProblem, Options, ResponseTerm
from carbonsim.market.supply import Instrument, SupplyStep, instruments

__all__ = [
    "Certificate",
    "Instrument",
    "Line",
    "Market",
    "MarketProblem",
    "Options",
    "ResponseTerm",
    "SupplyStep",
    "audit",
    "clear",
    "instruments",
]
