"""What a schema cannot say about a pack: names that must differ, headers that frame a request, settings nobody uses.

Rules look at plain values, which may be of any type: what has the wrong one is not theirs to report.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from keeptrusts.config.codes import Code
from keeptrusts.config.endpoint import AZURE, BASE_URLS, has_version
from keeptrusts.config.excerpts import shorten
from keeptrusts.config.kinds import Kinds
from keeptrusts.config.price_table import find_listed
from keeptrusts.config.report import Report
from keeptrusts.config.wording import suggest_name
from keeptrusts.contract.call import Path

_Mapping = dict[str, Any]

_FRAMING = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "te", "upgrade", "expect", "trailer"})
_FRAMING_PREFIXES = ("content-", "proxy-")
_CREDENTIALS = frozenset({"authorization", "x-api-key", "api-key", "cookie"})
_OURS = frozenset({"accept-encoding", "x-request-id"})
_ROUTE_IN_URL = re.compile(r"/(?:chat/completions|completions|responses|messages|embeddings)/?\Z")
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1|.*\.localhost")


def check_rules(tree: _Mapping, kinds: Kinds, report: Report) -> None:
    """Report everything that the rules object to."""
    _check_chain(tree, kinds, report)
    seen: dict[str, int] = {}
    for index, target in _targets(tree):
        path: Path = ("providers", "targets", index)
        _check_id(target, path, seen, report)
        _check_aliases(target, path, report)
        _check_address(target, path, report)
        _check_headers(target, path, report)
        _check_secret(target, path, report)
        _check_api_version(target, path, report)
    _check_prices(tree, kinds, report)


def _section(value: Any, *steps: str) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _targets(tree: _Mapping) -> Iterator[tuple[int, _Mapping]]:
    targets = _section(tree, "providers", "targets")
    for index, target in enumerate(targets if isinstance(targets, list) else ()):
        if isinstance(target, dict):
            yield index, target


def _texts(value: Any) -> Iterator[tuple[int, str]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, str):
            yield index, item


def _check_chain(tree: _Mapping, kinds: Kinds, report: Report) -> None:
    chain = _section(tree, "policies", "chain")
    settings = _section(tree, "policy")
    given: _Mapping = settings if isinstance(settings, dict) else {}
    named: set[str] = set()
    for index, name in _texts(chain):
        path: Path = ("policies", "chain", index)
        if name in named:
            report.add(Code.BAD_REFERENCE, path, f"`{shorten(name)}` is in the chain twice", "keep one of the two")
        elif name in kinds:
            _check_kind(name, name in given, path, kinds, report)
        named.add(name)
    for name, written in given.items():
        if name in kinds and name not in named and written is not None:
            message = f"`{name}` has settings, but it is not in the chain and does not run"
            report.add(Code.UNUSED_SETTINGS, ("policy", name), message, "add it to policies.chain", at_key=True)
    if chain in (None, []) and not report.below(("policies",)):
        message = "no policy is in the chain: calls pass unjudged"
        report.add(Code.NO_POLICY, ("policies", "chain"), message, "name policies in policies.chain", at_key=True)


def _check_kind(name: str, has_settings: bool, path: Path, kinds: Kinds, report: Report) -> None:
    kind = kinds[name]
    if kind.needs and not has_settings:
        needs = ", ".join(f"`{need}`" for need in kind.needs)
        remedy = f"add `{name}: {{{kind.needs[0]}: ...}}` under `policy`"
        report.add(Code.SETTINGS_MISSING, path, f"`{name}` needs settings: {needs}", remedy)
    if kind.compile is None:
        message = f"the policy `{name}` is not supported yet, so the pack cannot be enforced as it stands"
        report.add(Code.NOT_SUPPORTED_YET, path, message, "take it out of the chain")


def _check_id(target: _Mapping, path: Path, seen: dict[str, int], report: Report) -> None:
    name = target.get("id")
    if not isinstance(name, str):
        return
    if name in seen:
        message = f"target {seen[name]} has the id `{shorten(name)}` too (counted from 0)"
        report.add(Code.BAD_REFERENCE, (*path, "id"), message, "give each target an id of its own")
    seen.setdefault(name, int(path[-1]))


def _check_aliases(target: _Mapping, path: Path, report: Report) -> None:
    names = {target.get("model")} if isinstance(target.get("model"), str) else set()
    for index, alias in _texts(target.get("aliases")):
        if alias in names:
            message = f"this target answers to `{shorten(alias)}` already"
            report.add(Code.BAD_REFERENCE, (*path, "aliases", index), message, "delete it")
        names.add(alias)


def _check_address(target: _Mapping, path: Path, report: Report) -> None:
    provider, base_url = target.get("provider"), target.get("base_url")
    if "base_url" not in target and isinstance(provider, str) and provider not in BASE_URLS:
        azure = "add `base_url: https://<resource>.openai.azure.com`" if provider == AZURE else ""
        remedy = azure or suggest_name(provider, BASE_URLS) or "add `base_url: https://...`"
        message = f"`base_url` is missing: the address of `{shorten(provider)}` is not known"
        report.add(Code.WRONG_VALUE, (*path, "base_url"), message, remedy)
    if not isinstance(base_url, str):
        return
    place = (*path, "base_url")
    route = _ROUTE_IN_URL.search(base_url[-64:])
    if route:
        report.add(Code.WRONG_VALUE, place, "this is the address of a route", f"leave out `{route[0]}`")
    url = _split(base_url)
    if url is None:
        report.add(Code.WRONG_VALUE, place, "this is not a URL that can be called", "write https://host[:port][/path]")
    elif url[0] == "http" and "secret_key_ref" in target and not _LOOPBACK.fullmatch(url[1]):
        message = "the credential goes over plain http, readable by everybody on the way"
        report.add(Code.PLAINTEXT_CREDENTIAL, place, message, "use https://")


def _split(base_url: str) -> tuple[str, str] | None:
    """Scheme and host of a URL, or None where it has no valid host and port."""
    try:
        url = urlsplit(base_url)
        host = url.hostname if url.port != 0 else None
    except ValueError:
        return None
    return (url.scheme, host) if host else None


def _check_headers(target: _Mapping, path: Path, report: Report) -> None:
    header = target.get("api_key_header")
    if isinstance(header, str) and _is_framing(header):
        message = f"`{shorten(header)}` frames the request and cannot carry a credential"
        report.add(Code.WRONG_VALUE, (*path, "api_key_header"), message, "use Authorization, x-api-key or api-key")
    headers = target.get("headers")
    seen: set[str] = {header.lower()} if isinstance(header, str) else set()
    for name in headers if isinstance(headers, dict) else ():
        place = (*path, "headers", name)
        if _is_framing(name):
            report.add(Code.WRONG_VALUE, place, "this header frames the request", "delete it", at_key=True)
        elif name.lower() in _CREDENTIALS:
            message = "a header that carries a credential cannot be written here"
            remedy = "use `secret_key_ref` and `api_key_header`"
            report.add(Code.WRONG_VALUE, place, message, remedy, at_key=True)
        elif name.lower() in _OURS:
            report.add(Code.WRONG_VALUE, place, "the gateway sets this header itself", "delete it", at_key=True)
        elif name.lower() in seen:
            message = "this header is given already; upper and lower case are the same"
            report.add(Code.BAD_REFERENCE, place, message, "keep one of the two", at_key=True)
        seen.add(name.lower())


def _is_framing(header: str) -> bool:
    name = header.lower()
    return name in _FRAMING or name.startswith(_FRAMING_PREFIXES)


def _check_secret(target: _Mapping, path: Path, report: Report) -> None:
    reference, provider = target.get("secret_key_ref"), target.get("provider")
    if "secret_key_ref" not in target and isinstance(provider, str) and provider in BASE_URLS:
        message = f"`{provider}` answers no call without a credential"
        report.add(Code.NO_CREDENTIAL, (*path, "secret_key_ref"), message, "add `secret_key_ref: {env: NAME}`")
    if not isinstance(reference, dict):
        return  # the wrong type is reported
    env, file = reference.get("env"), reference.get("file")
    if isinstance(env, str) and env.upper().startswith("KEEPTRUSTS_"):
        message = "variables beginning with KEEPTRUSTS_ belong to the gateway and are never sent to a provider"
        report.add(Code.WRONG_VALUE, (*path, "secret_key_ref", "env"), message, "use a variable of another name")
    if isinstance(file, str) and ".." in file.split("/"):
        message = "the path leads out of its folder"
        report.add(Code.WRONG_VALUE, (*path, "secret_key_ref", "file"), message, "leave out `..`")


def _check_prices(tree: _Mapping, kinds: Kinds, report: Report) -> None:
    """Where money is counted each target has a price. One that passes any model on is looked at in each call."""
    chain = _section(tree, "policies", "chain")
    if not any(name in kinds and kinds[name].needs_prices for _, name in _texts(chain)):
        return
    remedy = "add `price: {input_per_mtok_usd: ..., output_per_mtok_usd: ...}`"
    for index, target in _targets(tree):
        path: Path = ("providers", "targets", index)
        provider, model, price = target.get("provider"), target.get("model"), target.get("price")
        if isinstance(price, dict):
            if not price.keys() & {"input_per_mtok_usd", "per_request_usd"}:
                message = "unpriced: this says neither what input costs nor what a request does"
                report.add(Code.BAD_REFERENCE, (*path, "price"), message, remedy, at_key=True)
        elif isinstance(provider, str) and isinstance(model, str) and model != "*" and not find_listed(provider, model):
            known = f"no price of `{shorten(model)}` at `{shorten(provider)}` is known"
            message = f"unpriced: {known}, so what it costs cannot be counted"
            report.add(Code.BAD_REFERENCE, (*path, "model"), message, remedy)


def _check_api_version(target: _Mapping, path: Path, report: Report) -> None:
    base_url = target.get("base_url")
    if "api_version" not in target:
        return
    if target.get("provider") != AZURE:
        message = f"`api_version` belongs to `{AZURE}`"
    elif isinstance(base_url, str) and has_version(base_url):
        message = "the address names a version already, and such addresses take no `api_version`"
    else:
        return
    report.add(Code.WRONG_VALUE, (*path, "api_version"), message, "delete it", at_key=True)
