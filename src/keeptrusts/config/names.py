"""The grammars of names in a pack, each with the words that an error message uses for it.

A name reaches headers, metrics labels and terminals: what may stand in it is decided here, once.
"""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from msgspec import Meta

_END = r"$(?!\n)"  # Python's `$` also matches before a last newline

NAME = rf"^[a-z0-9][a-z0-9._-]{{0,62}}{_END}"
VERSION = rf"^[0-9A-Za-z.+-]{{1,32}}{_END}"
MODEL = rf"^[A-Za-z0-9][A-Za-z0-9._:/@-]{{0,127}}{_END}"
UPSTREAM_MODEL = rf"^(?:\*|[A-Za-z0-9][A-Za-z0-9._:/@-]{{0,127}}){_END}"
MODEL_GLOB = rf"^[A-Za-z0-9*][A-Za-z0-9._:/@*-]{{0,127}}{_END}"
TOOL = rf"^[A-Za-z0-9_.:-]{{1,128}}{_END}"
TOOL_GLOB = rf"^[A-Za-z0-9_.:*-]{{1,128}}{_END}"
ENV_NAME = rf"^[A-Za-z_][A-Za-z0-9_]{{0,127}}{_END}"
VARIABLE = rf"^[A-Za-z0-9_.-]{{1,128}}{_END}"
FILE = rf"^[^\x00-\x1f\x7f\\]{{1,512}}{_END}"
HEADER = rf"^[A-Za-z0-9!#$%&'*+.^_`|~-]{{1,64}}{_END}"
HEADER_VALUE = rf"^[!-~](?:[ -~]{{0,1022}}[!-~])?{_END}"
PREFIX = rf"^[ -~]{{0,64}}{_END}"
API_VERSION = rf"^[0-9A-Za-z.-]{{1,32}}{_END}"
TIMEZONE = rf"^[A-Za-z][A-Za-z0-9_+/-]{{0,63}}{_END}"
BASE_URL = (
    r"^https?://(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)"
    rf"(?::[0-9]{{1,5}})?(?:/[A-Za-z0-9._~%!$&'()*+,;=:@/-]{{0,1024}})?{_END}"
)

WORDS: Mapping[str, str] = {
    NAME: "1 to 63 of a-z, 0-9, `.`, `_` and `-`, beginning with a letter or a digit",
    VERSION: "1 to 32 letters, digits, `.`, `+` and `-`",
    MODEL: "1 to 128 letters, digits and `.` `_` `:` `/` `@` `-`, beginning with a letter or a digit",
    UPSTREAM_MODEL: "a model's name (letters, digits and `.` `_` `:` `/` `@` `-`), or `*` alone",
    MODEL_GLOB: "a model's name (letters, digits and `.` `_` `:` `/` `@` `-`), where `*` stands for anything",
    TOOL: "a tool's name: letters, digits, `_` `.` `:` `-`",
    TOOL_GLOB: "a tool's name (letters, digits, `_` `.` `:` `-`), where `*` stands for anything",
    ENV_NAME: "the name of an environment variable: letters, digits and `_`, not beginning with a digit",
    VARIABLE: "the name of a config variable: 1 to 128 letters, digits, `_`, `.` and `-`",
    FILE: "the path of a file below KEEPTRUSTS_SECRETS_DIR, without backslashes or control characters",
    HEADER: "the name of an HTTP header",
    HEADER_VALUE: "1 to 1024 visible ASCII characters, with spaces only between them",
    PREFIX: "at most 64 visible ASCII characters and spaces",
    API_VERSION: "1 to 32 letters, digits, `.` and `-`, such as 2024-10-21",
    TIMEZONE: "the name of a time zone, such as UTC or Europe/Berlin",
    BASE_URL: "http:// or https:// and a host, without user name, query or fragment",
}

Name: TypeAlias = Annotated[str, Meta(pattern=NAME)]
Version: TypeAlias = Annotated[str, Meta(pattern=VERSION)]
Model: TypeAlias = Annotated[str, Meta(pattern=MODEL)]
UpstreamModel: TypeAlias = Annotated[str, Meta(pattern=UPSTREAM_MODEL)]
ModelGlob: TypeAlias = Annotated[str, Meta(pattern=MODEL_GLOB)]
Tool: TypeAlias = Annotated[str, Meta(pattern=TOOL)]
ToolGlob: TypeAlias = Annotated[str, Meta(pattern=TOOL_GLOB)]
EnvName: TypeAlias = Annotated[str, Meta(pattern=ENV_NAME)]
Variable: TypeAlias = Annotated[str, Meta(pattern=VARIABLE)]
SecretFile: TypeAlias = Annotated[str, Meta(pattern=FILE)]
Header: TypeAlias = Annotated[str, Meta(pattern=HEADER)]
HeaderValue: TypeAlias = Annotated[str, Meta(pattern=HEADER_VALUE)]
Prefix: TypeAlias = Annotated[str, Meta(pattern=PREFIX)]
ApiVersion: TypeAlias = Annotated[str, Meta(pattern=API_VERSION)]
Timezone: TypeAlias = Annotated[str, Meta(pattern=TIMEZONE)]
BaseUrl: TypeAlias = Annotated[str, Meta(pattern=BASE_URL)]
