"""What the factor tables are called by in other tables: the ids they answer to, and the unit each id is per."""

from __future__ import annotations

from typing import Final

from carbonsim.inputs.factor_records import Factors

# In the cell of an electricity row: the grid factor of the enterprise's own province.
PROVINCE: Final = "province"
# Activities without a sourced factor: the accounting of their sector refuses them and says what to supply instead.
ANSWERED: Final = frozenset({
    "ammonia", "methanol", "calcium_carbide", "yellow_phosphorus", "nitric_acid", "adipic_acid", "caprolactam",
    "glyoxal", "hcfc22", "titanium_dioxide", "roasting", "neutralisation", "reductant", "copper_concentrate",
    "oxalic_acid", "flux", "carbon_powder", "cullet", "soda_ash", "sodium_sulfate", "black_liquor", "lime_mud",
    "wastewater", "landfill", "catalytic_coke", "reforming_coke", "cracking_furnace_coke", "flare_gas", "hydrogen",
    "asphalt_blowing", "crude_oil_processed", "aviation_gasoline", "sustainable_aviation_fuel", "flight_hours",
})  # fmt: skip


def known_factors(library: Factors) -> set[str]:
    """Every id that the column ``factor`` of activity may hold, whatever the method; sets by ``set:factor`` too.

    Electricity may also name a region of the grid table, or ``province``; what a sector's accounting answers itself
    gets that far.
    """
    sets = {
        f"{name}:{factor}"
        for frame, column in ((library.fuels, "fuel"), (library.process, "factor"))
        for name, factor in zip(frame["table_set"], frame[column], strict=True)
    }
    plain = {*library.fuels["fuel"], *library.process["factor"], *library.grid["factor"]}
    regions = {*library.grid["region_zh"], *library.grid["region_en"], PROVINCE}
    return sets | plain | regions | ANSWERED | {*library.gwp["gas"], *library.blends["blend"]}


def factor_units(library: Factors) -> dict[str, str]:
    """What a factor is per: the unit of a fuel, or the denominator of a process factor."""
    fuels = dict(zip(library.fuels["fuel"], library.fuels["unit"], strict=True))
    process = zip(library.process["factor"], library.process["unit"], strict=True)
    return {factor: unit.split("/", 1)[1] for factor, unit in process if "/" in unit} | fuels
