"""Numbers behind the tables of the study `panzhihua`: recipes, enterprises and the split of the national market.

Recipes hold amounts per unit of product, enterprises a size and accounts, blocks split a national total. Every number
is an assumption unless a comment or the data page names its source; no row describes a real enterprise.
"""

# ruff: noqa: E501  one enterprise a line
from __future__ import annotations

# National obligations of 2024, tCO2e (sum: MEE operation report 2025; the split among sectors is an assumption).
NATIONAL_TOTAL = 8_194_000_000
NATIONAL = {"steel": 1_670_000_000, "cement": 970_000_000, "aluminium": 75_000_000}
NATIONAL["power"] = NATIONAL_TOTAL - sum(NATIONAL.values())
# Entities on the list of 2025 (MEE operation report 2025).
ENTITIES = {"power": 2087, "steel": 232, "cement": 962, "aluminium": 97}

# chain: ecosystem. Five ecosystems of the sixteen measures; the names of the thirteen chains are ours.
CHAINS = {
    "钢铁": "钒钛钢铁新材料", "钒": "钒钛钢铁新材料", "钛材料": "钒钛钢铁新材料", "矿山采选": "钒钛钢铁新材料",
    "铁合金与装备制造": "钒钛钢铁新材料", "固废建材": "钒钛钢铁新材料", "综合能源": "清洁能源", "水风光氢储": "清洁能源",
    "钛白化工": "绿色化工", "氯碱电石化工": "绿色化工", "煤焦化工": "绿色化工", "光电信息": "光电信息", "低空经济": "低空经济",
}  # fmt: skip

# kind | sector | process | product | unit | class | cooling | load | heat ratio ; streams (method factor amount per unit)
RECIPES = {
    "gangue_power": ("power|power_unit|electricity|MWh|III|air|0.72|0", """
        gangue combustion coal_gangue 0.40; washed_coal combustion other_washed_coal 0.25;
        coal combustion bituminous 0.115; ignition_oil combustion diesel 0.0002"""),
    "coal_power": ("power|power_unit|electricity|MWh|II|water|0.66|0", """
        coal combustion bituminous 0.359; ignition_oil combustion diesel 0.0001"""),
    "coal_chp": ("power|power_unit|electricity|MWh|II|water|0.70|0.35", """
        coal combustion bituminous 0.50; heat_out heat_supplied - 3.0"""),
    "gas_chp": ("power|power_unit|electricity|MWh|IV|water|0.60|0.30", """
        gas combustion natural_gas 0.0188; heat_out heat_supplied - 1.5"""),
    "clinker": ("cement|clinker_line|clinker|t||||", """
        clinker clinker cets2024_clinker_portland 1.0; v_ti_slag deduction cets2024_deduct_vanadium_titanium_slag 0.030;
        ti_gypsum deduction cets2024_deduct_titanium_gypsum 0.008; coal combustion bituminous 0.132;
        diesel combustion diesel 0.0003; grid electricity_purchased - 0.058"""),
    "lime": ("other_industry|lime_kiln|quicklime|t||||", """
        limestone carbonate ipcc_caco3 1.75; coal combustion anthracite 0.13; grid electricity_purchased - 0.045"""),
    "slag_powder": ("other_industry|grinding|slag powder|t||||", """
        gas combustion natural_gas 0.0006; grid electricity_purchased - 0.045"""),
    "ti_slag": ("vanadium_titanium|electric_furnace|titanium slag|t||||", """
        reductant combustion anthracite 0.13; electrode material_input cets2024_electrode 0.022;
        gas combustion natural_gas 0.001; grid electricity_purchased - 2.3"""),
    "ti_sponge": ("vanadium_titanium|chlorination|titanium sponge|t||||", """
        coke combustion petroleum_coke 0.42; gas combustion natural_gas 0.012;
        grid electricity_purchased - 19"""),
    "ti_alloy": ("vanadium_titanium|melting|titanium alloy|t||||", """
        gas combustion natural_gas 0.035; grid electricity_purchased - 6"""),
    "tio2_sulfate": ("vanadium_titanium|tio2_sulfate|titanium dioxide|t||||", """
        calciner_gas combustion natural_gas 0.018; neutraliser carbonate ipcc_caco3 0.80;
        steam heat_purchased - 7.5; grid electricity_purchased - 0.75"""),
    "tio2_chloride": ("vanadium_titanium|tio2_chloride|titanium dioxide|t||||", """
        process material_input ipcc_rutile_tio2_chloride 1.0; gas combustion natural_gas 0.022;
        steam heat_purchased - 4.5; grid electricity_purchased - 1.1"""),
    "v2o5": ("vanadium_titanium|roasting|vanadium pentoxide|t||||", """
        soda_ash carbonate ipcc_na2co3 1.1; kiln_gas combustion natural_gas 0.11; steam heat_purchased - 12;
        grid electricity_purchased - 3.5"""),
    "vn": ("vanadium_titanium|nitriding|vanadium nitride|t||||", """
        carbon combustion petroleum_coke 0.32; gas combustion natural_gas 0.006;
        grid electricity_purchased - 7"""),
    "fev": ("ferroalloy|electric_furnace|ferrovanadium|t||||", """
        electrode material_input cets2024_electrode 0.015; lime_stone carbonate ipcc_caco3 0.2;
        grid electricity_purchased - 2.8"""),
    "coke": ("coking|coking|coke|t||||", """
        coking_coal material_input washed_coking_coal 1.40; coke_out product_output coke 1.0;
        tar_out product_output cets2024_tar_sold 0.035; benzene_out product_output cets2024_crude_benzene_sold 0.010;
        steam heat_supplied - 0.5; grid electricity_purchased - 0.035"""),
    "chlor_alkali": ("chemicals|chlor_alkali|caustic soda|t||||", """
        boiler_coal combustion bituminous 0.16; soda_ash carbonate ipcc_na2co3 0.012;
        grid electricity_purchased - 2.35"""),
    "carbide": ("chemicals|calcium_carbide|calcium carbide|t||||", """
        process material_input inventory_carbide 1.0; limestone carbonate ipcc_caco3 1.72;
        kiln_coal combustion anthracite 0.11; grid electricity_purchased - 3.25"""),
    "phosphorus": ("chemicals|electric_furnace|yellow phosphorus|t||||", """
        coke combustion coke 1.45; electrode material_input cets2024_electrode 0.02;
        grid electricity_purchased - 13.8"""),
    "methanol": ("chemicals|reforming|methanol|t||||", """
        process material_input ipcc_methanol 1.0; gas combustion natural_gas 0.006; grid electricity_purchased - 0.3"""),
    "feed_phosphate": ("chemicals|drying|feed phosphate|t||||", """
        coal combustion bituminous 0.11; limestone carbonate ipcc_caco3 0.35; grid electricity_purchased - 0.12"""),
    "sulfuric_acid": ("chemicals|acid_plant|sulfuric acid|t||||", """
        diesel combustion diesel 0.0008; steam heat_supplied - 2.4; grid electricity_purchased - 0.09"""),
    "simn": ("ferroalloy|electric_furnace|silicomanganese|t||||", """
        coke combustion coke 0.45; electrode material_input cets2024_electrode 0.022;
        dolomite carbonate ipcc_dolomite 0.1; grid electricity_purchased - 4.0"""),
    "fesi": ("ferroalloy|electric_furnace|ferrosilicon|t||||", """
        semi_coke combustion coke 0.90; electrode material_input cets2024_electrode 0.05;
        grid electricity_purchased - 8.4"""),
    "eaf": ("ferroalloy|electric_furnace|crude steel (electric furnace)|t||||", """
        carbon_powder combustion anthracite 0.012; gas combustion natural_gas 0.0018;
        electrode material_input cets2024_electrode 0.0022; lime_stone carbonate cets2024_limestone 0.06;
        pig_iron material_input cets2024_pig_iron 0.10; steel_out product_output cets2024_crude_steel_out 1.0;
        grid electricity_purchased - 0.43"""),
    "machining": ("other_industry|machining|machined parts|t||||", """
        gas combustion natural_gas 0.006; grid electricity_purchased - 0.9"""),
    "iron_ore": ("mining|beneficiation|iron concentrate|t||||", """
        diesel combustion diesel 0.0045; explosive_site_coal combustion bituminous 0.0008;
        grid electricity_purchased - 0.085"""),
    "pellets": ("mining|pelletising|pellets|t||||", """
        coal combustion bituminous 0.026; gas combustion natural_gas 0.0004; grid electricity_purchased - 0.035"""),
    "ti_concentrate": ("mining|beneficiation|titanium concentrate|t||||", """
        dryer_gas combustion natural_gas 0.0022; diesel combustion diesel 0.0012;
        grid electricity_purchased - 0.12"""),
    "coal_mine": ("mining|coal_washing|washed coal|t||||", """
        own_coal combustion bituminous 0.007; diesel combustion diesel 0.0008;
        grid electricity_purchased - 0.035"""),
    "quarry": ("mining|quarrying|limestone|t||||", """
        diesel combustion diesel 0.0009; grid electricity_purchased - 0.004"""),
    "hydropower": ("other_industry|hydropower|electricity|MWh||||", "vehicles combustion diesel 0.00002"),
    "solar": ("other_industry|photovoltaics|electricity|MWh||||", "vehicles combustion diesel 0.00003"),
    "hydrogen": ("other_industry|reforming|hydrogen|t||||", """
        gas combustion natural_gas 0.42; grid electricity_purchased - 1.2"""),
    "battery": ("other_industry|assembly|vanadium electrolyte|t||||", """
        gas combustion natural_gas 0.003; grid electricity_purchased - 0.35"""),
    "glass": ("flat_glass|glass_furnace|photovoltaic glass|t||||", """
        gas combustion natural_gas 0.022; soda_ash carbonate ipcc_na2co3 0.19; limestone carbonate ipcc_caco3 0.05;
        dolomite carbonate ipcc_dolomite 0.14; grid electricity_purchased - 0.20"""),
    "electronics": ("other_industry|assembly|electronic parts|t||||", """
        gas combustion natural_gas 0.02; grid electricity_purchased - 9"""),
    "drone": ("other_industry|assembly|unmanned aircraft|t||||", """
        gas combustion natural_gas 0.08; grid electricity_purchased - 12"""),
    "flying": ("aviation|fleet|flight hours|h||||", "kerosene combustion jet_kerosene 0.12; grid electricity_purchased - 0.05"),
}  # fmt: skip
# Integrated steel works, per tonne of hot metal; carbon is balanced by process with the factors of the steel guideline.
STEEL_HOT_METAL = {
    "coking": """coking_coal combustion washed_coking_coal {coal}; oven_gas combustion coke_oven_gas {oven};
        coke_out product_output coke {coke}; oven_gas_out product_output coke_oven_gas {cog};
        tar_out product_output cets2024_tar_sold {tar}; benzene_out product_output cets2024_crude_benzene_sold {benzene}""",
    "sintering": """breeze combustion coke 0.055; anthracite combustion anthracite 0.012;
        ignition_gas combustion coke_oven_gas 0.0010; limestone carbonate cets2024_limestone 0.110;
        dolomite carbonate cets2024_dolomite 0.045""",
    "pelletising": "coal combustion bituminous 0.008; gas combustion bf_gas 0.012",
    "ironmaking": """coke combustion coke 0.405; injected_coal combustion anthracite 0.145;
        stove_gas combustion bf_gas 0.068; top_gas_out product_output bf_gas 0.152;
        hot_metal_out product_output cets2024_pig_iron_sold 1.0""",
    "steelmaking": """hot_metal material_input cets2024_pig_iron 1.0; scrap material_input cets2024_scrap 0.06;
        dolomite carbonate cets2024_dolomite 0.025; converter_gas_out product_output bof_gas 0.0085;
        steel_out product_output cets2024_crude_steel_out 1.02""",
    "other": """reheating_gas combustion bf_gas 0.030; reheating_bof_gas combustion bof_gas 0.0085;
        gas combustion natural_gas 0.0004; lime_kiln_stone carbonate cets2024_limestone 0.075;
        grid electricity_purchased - {grid}""",
    "power_unit": "bf_gas combustion bf_gas 0.042; coke_oven_gas combustion coke_oven_gas {spare}",
}  # fmt: skip

# key | 中文 | English | recipe | size (product units a year) | place | chain | price CNY | value added | EBIT | jobs | trade
# Steel works add: coke made on site and electricity bought, per tonne of hot metal.
ENTERPRISES = """
steel_a|长流程钢铁企业A|Long-route steel works A|steel:0.46:0.30|4500000|东区|钢铁|3650|0.17|0.025|14500|0.15
steel_b|长流程钢铁企业B|Long-route steel works B|steel:0.24:0.34|880000|西区|钢铁|3600|0.15|0.020|3100|0.10
gangue_power_a|煤矸石发电企业A|Gangue power plant A|gangue_power|1550000|西区|综合能源|395|0.32|0.030|620|0
gangue_power_b|煤矸石发电企业B|Gangue power plant B|gangue_power|900000|仁和区|综合能源|395|0.31|0.025|410|0
coal_power_a|燃煤发电企业A|Coal power plant A|coal_power|2600000|盐边县|综合能源|390|0.34|0.045|560|0
captive_chp_a|园区自备热电企业A|Captive heat and power plant A|coal_chp|520000|钒钛高新区|综合能源|520|0.36|0.050|260|0
captive_chp_b|自备热电企业B|Captive heat and power plant B|coal_chp|260000|米易县|综合能源|510|0.34|0.040|150|0
gas_chp_a|燃气分布式能源企业A|Gas heat and power plant A|gas_chp|190000|钒钛高新区|综合能源|690|0.28|0.035|60|0
cement_a|水泥熟料企业A|Clinker producer A|clinker|1400000|仁和区|固废建材|310|0.30|0.050|520|0
cement_b|水泥熟料企业B|Clinker producer B|clinker|760000|米易县|固废建材|305|0.29|0.040|330|0
cement_c|水泥熟料企业C|Clinker producer C|clinker|520000|盐边县|固废建材|300|0.27|0.025|260|0
lime_a|石灰企业A|Lime producer A|lime|190000|西区|固废建材|420|0.30|0.050|150|0
slag_powder_a|钢渣矿渣微粉企业A|Slag powder producer A|slag_powder|900000|东区|固废建材|170|0.32|0.060|110|0
ti_slag_a|高钛渣企业A|Titanium slag producer A|ti_slag|480000|钒钛高新区|钛材料|6100|0.24|0.060|900|0.25
ti_slag_b|高钛渣企业B|Titanium slag producer B|ti_slag|180000|米易县|钛材料|5600|0.22|0.045|420|0.20
ti_slag_c|高钛渣企业C|Titanium slag producer C|ti_slag|85000|盐边县|钛材料|5500|0.21|0.035|230|0.20
ti_sponge_a|海绵钛企业A|Titanium sponge producer A|ti_sponge|21000|钒钛高新区|钛材料|47000|0.28|0.060|1100|0.30
ti_sponge_b|海绵钛企业B|Titanium sponge producer B|ti_sponge|9000|仁和区|钛材料|46000|0.25|0.040|520|0.30
ti_alloy_a|钛合金材企业A|Titanium alloy producer A|ti_alloy|6500|钒钛高新区|钛材料|98000|0.30|0.070|480|0.30
ti_alloy_b|钛合金材企业B|Titanium alloy producer B|ti_alloy|2800|东区|钛材料|92000|0.28|0.060|260|0.30
tio2_a|硫酸法钛白粉企业A|Sulfate titanium dioxide producer A|tio2_sulfate|230000|钒钛高新区|钛白化工|14800|0.26|0.060|1900|0.45
tio2_b|硫酸法钛白粉企业B|Sulfate titanium dioxide producer B|tio2_sulfate|140000|米易县|钛白化工|14500|0.25|0.050|1150|0.45
tio2_c|硫酸法钛白粉企业C|Sulfate titanium dioxide producer C|tio2_sulfate|90000|钒钛高新区|钛白化工|14300|0.24|0.040|820|0.40
tio2_d|硫酸法钛白粉企业D|Sulfate titanium dioxide producer D|tio2_sulfate|28000|盐边县|钛白化工|14000|0.22|0.020|300|0.35
tio2_e|氯化法钛白粉企业E|Chloride titanium dioxide producer E|tio2_chloride|95000|钒钛高新区|钛白化工|17200|0.27|0.055|760|0.45
vanadium_a|氧化钒企业A|Vanadium oxide producer A|v2o5|24000|东区|钒|76000|0.30|0.060|980|0.35
vanadium_b|氧化钒企业B|Vanadium oxide producer B|v2o5|9500|钒钛高新区|钒|75000|0.28|0.045|430|0.35
vanadium_nitride_a|氮化钒企业A|Vanadium nitride producer A|vn|6000|钒钛高新区|钒|105000|0.24|0.050|310|0.30
ferrovanadium_a|钒铁企业A|Ferrovanadium producer A|fev|7000|西区|钒|88000|0.20|0.040|260|0.30
coking_a|独立焦化企业A|Stand-alone coking plant A|coke|1250000|西区|煤焦化工|2050|0.14|0.020|1150|0
coking_b|独立焦化企业B|Stand-alone coking plant B|coke|620000|盐边县|煤焦化工|2030|0.13|0.020|640|0
chlor_alkali_a|氯碱企业A|Chlor-alkali producer A|chlor_alkali|190000|钒钛高新区|氯碱电石化工|2900|0.26|0.045|620|0.10
carbide_a|电石化工企业A|Carbide chemicals producer A|carbide|220000|盐边县|氯碱电石化工|3050|0.22|0.030|560|0.05
phosphorus_a|黄磷企业A|Yellow phosphorus producer A|phosphorus|16000|米易县|氯碱电石化工|23500|0.24|0.040|310|0.15
methanol_a|甲醇企业A|Methanol producer A|methanol|110000|西区|煤焦化工|2400|0.20|0.030|230|0.05
feed_phosphate_a|饲料磷酸盐企业A|Feed phosphate producer A|feed_phosphate|170000|仁和区|氯碱电石化工|3900|0.24|0.050|420|0.20
sulfuric_acid_a|硫酸企业A|Sulfuric acid producer A|sulfuric_acid|420000|钒钛高新区|钛白化工|380|0.26|0.040|190|0
simn_a|硅锰合金企业A|Silicomanganese producer A|simn|82000|仁和区|铁合金与装备制造|6200|0.18|0.025|380|0.10
fesi_a|硅铁企业A|Ferrosilicon producer A|fesi|46000|盐边县|铁合金与装备制造|6500|0.19|0.025|330|0.15
eaf_a|短流程电炉企业A|Electric furnace works A|eaf|620000|西区|铁合金与装备制造|3700|0.14|0.020|900|0.05
eaf_b|铸钢电炉企业B|Electric furnace foundry B|eaf|150000|仁和区|铁合金与装备制造|5400|0.22|0.045|520|0.10
machining_a|钒钛机械铸件企业A|Vanadium-titanium castings producer A|machining|60000|东区|铁合金与装备制造|12500|0.28|0.060|700|0.15
machining_b|汽车零部件企业B|Car parts producer B|machining|24000|仁和区|铁合金与装备制造|16500|0.27|0.055|430|0.15
iron_ore_a|钒钛磁铁矿采选企业A|Vanadium-titanium ore producer A|iron_ore|6200000|盐边县|矿山采选|690|0.46|0.080|4200|0
iron_ore_b|钒钛磁铁矿采选企业B|Vanadium-titanium ore producer B|iron_ore|2400000|米易县|矿山采选|680|0.44|0.070|1500|0
pellets_a|球团企业A|Pellet producer A|pellets|1300000|西区|矿山采选|900|0.18|0.035|420|0
ti_concentrate_a|钛精矿企业A|Titanium concentrate producer A|ti_concentrate|780000|盐边县|矿山采选|2150|0.45|0.080|620|0.05
coal_mine_a|煤炭采选企业A|Coal mine and washery A|coal_mine|1900000|西区|矿山采选|980|0.48|0.070|5200|0
coal_mine_b|煤炭采选企业B|Coal mine and washery B|coal_mine|520000|仁和区|矿山采选|940|0.45|0.050|1500|0
quarry_a|石灰石矿企业A|Limestone quarry A|quarry|3200000|仁和区|矿山采选|42|0.40|0.060|160|0
hydropower_a|水电企业A|Hydropower plant A|hydropower|1600000|西区|水风光氢储|290|0.72|0.080|120|0
solar_a|光伏发电企业A|Solar power plant A|solar|420000|盐边县|水风光氢储|330|0.70|0.070|60|0
solar_b|农光互补发电企业B|Solar power plant B|solar|180000|米易县|水风光氢储|330|0.69|0.060|30|0
hydrogen_a|制氢企业A|Hydrogen producer A|hydrogen|5200|钒钛高新区|水风光氢储|21000|0.22|0.030|90|0
battery_a|全钒液流电池企业A|Vanadium battery producer A|battery|30000|钒钛高新区|水风光氢储|21000|0.25|0.050|380|0.10
glass_a|光伏玻璃企业A|Photovoltaic glass producer A|glass|30000|钒钛高新区|光电信息|2300|0.26|0.040|260|0.20
electronics_a|光电显示组件企业A|Display module producer A|electronics|1400|东区|光电信息|310000|0.22|0.050|860|0.35
electronics_b|晶体材料企业B|Crystal material producer B|electronics|520|钒钛高新区|光电信息|420000|0.30|0.070|240|0.30
electronics_c|电子浆料企业C|Electronic paste producer C|electronics|380|仁和区|光电信息|360000|0.26|0.060|150|0.25
electronics_d|光通信器件企业D|Optical communication parts producer D|electronics|260|东区|光电信息|520000|0.28|0.060|210|0.35
drone_a|无人机整机企业A|Unmanned aircraft producer A|drone|180|东区|低空经济|1250000|0.28|0.050|320|0.15
drone_b|无人机部件企业B|Unmanned aircraft parts producer B|drone|90|钒钛高新区|低空经济|980000|0.27|0.045|170|0.15
flying_a|通用航空企业A|General aviation operator A|flying|9000|仁和区|低空经济|16500|0.35|0.040|140|0
flying_b|低空物流企业B|Low-altitude logistics operator B|flying|5200|东区|低空经济|9800|0.33|0.020|110|0
"""

# Specific energy of single enterprises against their recipe (1 = recipe); fuel streams only.
EFFICIENCY = {
    "steel_b": 1.03, "gangue_power_b": 1.025, "captive_chp_b": 1.02, "cement_a": 0.97, "cement_c": 1.06, "ti_slag_c": 1.08,
    "tio2_d": 1.10, "vanadium_b": 1.06, "coking_b": 1.002, "coal_mine_b": 1.10, "iron_ore_b": 1.05,
}  # fmt: skip

# Blocks: the rest of the country, one row a bin. power: share of the sector, heat in GJ per tCO2e, position = allowances over
# emissions in 2024. The position of a class is its benchmark of 2024 over its published balance value of 2023 (mee-2024-1,
# annex 2: 0.7982, 0.8155, 0.8352, 0.3239), with 0.5 % better intensity in between (assumption).
POWER_CLASSES = {
    "I": (0.553, 0.2, 1.005 * 0.7910 / 0.7982), "II": (0.285, 1.9, 1.005 * 0.8049 / 0.8155),
    "III": (0.140, 2.2, 1.005 * 0.8244 / 0.8352), "IV": (0.022, 2.6, 1.005 * 0.3288 / 0.3239),
}  # fmt: skip
# bin: share of the class, its position over that of the class for coal and for gas, load factor
POWER_BINS = {
    "best": (0.30, 1.030, 1.018, 0.74),
    "middle": (0.45, 1.000, 1.000, 0.68),
    "weak": (0.25, 0.964, 0.982, 0.66),
}
BIN_ZH = {"best": "先进档", "middle": "中间档", "weak": "落后档"}
POWER_HEAT_BENCHMARK = {"I": 0.1033, "II": 0.1033, "III": 0.1033, "IV": 0.0533}  # mee-2024-1, annex 2, 2024
POWER_BENCHMARK = {"I": 0.7910, "II": 0.8049, "III": 0.8244, "IV": 0.3288}  # mee-2024-1, annex 2, 2024
# sector: total per unit of output, key part of the emissions, key output per output, (share of emissions, intensity ratio)
INTENSITY_BINS = {
    "steel": (1.86, 0.545, 0.94, ((0.08, 0.84), (0.20, 0.92), (0.26, 0.97), (0.22, 1.03), (0.16, 1.09), (0.08, 1.21))),
    "cement": (0.83, 1.0, 1.0, ((0.10, 0.92), (0.25, 0.96), (0.30, 0.99), (0.20, 1.02), (0.10, 1.06), (0.05, 1.12))),
    "aluminium": (1.734, 1.0, 1.0, ((0.30, 0.95), (0.40, 1.00), (0.20, 1.03), (0.10, 1.10))),
}
# sectors that report only: total tCO2e, entities, tCO2e per tonne (aviation: of fuel), process, product; one or two bins
REPORTING = {
    "petrochemicals": (450_000_000, 260, 0.45, "refinery", "crude oil processed", (0.6, 0.4)),
    "chemicals": (720_000_000, 1350, 1.90, "chemical_works", "chemicals", (0.65, 0.35)),
    "flat_glass": (42_000_000, 190, 0.75, "glass_furnace", "flat glass", (0.6, 0.4)),
    "copper": (9_000_000, 55, 0.80, "smelter", "refined copper", (1.0,)),
    "paper": (78_000_000, 420, 0.60, "paper_mill", "paper and board", (0.6, 0.4)),
    "aviation": (72_000_000, 45, 3.15, "fleet", "aviation fuel", (1.0,)),
    "coking": (60_000_000, 210, 0.23, "coking", "coke", (1.0,)),
    "ferroalloy": (75_000_000, 480, 1.60, "electric_furnace", "ferroalloy", (1.0,)),
    "vanadium_titanium": (9_000_000, 85, 0.80, "chlorination", "titanium and vanadium products", (1.0,)),
    "mining": (30_000_000, 420, 0.03, "beneficiation", "concentrate", (1.0,)),
}
SECTOR_ZH = {
    "power": "发电", "steel": "钢铁", "cement": "水泥", "aluminium": "铝冶炼", "petrochemicals": "石化", "chemicals": "化工",
    "flat_glass": "平板玻璃", "copper": "铜冶炼", "paper": "造纸", "aviation": "民航", "coking": "焦化", "ferroalloy": "铁合金",
    "vanadium_titanium": "钒钛", "mining": "采选",
}  # fmt: skip
# revenue per tCO2e (CNY), value added, EBIT, jobs per million tCO2e of a block
BLOCK_FINANCES = {
    "power": (430, 0.33, 0.04, 150), "steel": (2000, 0.17, 0.02, 1000), "cement": (380, 0.30, 0.04, 350),
    "aluminium": (11000, 0.20, 0.06, 6000), "petrochemicals": (9000, 0.15, 0.025, 1300), "chemicals": (5200, 0.20, 0.04, 2200),
    "flat_glass": (2600, 0.26, 0.05, 2300), "copper": (85000, 0.10, 0.025, 9000), "paper": (9000, 0.22, 0.04, 6500),
    "aviation": (8500, 0.30, 0.03, 5500), "coking": (9000, 0.13, 0.02, 4200), "ferroalloy": (4300, 0.18, 0.025, 3200),
    "vanadium_titanium": (18000, 0.25, 0.05, 6000), "mining": (20000, 0.45, 0.08, 30000),
}  # fmt: skip
COVERED_2024 = ("power", "steel", "cement", "aluminium")
# Covered emissions of the local enterprises in 2024, tCO2e, and their number, as the package's inventory gives them for the
# tables written here; tests/unit/test_panzhihua_data.py fails if a recipe changes and these do not.
LOCAL_COVERED = {
    "power": (5_191_286.831, 6), "steel": (10_951_683.341, 2), "cement": (2_201_269.490, 3), "aluminium": (0.0, 0),
}  # fmt: skip
