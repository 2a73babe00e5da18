"""Reads the table of coal-fired power plants in China (the shape of the Global Power Plant Database)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from carbonsim.inputs.readers.text_files import TextTable, raise_if_any

COLUMNS = (
    "plant_id", "name", "capacity_mw", "commissioning_year", "owner", "location", "operational_status", "latitude",
    "longitude",
)  # fmt: skip
PROVINCES: Final[dict[str, str]] = {
    "Anhui": "安徽", "Beijing": "北京", "Chongqing": "重庆", "Fujian": "福建", "Gansu": "甘肃", "Guangdong": "广东",
    "Guangxi": "广西", "Guizhou": "贵州", "Hainan": "海南",
    "Hebei": "河北", "Heilongjiang": "黑龙江", "Henan": "河南",
    "Hong Kong": "香港",
    "Hubei": "湖北", "Hunan": "湖南", "Inner Mongolia": "内蒙古", "Jiangsu": "江苏", "Jiangxi": "江西",
    "Jilin": "吉林", "Liaoning": "辽宁", "Macau": "澳门", "Ningxia": "宁夏", "Qinghai": "青海", "Shaanxi": "陕西",
    "Shandong": "山东", "Shanghai": "上海", "Shanxi": "山西", "Sichuan": "四川", "Taiwan": "台湾", "Tianjin": "天津",
    "Tibet": "西藏", "Xinjiang": "新疆", "Yunnan": "云南", "Zhejiang": "浙江",
}  # fmt: skip
_PROVINCE = re.compile(rf"\b({'|'.join(PROVINCES)})\b")
# An empty status is the normal case of the table; only these words say that a plant does not run.
NOT_OPERATING: Final = ("shutdown", "under construction", "retired", "mothballed", "cancelled", "planned")
RUNNING: Final = ("", "operational", "operating")


def read_china_power(path: str | Path) -> pd.DataFrame:
    """Coal-fired plants and units with capacity, year, province and whether they run.

    Parameters
    ----------
    path : str or Path
        ``coal_plants.csv``, or the folder that holds it.

    Returns
    -------
    DataFrame
        One row a row of the table, in its order: ``unit`` (unique: plant id and number inside the plant),
        ``plant``, ``name``, ``capacity`` [MW] and ``commissioning_year`` (NaN where not given), ``owner``,
        ``location``, ``province``, ``province_zh`` ("" where the location names none), ``is_operating``, ``status``,
        ``latitude``, ``longitude``, and ``repeats_earlier_row``: equal in every cell to an earlier row, so either a
        like unit of the same plant or a doubled entry; the table does not say which.

    Raises
    ------
    InputError
        With every fault: a missing file or column, a text for a number, a capacity that is not above zero,
        coordinates off the globe, an unknown status.
    """
    file = Path(path)
    table = TextTable(file / "coal_plants.csv" if file.is_dir() else file, COLUMNS)
    raise_if_any(table)
    table.filled("plant_id", "name")
    capacity = table.numbers("capacity_mw", required=False, lower=np.nextafter(0, 1), upper=20_000)
    year = table.numbers("commissioning_year", required=False, lower=1880, upper=2100)
    latitude = table.numbers("latitude", required=False, lower=-90, upper=90)
    longitude = table.numbers("longitude", required=False, lower=-180, upper=180)
    status = table.frame["operational_status"].str.lower()
    unknown = ~status.isin([*RUNNING, *NOT_OPERATING]).to_numpy(dtype=bool)
    table.refuse(unknown, "operational_status", "unknown-choice", "is no known status.", "不是已知状态。")
    raise_if_any(table)
    province = [province_of(text) for text in table.frame["location"]]
    number = table.frame.groupby("plant_id").cumcount() + 1
    return pd.DataFrame(
        {
            "unit": table.frame["plant_id"] + "-" + number.astype("str"),
            "plant": table.frame["plant_id"],
            "name": table.frame["name"],
            "capacity": capacity,
            "commissioning_year": year,
            "owner": table.frame["owner"],
            "location": table.frame["location"],
            "province": pd.array(province, dtype="str"),
            "province_zh": pd.array([PROVINCES.get(name, "") for name in province], dtype="str"),
            "is_operating": status.isin(RUNNING).to_numpy(dtype=bool),
            "status": status,
            "latitude": latitude,
            "longitude": longitude,
            "repeats_earlier_row": table.frame.duplicated().to_numpy(),
        }
    )


def province_of(location: str) -> str:
    """The last province named in a location, or "".

    The last one counts because counties can bear the name of another province.

    >>> province_of("Hainan District Wuhai Prefecture Inner Mongolia Autonomous Region"), province_of("Somewhere")
    ('Inner Mongolia', '')
    """
    found = _PROVINCE.findall(location)
    return str(found[-1]) if found else ""
