"""An auction file whose ties are drawn needs a seed, and says so where it is read."""

from pathlib import Path

import pytest

from carbonsim.errors import InputError
from carbonsim.market.problem_file import read_problem

FILE = """\
kind: auction
supply: 60
tie: random
bids:
  a: {price: 50, quantity: 30}
  b: {price: 50, quantity: 40}
"""


def test_random_ties_without_a_seed_are_a_fault_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sale.yaml"
    path.write_text(FILE, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_problem(path)
    (issue,) = caught.value.issues
    assert "seed" in str(issue)
    assert issue.line == 3  # where ties are said to be random


def test_with_a_seed_the_draw_is_the_same_each_time(tmp_path: Path) -> None:
    path = tmp_path / "sale.yaml"
    path.write_text(FILE + "seed: 4\n", encoding="utf-8")
    first, again = (read_problem(path).clear().dataset.award.values.tolist() for _ in range(2))
    assert first == again
    assert first in ([30.0, 30.0], [20.0, 40.0])  # whoever is drawn first is served whole
