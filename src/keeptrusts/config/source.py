"""YAML text to plain values and their places, in one walk over libyaml's events.

Events, not PyYAML's `compose`: depth and size must be refused while reading, since deeply nested text is slow to scan
and crashes recursive readers. Merge keys, tags and duplicate keys are refused, so that what a reader sees is what runs.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import yaml
from yaml import events
from yaml._yaml import CParser

from keeptrusts.config.scalars import OddNumber, read_scalar
from keeptrusts.contract.call import Path

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
MAX_VALUES = 20_000
MAX_ALIASED = 10_000

_BROKEN_YAML = "check indentation and quotes near here; a value with `: ` or ` #` in it needs quotes"


class Place(NamedTuple):
    """A position in the text; both count from 1, columns in characters."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that the reader refuses. `code` is a problem's code."""

    code: str
    path: Path
    place: Place
    message: str
    suggestion: str


@dataclass(slots=True)
class Source:
    """A text that was read. `value` means something only where `is_whole`; `raw` is the text behind each number."""

    text: str
    value: Any = None
    is_whole: bool = False
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def nearest(self, path: Path) -> Path:
        """The path itself where it stands in the text, else its nearest parent that does."""
        while path and path not in self.values:
            path = path[:-1]
        return path

    def place_of(self, path: Path, *, at_key: bool = False) -> Place:
        """Where a value, or its key, stands; for one that is not there, where its nearest parent does."""
        if at_key and path in self.keys:
            return self.keys[path]
        return self.values.get(self.nearest(path), START)


def read_source(data: bytes) -> Source:
    """Read one YAML document. Never raises: what is wrong is in `complaints`."""
    if len(data) > MAX_BYTES:
        size = f"the file has {len(data):,} bytes; a pack may have {MAX_BYTES:,}"
        return _refused("", START, size, "split it into one pack per team")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        return _refused("", place, "the file is not UTF-8 text", "save it as UTF-8")
    source = Source(text)
    try:
        _Walk(source, data).document()
    except _Stop as stop:
        source.complaints.append(stop.complaint)
    except yaml.reader.ReaderError as error:
        source.complaints.append(_unreadable_character(text, error))
    except yaml.MarkedYAMLError as error:
        source.complaints.append(_syntax(text, error))
    return source


def _refused(text: str, place: Place, message: str, suggestion: str) -> Source:
    return Source(text, complaints=[Complaint("E006", (), place, message, suggestion)])


def _unreadable_character(text: str, error: yaml.reader.ReaderError) -> Complaint:
    """The reader counts in bytes here, so the character is looked for by what it is."""
    before = text.partition(chr(error.character))[0] if isinstance(error.character, int) else ""
    place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
    return Complaint("E006", (), place, "the text holds a control character", "delete it, or write it as an escape")


def _syntax(text: str, error: yaml.MarkedYAMLError) -> Complaint:
    mark = error.problem_mark or error.context_mark
    place = START if mark is None else Place(mark.line + 1, mark.column + 1)
    if _is_tabbed(text, place.line):
        return Complaint(
            "E006", (), place, "a tab stands here; YAML is indented with spaces", "put spaces in its place"
        )
    what = " ".join(part for part in (error.context, error.problem) if part)
    return Complaint("E006", (), place, f"this is not YAML: {what}", _BROKEN_YAML)


def _is_tabbed(text: str, line: int) -> bool:
    """Whether a tab stands among what the line is indented with."""
    lines = text.split("\n")
    found = lines[line - 1] if line <= len(lines) else ""
    return "\t" in found[: len(found) - len(found.lstrip(" \t-"))]


class _Stop(Exception):
    """Reading further would be pointless or costly."""

    def __init__(self, path: Path, place: Place, message: str, suggestion: str) -> None:
        super().__init__(message)
        self.complaint = Complaint("E006", path, place, message, suggestion)


class _Anchor(NamedTuple):
    value: Any
    size: int  # values in it, itself included
    height: int  # how deep it is


_Open: TypeAlias = None  # an anchor whose value is not read yet


def _place(event: events.Event) -> Place:
    assert event.start_mark is not None  # libyaml always tells
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


class _Walk:
    """One reading. Fills the source; recursion is bounded by MAX_DEPTH."""

    def __init__(self, source: Source, data: bytes) -> None:
        self._source = source
        self._parser = CParser(data)
        self._anchors: dict[str, _Anchor | _Open] = {}
        self._count = 0
        self._aliased = 0
        self._deepest = 0

    def document(self) -> None:
        self._next()  # the stream's start
        event = self._next()
        if isinstance(event, events.StreamEndEvent):
            raise _Stop((), START, "the file is empty", "`kt init` writes a pack to begin with")
        value = self._value(self._next(), (), 1)
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, events.StreamEndEvent):
            message = "a second document begins here; a file holds one pack"
            raise _Stop((), _place(event), message, "delete the line `---`, or put the second pack into its own file")
        self._source.value = value
        self._source.is_whole = True

    def _next(self) -> events.Event:
        event = self._parser.get_event()
        assert event is not None  # after the stream's end nobody asks
        return event

    def _value(self, event: Any, path: Path, depth: int) -> Any:
        """Read the value that this event begins."""
        place = _place(event)
        self._source.values.setdefault(path, place)
        if isinstance(event, events.AliasEvent):
            return self._alias(event, path, place, depth)
        self._count_one(path, place, depth)
        if event.tag is not None:
            self._complain(path, place, "tags such as `!!str` are not part of the language", "delete the tag")
        if event.anchor is None:
            return self._content(event, path, place, depth)
        return self._anchored(event, path, place, depth)

    def _content(self, event: events.Event, path: Path, place: Place, depth: int) -> Any:
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event, path, place)
        if isinstance(event, events.MappingStartEvent):
            return self._mapping(path, depth)
        return self._sequence(path, depth)

    def _count_one(self, path: Path, place: Place, depth: int) -> None:
        self._count += 1
        self._deepest = max(self._deepest, depth)
        if depth > MAX_DEPTH:
            raise _Stop(path[:4], place, f"the text is nested more than {MAX_DEPTH} levels deep", "flatten it")
        if self._count > MAX_VALUES:
            raise _Stop(path[:4], place, f"the file holds more than {MAX_VALUES:,} values", "split the pack")

    def _anchored(self, event: Any, path: Path, place: Place, depth: int) -> Any:
        before, deepest = self._count, self._deepest
        self._deepest = depth
        self._anchors[event.anchor] = None
        value = self._content(event, path, place, depth)
        self._anchors[event.anchor] = _Anchor(value, self._count - before + 1, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return value

    def _alias(self, event: events.AliasEvent, path: Path, place: Place, depth: int) -> Any:
        if event.anchor not in self._anchors:
            raise _Stop(path, place, "this alias names an anchor that was not set before", "set it with `&` above")
        anchor = self._anchors[event.anchor]
        if anchor is None:
            raise _Stop(path, place, "this alias stands inside the value that it names", "write the value out")
        self._count += anchor.size - 1
        self._aliased += anchor.size
        if self._aliased > MAX_ALIASED:
            raise _Stop(path[:4], place, f"aliases stand for more than {MAX_ALIASED:,} values", "write values out")
        self._count_one(path, place, depth + anchor.height)
        return anchor.value

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), events.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := self._next(), events.MappingEndEvent):
            key = self._key(event, path, depth)
            if key is None:
                self._value(self._next(), (*path, "?"), depth + 1)
                continue
            place = _place(event)
            inner = (*path, key)
            first = self._source.keys.setdefault(inner, place)
            value = self._value(self._next(), inner, depth + 1)
            if key in items:
                self._complain(inner, place, f"this key was given before, in line {first.line}", "keep one of the two")
            else:
                items[key] = value
        return items

    def _key(self, event: events.Event, path: Path, depth: int) -> str | None:
        """The key's text, or None for something that cannot be a key; then its value is read and forgotten."""
        place = _place(event)
        if not isinstance(event, events.ScalarEvent):
            self._value(event, (*path, "?"), depth + 1)
            self._complain(path, place, "a key must be text", "write the key as a word")
            return None
        if event.tag is not None:
            self._complain(path, place, "tags such as `!!str` are not part of the language", "delete the tag")
        if event.implicit[0] and event.value == "<<":
            self._complain(path, place, "merge keys (`<<`) are not part of the language", "write the settings out")
            return None
        if event.implicit[0] and not _is_text(event.value):
            self._complain(path, place, "a key must be text, and this reads as something else", "put it in quotes")
        return str(event.value)

    def _scalar(self, event: events.ScalarEvent, path: Path, place: Place) -> Any:
        if not event.implicit[0]:
            return event.value
        try:
            value = read_scalar(event.value)
        except OddNumber as odd:
            complaint = Complaint("E004", path, place, f"this {odd}", "if it is meant as text, put it in quotes")
            self._source.complaints.append(complaint)
            value = 0
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._source.raw[path] = event.value
        return value

    def _complain(self, path: Path, place: Place, message: str, suggestion: str) -> None:
        self._source.complaints.append(Complaint("E006", path, place, message, suggestion))


def _is_text(plain: str) -> bool:
    try:
        return isinstance(read_scalar(plain), str)
    except OddNumber:
        return False
