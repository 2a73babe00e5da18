"""What the YAML files of a study may hold: strict models, and faults in our own words with the line."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from carbonsim.errors import Issue, did_you_mean
from carbonsim.inputs.yaml_loader import YamlFile

if TYPE_CHECKING:
    from pydantic import BaseModel

SchemaName = Literal["scenario", "change_file", "source", "parameter", "value"]
MAX_PRUNINGS = 5
NAME_PATTERN = r"^\w[\w-]*$"
_EXPECTED = {
    "string": ("text", "文本"),
    "int": ("a whole number", "整数"),
    "float": ("a number", "数字"),
    "bool": ("true or false", "true 或 false"),
    "dict": ("a mapping (key: value)", "映射（键: 值）"),
    "model": ("a mapping (key: value)", "映射（键: 值）"),
    "list": ("a list", "列表"),
    "finite": ("a finite number", "有限数字"),
}


@functools.cache
def models() -> Mapping[SchemaName, type[BaseModel]]:
    """The strict model of each kind of file or entry; unknown keys, NaN and infinity are refused."""
    from pydantic import Field

    text, blank, absent = (str, ...), (str, ""), (str | None, None)
    filled, number = (str, Field(min_length=1)), (float | None, None)
    evidence = {"source": absent, "where": absent, "basis": absent, "announced": absent, "note": blank}
    names: tuple[Any, Any] = (list[str], Field(default_factory=list))
    change = _make("Change", value=(Any, ...), basis=text, why=text, source=blank)
    return {
        "scenario": _scenario_model(),
        "change_file": _make(
            "ChangeFile",
            extends=text,
            name=_name(),
            title=(_title(), ...),
            description=blank,
            changes=(dict[str, change], ...),  # type: ignore[valid-type]
        ),
        "source": _make("Source", title=filled, url=blank, read_on=blank, confidence=(str, "read"), note=blank),
        "parameter": _make(
            "Parameter",
            description=filled,
            unit=text,
            dims=names,
            bounds=(list[float] | None, None),
            values=(dict[Any, Any], Field(min_length=1)),
            valid_until=(int, ...),
            checked_on=absent,
            **evidence,
        ),
        "value": _make("Value", value=(float | None, ...), low=number, high=number, **evidence),
    }


def _scenario_model() -> type[BaseModel]:
    from pydantic import Field

    rule = _make("Rule", rule=(str, ...), options=(dict[str, Any], Field(default_factory=dict)))
    market = _make(
        "Market",
        scope=(Literal["national", "local", "price"], "local"),
        instruments=(list[str], Field(default_factory=lambda: ["banking"])),
    )
    return _make(
        "Scenario",
        name=_name(),
        title=(_title(), ...),
        description=(str, ""),
        years=(list[int], Field(min_length=2, max_length=2)),
        base_year=(int, ...),
        price_year=(int, ...),
        illustrative=(bool, False),
        allow_draft=(bool, False),
        parameters=(list[str], Field(default_factory=list)),
        market=(market, Field(default_factory=market)),
        allocation=(dict[str, dict[int, rule]], ...),  # type: ignore[valid-type]
    )


def _title() -> type[BaseModel]:
    return _make("Title", en=(str, ...), zh=(str, ...))


def _name() -> tuple[type[str], Any]:
    from pydantic import Field

    return str, Field(pattern=NAME_PATTERN)


def _make(label: str, **fields: Any) -> type[BaseModel]:
    from pydantic import ConfigDict, create_model

    return create_model(label, __config__=ConfigDict(extra="forbid", strict=True, allow_inf_nan=False), **fields)


def validate(schema: SchemaName, data: object, document: YamlFile, *path: object) -> tuple[dict[str, Any], list[Issue]]:
    """The valid fields of ``data`` (defaults filled in) and a fault for every other.

    Parameters
    ----------
    schema : str
        Which model to hold the data to.
    data : object
        Value found in the file.
    document : YamlFile
        File it was found in, for the lines.
    *path : object
        Keys that lead to the data in the file.
    """
    from pydantic import ValidationError

    model = models()[schema]
    if not isinstance(data, dict):
        return {}, [_issue(document, path, "wrong-type", ("must be a mapping (key: value).", "必须是映射（键: 值）。"))]
    try:
        return _fields(model.model_validate(data), model), []
    except ValidationError as problem:
        errors = problem.errors(include_url=False, include_context=True)
    issues = [_translate(cast("Mapping[str, Any]", error), model, document, path) for error in errors]
    partial, kept = _partial_models()[schema], data
    for _ in range(MAX_PRUNINGS):
        kept = functools.reduce(_without, (_blamed(error) for error in errors), kept)
        try:
            return _fields(partial.model_validate(kept), model), issues
        except ValidationError as problem:
            errors = problem.errors(include_url=False, include_context=False)
    return {}, issues


@functools.cache
def _partial_models() -> Mapping[SchemaName, type[BaseModel]]:
    """The same models with no top-level key required, to read what is left when faulty keys are taken out."""
    partial: dict[SchemaName, type[BaseModel]] = {}
    for schema, model in models().items():
        optional: dict[str, Any] = {
            name: (field.annotation, None if field.is_required() else field)
            for name, field in model.model_fields.items()
        }
        partial[schema] = _make(f"Partial{model.__name__}", **optional)
    return partial


def _blamed(error: Mapping[str, Any]) -> tuple[object, ...]:
    """The path to take out for one error: the entry itself, or what lacks a required key."""
    place = tuple(part for part in error["loc"] if part != "[key]")
    return place[:-1] if error["type"] == "missing" else place


def _without(data: Any, place: tuple[object, ...]) -> Any:
    """A copy of nested mappings and lists without the entry at ``place``; a list with a bad entry goes as a whole."""
    if not place or not isinstance(data, dict) or place[0] not in data:
        return data
    inner = data[place[0]]
    if len(place) == 1 or not isinstance(inner, dict):
        return {key: value for key, value in data.items() if key != place[0]}
    return {**data, place[0]: _without(inner, place[1:])}


def _fields(instance: BaseModel, model: type[BaseModel]) -> dict[str, Any]:
    """Plain values of the keys that were given, and of those that have a default."""
    given = instance.model_fields_set
    return {
        name: _plain(getattr(instance, name))
        for name, field in model.model_fields.items()
        if name in given or not field.is_required()
    }


def _plain(value: Any) -> Any:
    return value.model_dump() if hasattr(value, "model_dump") else _plain_tree(value)


def _plain_tree(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _translate(error: Mapping[str, Any], model: type[BaseModel], document: YamlFile, path: tuple[object, ...]) -> Issue:
    place = tuple(part for part in error["loc"] if part != "[key]")
    key = str(place[-1]) if place else ""
    kind = error["type"]
    found = "" if isinstance(error["input"], dict | list) else str(error["input"])
    where = (*path, *place)
    if kind == "missing":
        return _issue(document, where, "missing-key", (f"'{key}' is missing.", f"缺少“{key}”。"))
    if kind == "extra_forbidden":
        known = _known_keys(model, place[:-1])
        hint = did_you_mean(key, known) or f"Known: {', '.join(known)}."
        return _issue(document, where, "unknown-key", (f"key '{key}' is not known.", f"未知的键“{key}”。", hint), key)
    if kind == "literal_error":
        expected = error["ctx"]["expected"]
        return _issue(
            document,
            where,
            "unknown-choice",
            (f"'{key}' is '{found}', expected {expected}.", f"“{key}”为“{found}”，应为 {expected}。"),
            found,
        )
    if kind in ("string_pattern_mismatch", "string_too_short"):
        return _issue(
            document,
            where,
            "bad-name",
            (
                f"'{key}' is '{found}', expected letters, digits, _ and -.",
                f"“{key}”为“{found}”，只能含字母、数字、_ 和 -。",
            ),
            found,
        )
    if kind in ("too_short", "too_long"):
        return _issue(
            document, where, "wrong-length", (f"'{key}' has a wrong number of entries.", f"“{key}”的项数不对。")
        )
    expected, chinese = _EXPECTED.get(kind.split("_")[0], ("another kind of value", "其他类型的值"))
    shown = f"'{found}'" if found else "a list or mapping"
    return _issue(
        document,
        where,
        "wrong-type",
        (f"'{key}' is {shown}, expected {expected}.", f"“{key}”为 {shown}，应为{chinese}。"),
        found,
    )


def _known_keys(model: type[BaseModel], place: Iterable[object]) -> list[str]:
    """Keys known at a place inside a model: nested models are followed by the name of their field."""
    current: Any = model
    for part in place:
        fields = getattr(current, "model_fields", {})
        if part in fields:
            current = fields[part].annotation
        for _ in range(3):
            inner = [item for item in getattr(current, "__args__", ()) if item is not type(None)]
            if not hasattr(current, "model_fields") and inner:
                current = inner[-1]
    return sorted(getattr(current, "model_fields", model.model_fields))


def _issue(document: YamlFile, path: Iterable[object], code: str, texts: tuple[str, ...], value: str = "") -> Issue:
    """A fault of a YAML file at the line of ``path``; ``texts`` are message, 中文, hint, 提示."""
    message, chinese, hint, hint_zh = (*texts, "", "", "")[:4]
    dotted = ".".join(str(part) for part in path)
    prefix = f"{dotted}: " if dotted else ""
    return Issue(
        code,
        document.source,
        f"{prefix}{message}",
        f"{prefix}{chinese}",
        hint,
        hint_zh,
        line=document.line(*path) or 1,
        value=value,
    )


yaml_issue = _issue
