"""Every packaged problem clears and gives the answer that its file states, to the tolerance it states."""

import pytest

import carbonsim as cs
from carbonsim.inputs.parameters import BASES
from carbonsim.market.problem_file import packaged_problems

NAMES = [name for name, _, _ in packaged_problems()]
LOOSEST = 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_a_packaged_problem_has_the_answer_it_states(name: str) -> None:
    file = cs.read_problem(name)
    assert file.expected is not None
    assert max(file.expected.relative, file.expected.absolute) <= LOOSEST
    found = file.compare(file.clear())
    assert found
    assert [one for one in found if not one.holds] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_packaged_problem_says_who_says_so_in_both_languages(name: str) -> None:
    text = cs.read_problem(name).text
    assert text["basis"] in BASES
    assert text["source"]
    assert text["title"] != text["title_zh"]
    assert text["description"].endswith(".")
    assert text["description_zh"].endswith("。")


def test_the_shared_cases_are_all_there() -> None:
    # Three textbook trades; A; B under four caps; C; C2 without and with borrowing; E under four caps; F for three
    # coverages at three caps each, and the two sectors that enter later in markets of their own; D without policy and
    # under both; G at four supplies.
    groups = {"two_firms": 4, "three_sectors": 4, "banking": 3, "collar": 4, "coverage": 15, "output": 3, "auction": 4}
    for start, count in groups.items():
        assert sum(name.startswith(start) for name in NAMES) == count, start
