"""A ledger of three enterprises over two years with a bit of everything, as a folder, for the tests of accounts."""

from __future__ import annotations

from pathlib import Path

ENDING = "statistic,meter"
GUESS = "assumption,meter"
SOURCES = """\
meter:
  title: Made-up readings for a test.
  read_on: "2026-11-23"
"""
# Two years of a steel works with a carbon balance, a chemical works with methane, biomass and a refrigerant, a mine.
TABLES = {
    "enterprises": f"""\
enterprise,name_zh,name_en,sector,province,basis,source
works,示意钢铁厂,Example steel works,steel,四川,{ENDING}
chem,示意化工厂,Example chemical works,chemicals,,{ENDING}
mine,示意矿山 <b>&,"Mine <script>alert(1)</script>",mining,,{GUESS}
""",
    "facilities": f"""\
facility,enterprise,process,product,output_unit,basis,source
furnace,works,steelworks,crude steel,t,{ENDING}
mill,works,rolling,rolled steel,t,{ENDING}
boiler,chem,boiler,steam,GJ,{ENDING}
pit,mine,mining,ore,t,{ENDING}
""",
    "activity": f"""\
facility,year,stream,month,method,factor,quantity,unit,net_calorific_value,gas_factor,scope3_category,basis,source
furnace,2023,coke,,combustion,coke,100000,t,,,,{ENDING}
furnace,2023,stone,,carbonate,cets2024_limestone,20000,t,,,,{ENDING}
furnace,2023,steel,,product_output,cets2024_crude_steel_out,300000,t,,,,{ENDING}
furnace,2023,made,,output,,300000,t,,,,{ENDING}
furnace,2024,coke,,combustion,coke,90000,t,,,,{ENDING}
furnace,2024,stone,,carbonate,cets2024_limestone,18000,t,,,,{ENDING}
furnace,2024,steel,,product_output,cets2024_crude_steel_out,280000,t,,,,{ENDING}
furnace,2024,made,,output,,280000,t,,,,{ENDING}
furnace,2024,power,,electricity_purchased,grid_2023_sichuan,5000,万kWh,,,,{ENDING}
mill,2024,gas,,combustion,natural_gas,300,万Nm3,,,,{GUESS}
mill,2024,made,,output,,250000,t,,,,{ENDING}
boiler,2024,coal,,combustion,bituminous,12000,t,,ipcc2006_coal_industry,,{ENDING}
boiler,2024,chips,,combustion,bituminous,500,t,,,,{ENDING}
boiler,2024,chiller,,refrigerant,R-410A,2,t,,,,{ENDING}
boiler,2024,heat,,heat_purchased,purchased_heat,20000,GJ,,,,{ENDING}
boiler,2024,travel,,scope3,air_travel,100000,person,,,6,{ENDING}
pit,2024,diesel,,combustion,diesel,40,t,,,,{GUESS}
""",
    "terms": f"""\
facility,year,stream,month,term,value,evidence,basis,source
boiler,2024,chips,,biogenic_fraction,0.8,report 12,{ENDING}
boiler,2024,chiller,,leak_rate,0.1,,{ENDING}
""",
    "gaps": f"""\
facility,year,stream,month,rule,quantity,unit,method,factor,reason,basis,source
mill,2023,gas,,highest_year,,,,,meter lost in a fire,{GUESS}
""",
    "certificates": f"""\
enterprise,year,certificate,kind,quantity,factor,evidence,basis,source
works,2024,GEC-1,green_certificate,20000,,GEC 2024-0001,{ENDING}
chem,2024,none,unknown,0,,,{ENDING}
""",
    "precursors": f"""\
facility,year,precursor,quantity,unit,from_facility,direct_intensity,indirect_intensity,basis,source
mill,2024,crude steel,260000,t,furnace,,,{ENDING}
""",
    "uncertainty": f"""\
term,factor,facility,stream,half_width,distribution,basis,source
quantity,,,,0.02,,{ENDING}
net_calorific_value,,furnace,coke,0.01,,{ENDING}
carbon_content,,,,0.05,,{ENDING}
""",
    "verified": f"""\
enterprise,year,verified_emissions,materiality,basis,source
works,2024,250000,0.05,{ENDING}
chem,2024,10000,,{ENDING}
""",
}
PROCESS_HEAD = "table_set,factor,sector,name_zh,name_en,value,unit,gas,quantity,sign,methods,source,basis\n"
OWN_FACTORS = {
    "process": PROCESS_HEAD
    + "legacy_sector_guides,air_travel,general,航空出行,Air travel,0.1,tCO2/person,CO2,emission_factor,1,scope3,meter,"
    "assumption\n" + "cets_steel_2024,cets2024_limestone,steel,石灰石,Limestone,0.43,tCO2/t,CO2,emission_factor,1,"
    "carbonate;material_input,meter,statistic\n",
}


def account_folder(folder: Path, *, own: bool = True, **tables: str) -> Path:
    """The ledger as a folder of CSV files; a keyword replaces the text of one table, an empty one leaves it out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    for name, text in {**TABLES, **tables}.items():
        if not text:
            continue
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    if own:
        (folder / "factors").mkdir(exist_ok=True)
        for name, text in OWN_FACTORS.items():
            (folder / "factors" / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def one_works(folder: Path, row: str) -> Path:
    """A steel works with one row of activity (stream, method, factor, quantity, unit) and nothing else."""
    only = dict.fromkeys(TABLES, "")
    only["enterprises"] = f"enterprise,name_zh,name_en,sector,basis,source\nworks,示意,Works,steel,{ENDING}\n"
    only["facilities"] = (
        f"facility,enterprise,process,product,output_unit,basis,source\nfurnace,works,steelworks,steel,t,{ENDING}\n"
    )
    only["activity"] = f"facility,year,stream,method,factor,quantity,unit,basis,source\nfurnace,2024,{row},{ENDING}\n"
    return account_folder(folder, own=False, **only)
