"""`kt init`: a pack to begin with, and a test case for it. Never overwrites anything."""

import re
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

PACK = """\
# A policy pack. Judge it with `kt policy lint`, try it with `kt policy test`,
# and run it with `kt gateway run --policy-config policy-config.yaml`.
pack:
  name: {name}
  version: 0.1.0
  description: "Personal data is redacted, every call is recorded."

policies:
  chain:
    - pii-detector
    - audit-logger

policy:
  pii-detector:
    action: redact        # or block
    entities:
      card: block         # a kind of data may be treated differently
  audit-logger:
    retention_days: 365

providers:
  targets:
    - id: openai
      provider: openai
      model: gpt-4o-mini
      aliases: [small]      # further names that clients may ask for
      secret_key_ref:
        env: OPENAI_API_KEY   # the variable's name, never the key itself
"""

CASES = """\
[
  {
    "name": "an ordinary question passes",
    "input": {"messages": [{"role": "user", "content": "What is the capital of France?"}]},
    "expected": {"verdict": "allow"}
  },
  {
    "name": "an e-mail address is redacted",
    "input": {"messages": [{"role": "user", "content": "Write to jane.roe@example.com, please."}]},
    "expected": {"verdict": "redact", "reason_code": "pii_detected"}
  },
  {
    "name": "a card number is refused",
    "input": {"messages": [{"role": "user", "content": "My card is 4111 1111 1111 1111."}]},
    "expected": {"verdict": "block", "reason_code": "pii_detected"}
  }
]
"""


def init(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write.")] = Path(),
    name: Annotated[
        str | None, typer.Option(help="The pack's name (default: the directory's).", show_default=False)
    ] = None,
) -> None:
    """Write policy-config.yaml and tests/ to begin with. Nothing that exists is touched."""
    files = {
        directory / "policy-config.yaml": PACK.format(name=_choose_name(directory, name)),
        directory / "tests" / "pii.json": CASES,
    }
    existing = [_plain(file) for file in files if file.exists() or file.is_symlink()]
    if existing:
        _fail(f"{existing[0]} exists already: nothing was written", 1)
    try:
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
            print(f"wrote {_plain(file)}")
    except OSError as error:
        _fail(f"cannot write below {_plain(directory)}: {error.strerror}", 1)
    pack = _plain(directory / "policy-config.yaml")
    print(f"next: set OPENAI_API_KEY, then `kt doctor --policy-config {pack}` and `kt policy test {pack}`")


def _choose_name(directory: Path, name: str | None) -> str:
    if name is None:
        own = directory.resolve().name.lower()
        return own if _NAME.fullmatch(own) else "my-gateway"
    if not _NAME.fullmatch(name):
        _fail("--name must be 1 to 63 of a-z, 0-9, `.`, `_` and `-`, beginning with a letter or a digit", 2)
    return name


def _plain(path: Path) -> str:
    from keeptrusts.config.excerpts import escape

    return escape(str(path))


def _fail(message: str, code: int) -> NoReturn:
    print(f"kt: {message}", file=sys.stderr)
    raise typer.Exit(code)
