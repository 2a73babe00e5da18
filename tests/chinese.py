"""Whether a text is one that a reader of Chinese can read: ids and numbers may stand in it, English sentences not."""

from __future__ import annotations

import re

CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Ids have underscores, dots or capitals; four plain words in a row are a clause.
ENGLISH_CLAUSE = re.compile(r"(?<![\w.])[a-z]+(?:,? [a-z]+){3,}(?![\w.])")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]\d+)?")


def reads_as_chinese(text: str) -> bool:
    """Whether a text has Chinese letters and no run of four or more English words."""
    return bool(CHINESE.search(text)) and not ENGLISH_CLAUSE.search(text)


def numbers_in(text: str) -> set[str]:
    """The numbers that a text states, as it writes them."""
    return set(NUMBER.findall(text.replace(",", "")))
