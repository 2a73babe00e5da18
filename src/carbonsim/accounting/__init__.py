"""Accounting: what each enterprise emits, and which part of it carries an obligation."""

from carbonsim.accounting.core import SectorAccounting, accounting_sectors
from carbonsim.accounting.explain import Explanation, explain
from carbonsim.accounting.inventory import build_inventory

__all__ = ["Explanation", "SectorAccounting", "accounting_sectors", "build_inventory", "explain"]
