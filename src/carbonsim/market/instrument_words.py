"""What instruments say against themselves, in Chinese as far as the sentence is one that many of them use."""

from __future__ import annotations

import re

# The sentences of carbonsim.market.supply and of several instruments; a group is put in where the Chinese says so.
_SENTENCES = (
    (
        r"(\S+) has (\d+) values; expected 1 or one for each of the (\d+) years\.",
        r"\1 有 \2 个值，应为 1 个，或 \3 年每年一个。",
    ),
    (r"(\S+) holds (\S+); expected numbers that are not negative\.", r"\1 含 \2，应为非负数。"),
    (r"(\S+) is infinite; leave a year without the step as NaN\.", r"\1 为无穷大；某年没有该项时请写 null。"),
    (r"(\S+) holds NaN; write 0 for a year without the step\.", r"\1 有空缺；某年没有该项时请写 0。"),
    (
        r"(\S+) is declared but offers nothing in any year; give it a quantity and a price, or leave it out\.",
        r"\1 在任何年份都不提供配额；请给出数量和价格，或删去该项。",
    ),
    (
        r"(\S+) may be used from (\S+) until (\S+); the first year must not be after the last\.",
        r"\1 可用期为 \2 至 \3；首年不得晚于末年。",
    ),
    (
        r"(\S+) may be used from (\S+) until (\S+), never in (\S+); leave it out of this market\.",
        r"\1 可用期为 \2 至 \3，不含 \4 的任何年份；请在本市场中删去该项。",
    ),
    (
        r"(\S+) needs? exactly one limit: share_limit or quantity\.",
        r"\1 须且只须给出一种限制：share_limit 或 quantity。",
    ),
    (r"(\S+) is (\S+); expected a share from 0 to 1\.", r"\1 为 \2，应为 0 到 1 之间的比例。"),
    (r"(\S+) is (\S+); expected a price that is not negative\.", r"\1 为 \2，应为非负价格。"),
    (r"(\S+) is (\S+); expected a whole number of years, not negative\.", r"\1 为 \2，应为非负整数年。"),
    (
        r"(\S+) is declared in a market of one year, where it has no effect; leave it out\.",
        r"\1 用于只有一年的市场时不起作用，请删去该项。",
    ),
    (r"instrument '(.+)' is declared twice; give each its own name\.", r"市场工具“\1”重复，请分别命名。"),
    (r"supply step '(.+)' is declared twice; give each its own name\.", r"供给项“\1”重复，请分别命名。"),
    (
        r"instruments (.+) have no effect at a given price; leave them out\.",
        r"给定价格时，市场工具 \1 不起作用，请删去。",
    ),
)


def in_chinese(sentence: str) -> str:
    """The sentence in Chinese, or a Chinese word on what it is before the sentence itself.

    >>> in_chinese("offsets.share_limit is 3; expected a share from 0 to 1.")
    'offsets.share_limit 为 3，应为 0 到 1 之间的比例。'
    >>> in_chinese("vintages.life is 0: nothing outlives its year.")
    '设置有误（原文）：vintages.life is 0: nothing outlives its year.'
    """
    for pattern, chinese in _SENTENCES:
        found = re.fullmatch(pattern, sentence)
        if found:
            return found.expand(chinese)
    return f"设置有误（原文）：{sentence}"
