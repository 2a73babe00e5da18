"""Problem files: every fault at once with its line, key and remedy; what is read is what is written."""

import math
from pathlib import Path

import pytest

import carbonsim as cs
from carbonsim.errors import InputError
from carbonsim.market.expected import Expected, compare, expected_faults
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.instruments.reserve_tier import ReserveTier

SOUND = """\
title: A market
year: [2025, 2026]
interest: 0.05
supply: {2025: 150, 2026: 120}
enterprises:
  north: {baseline: 100}
  south: {baseline: [60, 70], share: 0.5}
options:
  north/a: {enterprise: north, potential: 20, unit_cost: 10}
instruments:
  banking: {borrowing: unlimited}
  upper: {kind: reserve_tier, price: [null, 35], quantity: 12}
"""

FAULTY = """\
title: A market
titel: twice
basis: assumtion
currency: yuan
kind: market
year: [2025, 2026]
interst: 0.05
supply: [150, 120, 90]
enterprises:
  north: {baseline: hundred}
  south: {baseline: -60, share: 1.5, fixd: 3}
options:
  north/a: {enterprise: nord, potential: 20}
instruments:
  bankng: {}
  upper: {kind: reserve_tier, price: 35, quantty: 12}
  offsets: {price: 30}
concept: {kind: rolling_horizn, window: 3}
expected:
  tolerance: {relativ: 0.1}
  allowance_price: 3
"""
# (line, what names the place, what is said, what helps)
PLANTED = [
    (2, "titel", "no known key", "Did you mean 'title'?"),
    (3, "basis", "'assumtion'", "Did you mean 'assumption'?"),
    (4, "currency", "'yuan'", "CNY2025"),
    (7, "interst", "no known key", "Did you mean 'interest'?"),
    (8, "supply", "3 values", "2 years"),
    (10, "enterprises.north.baseline", "'hundred'", "not negative"),
    (11, "enterprises.south.baseline", "-60", "not negative"),
    (11, "enterprises.south.share", "1.5", "from 0 to 1"),
    (11, "enterprises.south.fixd", "no known key", "Did you mean 'fixed'?"),
    (13, "options.north/a.enterprise", "'nord'", "Did you mean 'north'?"),
    (13, "options.north/a.unit_cost", "missing", "must be given"),
    (15, "instruments.bankng", "no instrument", "Did you mean 'banking'?"),
    (16, "instruments.upper.quantty", "no known key", "Did you mean 'quantity'?"),
    (16, "instruments.upper.quantity", "missing", "must be given"),
    (17, "instruments.offsets", "exactly one limit", "share_limit"),
    (18, "concept.kind", "'rolling_horizn'", "Did you mean 'rolling_horizon'?"),
    (20, "expected.tolerance.relativ", "no known key", "Did you mean 'relative'?"),
]


def write(folder: Path, text: str) -> Path:
    path = folder / "problem.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[cs.Issue]:
    with pytest.raises(InputError) as caught:
        cs.read_problem(write(folder, text))
    return list(caught.value.issues)


def test_every_planted_fault_is_reported_at_once_with_line_key_value_and_remedy(tmp_path: Path) -> None:
    found = faults(tmp_path, FAULTY)
    texts = [(issue.line, issue.text()) for issue in found]
    for line, place, said, help_ in PLANTED:
        assert any(at == line and place in text and said in text and help_ in text for at, text in texts), (
            place,
            texts,
        )
    assert len(found) == len(PLANTED)


def test_every_fault_has_a_chinese_text_and_the_same_lines(tmp_path: Path) -> None:
    for issue in faults(tmp_path, FAULTY):
        assert issue.text("zh").startswith(f"{tmp_path / 'problem.yaml'}:{issue.line}")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in issue.message_zh), issue.message_zh


def test_a_sound_file_is_read_as_written(tmp_path: Path) -> None:
    file = cs.read_problem(write(tmp_path, SOUND))
    problem = file.problem
    assert problem.supply.tolist() == [150.0, 120.0]
    assert problem.baseline.tolist() == [[100.0, 100.0], [60.0, 70.0]]
    assert problem.share[1].tolist() == [0.5, 0.5]
    banking, tier = problem.instruments
    assert isinstance(banking, Banking)
    assert math.isinf(banking.borrowing[0])
    assert isinstance(tier, ReserveTier)
    assert tier.label == "upper"
    assert math.isnan(tier.price[0])
    assert tier.price[1] == 35.0


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("year: [2025, 2026]", "year: [2025, 2027]", 2, "consecutive"),
        ("{2025: 150, 2026: 120}", "{2025: 150}", 4, "no value for 2026"),
        ("{2025: 150, 2026: 120}", "{2025: 150, 2026: 120, 2072: 1}", 4, "2072"),
        ("potential: 20", "potential: 120", 9, "cut 120 t in 2025, of 100 t"),
        ("potential: 20", "potential: true", 9, "True"),
        ("interest: 0.05", "interest: -1", 3, "above -1"),
        ("kind: reserve_tier", "kind: reserve_teir", 12, "Did you mean 'reserve_tier'?"),
        ("title: A market", "kind: markt", 1, "Did you mean 'market'?"),
        ("title: A market", "title: 3", 1, "a text"),
        ("  north: {baseline: 100}", "  north: 100", 6, "mapping of fields"),
        ("title: A market", "concept: {kind: rolling_horizon, widow: 3}", 1, "Did you mean 'window'?"),
        ("title: A market", "expected: {}", 1, "mapping of results"),
    ],
)
def test_each_single_fault_stands_at_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in SOUND
    found = faults(tmp_path, SOUND.replace(old, new))
    assert any(issue.line == line and said in issue.text() for issue in found), [issue.text() for issue in found]


def test_a_text_with_a_colon_is_told_to_be_quoted(tmp_path: Path) -> None:
    (issue,) = faults(tmp_path, SOUND.replace("A market", "A market: small"))
    assert issue.line == 1
    assert "Quote" in issue.hint


def test_no_file_names_the_nearest_packaged_problem() -> None:
    with pytest.raises(InputError, match="Did you mean 'two_firms'"):
        cs.read_problem("two_frms")


def test_a_mapping_by_hand_is_told_all_faults_too() -> None:
    with pytest.raises(InputError) as caught:
        cs.MarketProblem.from_mapping({"year": [2025], "enterprises": {"a": {"baseline": -1, "shar": 1}}, "suply": 3})
    assert len(caught.value.issues) == 3


def test_the_problem_prints_each_instrument_on_a_line(tmp_path: Path) -> None:
    printed = repr(cs.read_problem(write(tmp_path, SOUND)).problem).splitlines()
    assert any(line.strip().startswith("banking") for line in printed)
    assert any("upper" in line and "none, 35" in line for line in printed)


def test_expected_values_are_compared_within_both_tolerances(tmp_path: Path) -> None:
    file = cs.read_problem("two_firms")
    answers = file.rules.answers(file.problem, file.clear())
    # The price is 12: 12.1 is off by 0.1, which 1 per cent of 12.1 allows and 0.5 per cent does not.
    loose, tight = (Expected({"allowance_price": 12.1}, relative=part, absolute=0.0) for part in (0.01, 0.005))
    assert [one.holds for one in compare(loose, answers)] == [True]
    assert [one.holds for one in compare(tight, answers)] == [False]
    wide = Expected({"abatement": {"north": [6.4], "south": {2025: 12}}}, relative=0.0, absolute=0.3)
    assert [(one.where, one.holds) for one in compare(wide, answers)] == [("north 2025", False), ("south 2025", True)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"allowance_prise": 1}, "Did you mean 'allowance_price'?"),
        ({"abatement": {"nort": 6}}, "Did you mean 'north'?"),
        ({"abatement": 18}, "mapping of labels"),
        ({"allowance_price": [1, 2]}, "2 values"),
        ({"present_value_cost": {"2025": 3}}, "a number"),
    ],
)
def test_an_expected_result_that_does_not_exist_is_refused(values: dict[str, object], said: str) -> None:
    file = cs.read_problem("two_firms")
    answers = file.rules.answers(file.problem, file.clear())
    found = [fault.issue("file").text() for fault in expected_faults(Expected(values), answers)]
    assert len(found) == 1
    assert said in found[0]


def test_what_instruments_say_of_each_other_stands_at_one_of_them(tmp_path: Path) -> None:
    (issue,) = faults(tmp_path, SOUND.replace("kind: reserve_tier", "kind: reserve_tier, name: banking"))
    assert issue.line == 11
    assert "twice" in issue.message
    assert "重复" in issue.message_zh


def test_costs_and_transfers_add_up_to_what_enterprises_pay() -> None:
    # Auction and reserve at 15: 17.5 t are bought, so the government receives 262.5; abatement costs 15^2 / 2 * 1.5.
    file = cs.read_problem("collar_16")
    answers = file.rules.answers(file.problem, file.clear())
    assert float(answers.government_receipts.item()) == pytest.approx(262.5)
    assert float(answers.resource_cost.item()) == pytest.approx(168.75)
    assert float(answers.total_net_cost.item()) == pytest.approx(431.25)


def test_money_drawn_from_the_bank_closes_the_year() -> None:
    file = cs.read_problem("banking")
    answers = file.rules.answers(file.problem, file.clear())
    parts = answers.resource_cost + answers.government_receipts + answers.drawn_from_bank
    assert parts.values == pytest.approx(answers.total_net_cost.values)
    # First year: supply 100, emissions 68.99322, so the bank takes 31.00678 at a price of 31.00678.
    assert float(answers.drawn_from_bank[0]) == pytest.approx(-(31.00678**2), rel=1e-5)


def test_offsets_and_penalties_are_costs_of_their_own(tmp_path: Path) -> None:
    # 100 t against 40: 20 t abated at 10, 15 offsets at 30, the last 25 t are left unmet at a fee of 60.
    text = """\
year: [2025]
supply: 40
enterprises:
  north: {baseline: 100}
options:
  north/a: {enterprise: north, potential: 20, unit_cost: 10}
instruments:
  offsets: {price: 30, quantity: 15}
  penalty: {price: 60}
"""
    file = cs.read_problem(write(tmp_path, text))
    answers = file.rules.answers(file.problem, file.clear())
    assert float(answers.resource_cost.item()) == pytest.approx(20 * 10 + 15 * 30)
    assert float(answers.government_receipts.item()) == pytest.approx(40 * 60 + 25 * 60)
    assert float(answers.net_cost.item()) == pytest.approx(200 + 450 + 1500 + 40 * 60)
