"""The rules that move supply, one file each, found through ``carbonsim.market.supply_rule.supply_rules``."""
