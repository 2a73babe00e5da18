"""Accounting of single sectors, one file each; found by name through ``accounting_sectors``."""
