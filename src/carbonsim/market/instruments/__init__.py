"""The market's instruments, one file each, found through the registry ``carbonsim.market.supply.instruments``."""
