"""The equilibrium concepts, one file each, found through the registry ``carbonsim.market.concept.concepts``."""
