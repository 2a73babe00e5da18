"""Reads what the back-cast of the national power market starts from: published facts, assumptions, the power plans."""

from __future__ import annotations

from collections.abc import Mapping

from carbonsim.errors import InputError
from carbonsim.inputs.parameter_files import read_topic
from carbonsim.inputs.parameters import Parameter, ParameterSet
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.study_parts import PACKAGED, Reading, read_sources
from carbonsim.inputs.tables import TableFiles
from carbonsim.inputs.yaml_loader import read_yaml

FILES = ("parameters/china/power.yaml", "backcast/published.yaml", "backcast/assumed.yaml")


def read_backcast_parameters() -> tuple[ParameterSet, Mapping[str, str]]:
    """The parameters ``power.*``, ``published.*`` and ``assumed.*``, with the hash of each file.

    Raises
    ------
    InputError
        With every fault of a file: a value without a source or a basis, a source that is not listed.
    """
    reading = Reading()
    sources = set(read_sources(None, "", TableFiles(), reading))
    parameters: dict[str, Parameter] = {}
    for name in FILES:
        path = scenarios_folder() / name
        document, faults = read_yaml(path, f"{PACKAGED}/{name}")
        reading.issues += faults
        if document is None:
            continue
        reading.note(document.source, document.sha256, path)
        for parameter, found in read_topic(document, path.stem, sources):
            reading.issues += found
            if parameter is not None:
                parameters[parameter.path] = parameter
    if reading.issues:
        raise InputError(reading.issues)
    return ParameterSet(parameters), reading.hashes
