"""The packaged parameters of China, read once."""

import pytest

from carbonsim.inputs.parameter_files import read_parameter_folder
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.yaml_loader import read_yaml


@pytest.fixture(scope="session")
def china() -> ParameterSet:
    folder = scenarios_folder()
    sources, _ = read_yaml(folder / "sources.yaml", "sources.yaml")
    assert sources is not None
    found, _, issues = read_parameter_folder(folder / "parameters" / "china", "china", sources.data)
    mine = [issue.text() for issue in issues if "power.yaml" in issue.source or "industry.yaml" in issue.source]
    assert mine == []
    return ParameterSet(found)
