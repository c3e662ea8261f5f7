"""What stands in the place of a redacted value."""

from collections.abc import Mapping
from typing import Literal

from keeptrusts.policies.text.scan import Marker

SHOWN = 4
STARS = "****"


def compile_marker(
    form: Literal["label", "asterisks", "partial"], *, preserve_length: bool, custom: Mapping[str, str]
) -> Marker:
    """A function from kind and value to marker. Custom markers win over the form and keep their own length."""
    forms = {"label": label, "asterisks": asterisks, "partial": partial}
    write = forms[form]

    def marker(kind: str, value: str) -> str:
        own = custom.get(kind)
        return write(kind, value, preserve_length) if own is None else own

    return marker


def label(kind: str, value: str, preserve_length: bool) -> str:
    """`[EMAIL]`, filled up with asterisks or replaced by them where it does not fit."""
    text = f"[{kind.upper()}]"
    if not preserve_length:
        return text
    return text.ljust(len(value), "*") if len(text) <= len(value) else "*" * len(value)


def asterisks(_kind: str, value: str, preserve_length: bool) -> str:
    return "*" * len(value) if preserve_length else STARS


def partial(kind: str, value: str, preserve_length: bool) -> str:
    """The last four letters or digits stay (of an e-mail address its first, and the domain); short values go whole."""
    if kind == "email":
        local, at, domain = value.partition("@")
        return f"{local[0]}{'*' * (len(local) - 1) if preserve_length else '***'}{at}{domain}"
    places = [at for at, char in enumerate(value) if char.isalnum()]
    if len(places) < 2 * SHOWN:
        return asterisks(kind, value, preserve_length)
    if not preserve_length:
        return STARS + "".join(value[at] for at in places[-SHOWN:])
    shown = set(places[-SHOWN:])
    return "".join("*" if char.isalnum() and at not in shown else char for at, char in enumerate(value))
