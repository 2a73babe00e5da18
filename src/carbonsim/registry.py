"""Registries: how a rule, a sector, an instrument or a measure becomes known by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from carbonsim.errors import InputError, PluginError, did_you_mean

T = TypeVar("T", bound=Callable[..., Any] | type)


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One registered plug-in: its name, the object, and what it declares about itself."""

    name: str
    target: T
    summary: str
    declares: dict[str, Any] = field(default_factory=dict)


class Registry(Generic[T]):
    """Plug-ins of one kind, found by name; the modules of ``package`` are imported at first use."""

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, Entry[T]] = {}
        self._loaded = False

    def register(self, name: str, **declares: Any) -> Callable[[T], T]:
        """Decorator that registers a plug-in under ``name`` with its declarations."""

        def decorate(target: T) -> T:
            if name in self._entries and self._entries[name].target is not target:
                raise PluginError(f"{self.kind} '{name}' is registered twice; choose another name.")
            summary = (target.__doc__ or "").strip().split("\n")[0]
            if not summary:
                raise PluginError(f"{self.kind} '{name}' has no docstring; its first line is shown to users.")
            self._entries[name] = Entry(name, target, summary, dict(declares))
            return target

        return decorate

    def unregister(self, name: str) -> None:
        """Forget one plug-in (for tests that add a dummy)."""
        self._entries.pop(name, None)

    def get(self, name: str) -> Entry[T]:
        """The plug-in called ``name``; an unknown name is an InputError that lists the known ones."""
        self._load()
        if name not in self._entries:
            known = ", ".join(self)
            raise InputError(
                f"{self.kind} '{name}' is not known. Known: {known}. {did_you_mean(name, self)}".strip(),
                f"名称 '{name}' 未知。可用：{'、'.join(self)}。{did_you_mean(name, self, 'zh')}",
            )
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._entries

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True  # before the imports: a plug-in may look its own kind up
        try:
            package = importlib.import_module(self._package)
            for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
                importlib.import_module(f"{self._package}.{module}")
        except Exception:
            self._loaded = False  # or the next look-up would call every plug-in unknown
            raise
