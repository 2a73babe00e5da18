"""Accounting methods, a small function each; found by name through ``accounting_methods``."""
