"""How numbers are written for people: scales of tonnes and money, digits, units in Chinese and English."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from carbonsim.report.labels import Form, Lang, phrase

_TONNES = {
    "zh": ((1e8, "亿吨CO₂e"), (1e4, "万吨CO₂e"), (1.0, "吨CO₂e")),
    "en": (
        (1e9, "Gt\N{NO-BREAK SPACE}CO₂e"),
        (1e6, "Mt\N{NO-BREAK SPACE}CO₂e"),
        (1e3, "kt\N{NO-BREAK SPACE}CO₂e"),
        (1.0, "t\N{NO-BREAK SPACE}CO₂e"),
    ),
}
_MONEY = {
    "zh": ((1e8, "亿元"), (1e4, "万元"), (1.0, "元")),
    "en": ((1e9, "billion CNY"), (1e6, "million CNY"), (1e3, "thousand CNY"), (1.0, "CNY")),
}
_PRICE = {"zh": "元/吨", "en": "CNY/t"}
NARROW = {"zh": "", "en": "\N{NO-BREAK SPACE}"}  # between a number and its unit, never at the end of a line
PERCENT = 100
EXACT_FROM = 1000  # from here on two decimals say more than six digits
HALF_STEP = 0.005  # what two decimals would round up


@dataclass(frozen=True, slots=True)
class Scale:
    """A divisor and the unit the quotient is in."""

    divisor: float
    unit: str

    def write(self, value: float) -> str:
        """Value in this scale with its unit."""
        between = "\N{NO-BREAK SPACE}" if self.unit[0].isascii() else ""
        return f"{digits(value / self.divisor)}{between}{self.unit}"


def tonnes_scale(largest: float, lang: Lang) -> Scale:
    r"""Scale in which tonnes of the given size are easy to read.

    >>> tonnes_scale(8.2e9, "zh").unit
    '亿吨CO₂e'
    >>> tonnes_scale(2.5e4, "en").write(2.5e4)
    '25.0\xa0kt\xa0CO₂e'
    """
    return _scale(_TONNES[lang], largest)


def money_scale(largest: float, lang: Lang) -> Scale:
    """Scale in which money of the given size is easy to read."""
    return _scale(_MONEY[lang], largest)


def _scale(steps: tuple[tuple[float, str], ...], largest: float) -> Scale:
    size = abs(largest) if math.isfinite(largest) else 0.0
    return Scale(*next((step for step in steps if size >= step[0]), steps[-1]))


def tonnes(value: float, lang: Lang) -> str:
    """Tonnes with the unit that suits their size."""
    return tonnes_scale(value, lang).write(value)


def money(value: float, lang: Lang) -> str:
    """Money with the unit that suits its size."""
    return money_scale(value, lang).write(value)


def price(value: float, lang: Lang) -> str:
    """An allowance price with its unit."""
    return f"{digits(value)}{NARROW[lang]}{_PRICE[lang]}"


def price_unit(lang: Lang, price_year: int | None) -> str:
    """Unit of a price with the year of the money."""
    if price_year is None:
        return _PRICE[lang]
    return f"元/吨（{price_year}年价）" if lang == "zh" else f"CNY/t (prices of {price_year})"


def share(value: float) -> str:
    """A share between 0 and 1 as per cent.

    >>> share(0.0345), share(0.00996)
    ('3.5%', '1.0%')
    """
    percent = value * PERCENT
    size = abs(percent)
    places = 0 if size >= PERCENT or size == 0 else 1 if size >= 1 - HALF_STEP else 2
    return f"{_unsigned_zero(f'{percent:,.{places}f}')}%"


def writer(unit: str, largest: float, lang: Lang) -> tuple[Callable[[float], str], str]:
    """How values of a unit are written in a table of one scale, and the unit to put above it."""
    if unit == "1":
        return share, "%"
    if unit == "CNY":
        scale = money_scale(largest, lang)
        return lambda value: digits(value / scale.divisor), scale.unit
    return digits, _PRICE[lang] if unit == "CNY/tCO2e" else unit


def digits(value: float) -> str:
    """About three significant digits, thousands separated.

    >>> digits(12345.6), digits(72.44), digits(0.5), digits(-0.0)
    ('12,346', '72.4', '0.50', '0')
    """
    size = abs(value)
    if size == 0:
        return "0"
    places = 0 if size >= 100 else 1 if size >= 10 else 2
    return _unsigned_zero(f"{value:,.{places}f}")


def _unsigned_zero(written: str) -> str:
    return written.lstrip("-") if float(written.replace(",", "")) == 0 else written


def cell(value: object, form: Form, lang: Lang) -> str:
    """One table cell as text; a missing number is named as not computed, never a zero.

    >>> cell(float("nan"), "share", "en")
    'not computed'
    >>> cell(1234567.0, "tonnes", "en")
    '1,234,567'
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return phrase("not_computed", lang)
    if form == "flag":
        return phrase("passed" if value else "failed", lang)
    if isinstance(value, str) or form == "text":
        return str(value)
    if value == math.inf:
        return phrase("unbounded", lang)
    return _number(float(value), form)  # type: ignore[arg-type]  # frames hold numbers where the form says so


def _number(value: float, form: Form) -> str:
    if form == "year":
        return f"{value:.0f}"
    if form == "residual":
        return f"{value:.1e}"
    if form == "share":
        return share(value)
    if form in ("co2e", "mass"):
        return _unsigned_zero(f"{value:,.2f}")
    if form == "exact":
        return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) >= EXACT_FROM else f"{value:.6g}"
    if form in ("tonnes", "money", "count"):
        return _unsigned_zero(f"{value:,.0f}")
    return digits(value)


def width(words: str) -> int:
    """Columns that words take on a screen; a Chinese character takes two.

    >>> width("碳价 62")
    7
    """
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in words)


def shortened(words: str, columns: int) -> str:
    """Words cut to a width, with an ellipsis if something is missing.

    >>> shortened("煤矸石发电企业", 9)
    '煤矸石发…'
    """
    if width(words) <= columns:
        return words
    return next(words[:end] for end in range(len(words), -1, -1) if width(words[:end]) < columns) + "…"


def squeezed(words: str, columns: int) -> str:
    """Words cut to a width in the middle, where names that begin alike differ least often.

    >>> squeezed("Panzhihua Vanadium and Titanium Works No. 2", 21)
    'Panzhihua…orks No. 2'
    """
    if width(words) <= columns:
        return words
    start, end = 0, len(words)
    # Letter by letter from both ends, the end first: numbers stand there.
    while True:
        left = width(words[:start]) < width(words[end:])
        start, end = (start + 1, end) if left else (start, end - 1)
        if width(words[:start]) + 1 + width(words[end:]) > columns:
            start, end = (start - 1, end) if left else (start, end + 1)
            return f"{words[:start].rstrip()}…{words[end:].lstrip()}"


def wrapped(words: str, columns: int) -> str:
    r"""Words in lines of at most a width, broken after a comma, colon or blank where there is one.

    >>> wrapped("2035年碳价：甲最高，乙最低", 20)
    '2035年碳价：甲最高，\n乙最低'
    """
    lines = []
    while width(words) > columns:
        most = max(end for end in range(1, len(words)) if width(words[:end]) <= columns)
        # The comma of 1,500 is no place to break.
        commas = [found.end() for found in re.finditer(r"(?:[,;:](?!\d)|[、，；：]) ?", words)
                  if found.end() <= most + 1]  # fmt: skip
        blanks = [found.end() for found in re.finditer(" ", words[: most + 1])]
        far = [end for end in commas if width(words[:end]) > columns // 2] or blanks
        cut = far[-1] if far else most
        lines.append(words[:cut].rstrip())
        words = words[cut:].lstrip()
    return "\n".join([*lines, words])


def year_of_money(unit: str) -> int | None:
    """Price year inside a money unit.

    >>> year_of_money("CNY2025/tCO₂e")
    2025
    """
    found = re.search(r"[A-Z]{3}(\d{4})", unit)
    return int(found.group(1)) if found else None
