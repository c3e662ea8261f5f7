"""What `kt up` serves and says: a pack that runs at once, and calls to try on it. Pure; `up` does the running."""

import json
import shlex
from collections.abc import Mapping

OPENAI_KEY = "OPENAI_API_KEY"
ANTHROPIC_KEY = "ANTHROPIC_API_KEY"
OPENAI_MODEL = "gpt-4o-mini"
ANTHROPIC_MODEL = "claude-haiku-4-5"

PACK = """\
# Written by `kt up`, anew at each start. While it runs, a change to this file is served within a second.
# To keep a pack of your own, copy it and run: kt gateway run --policy-config PATH
pack:
  name: demo
  version: 0.1.0
  description: "Personal data is redacted in both directions, every call is recorded"
policies:
  chain:
    - pii-detector
    - audit-logger
policy:
  pii-detector:
    action: redact
  audit-logger:
    retention_days: 365
providers:
  targets:
"""

FAKE_TARGETS = """\
    - id: fake-openai
      provider: fake
      format: openai
      model: "*"
      aliases: [{openai_model}]
      base_url: {url}
    - id: fake-anthropic
      provider: fake
      format: anthropic
      model: "*"
      aliases: [{anthropic_model}]
      base_url: {url}
"""

REAL_TARGET = """\
    - id: {provider}
      provider: {provider}
      model: "*"
      aliases: [{model}]
      secret_key_ref:
        env: {key}
"""


def has_provider_key(environment: Mapping[str, str]) -> bool:
    """Whether a real provider can be called."""
    return OPENAI_KEY in environment or ANTHROPIC_KEY in environment


def make_pack(environment: Mapping[str, str], fake_url: str | None) -> str:
    """The demo pack: for the providers whose keys are set, else for the fake one at `fake_url`."""
    if fake_url is not None:
        return PACK + FAKE_TARGETS.format(url=fake_url, openai_model=OPENAI_MODEL, anthropic_model=ANTHROPIC_MODEL)
    real = {OPENAI_KEY: ("openai", OPENAI_MODEL), ANTHROPIC_KEY: ("anthropic", ANTHROPIC_MODEL)}
    return PACK + "".join(
        REAL_TARGET.format(provider=provider, model=model, key=key)
        for key, (provider, model) in real.items()
        if key in environment
    )


def curl(url: str, text: str, *, anthropic: bool, stream: bool = False, token: str | None = None) -> str:
    """A command line that works as it stands in a POSIX shell. `token` names the variable with the gateway's token."""
    route = "messages" if anthropic else "chat/completions"
    call: dict[str, object] = {"model": ANTHROPIC_MODEL if anthropic else OPENAI_MODEL}
    if anthropic:
        call["max_tokens"] = 100
    if stream:
        call["stream"] = True
    call["messages"] = [{"role": "user", "content": text}]
    key = f' -H "authorization: Bearer ${token}"' if token else ""
    return (
        f"curl {'-sN' if stream else '-s'} {url}/v1/{route} -H 'content-type: application/json'{key} \\\n"
        f"    -d {shlex.quote(json.dumps(call))}"
    )


def introduce(
    url: str, environment: Mapping[str, str], pack_path: str, events_command: str, token: str | None = None
) -> str:
    """What `kt up` prints: where it listens, calls to try, where to look next."""
    keys = [key for key in (OPENAI_KEY, ANTHROPIC_KEY) if key in environment]
    anthropic = keys == [ANTHROPIC_KEY]
    if keys:
        provider = f"Calls go to the real provider, with the key in {' and '.join(keys)}."
        leak = "Write one sentence with the e-mail address jane@example.com in it."
    else:
        provider = (
            f"Neither {OPENAI_KEY} nor {ANTHROPIC_KEY} is set: a fake provider says back what it is told, offline."
        )
        leak = "Show me a customer. fake:leak"
    told = curl(url, "Please repeat: my e-mail is ada@example.com", anthropic=anthropic, token=token)
    streamed = curl(url, leak, anthropic=anthropic, stream=True, token=token)
    return f"""\
Keeptrusts gateway on {url}
Pack: {pack_path}
{provider}

An e-mail address that does not reach the provider (look for [EMAIL] in the answer):

  {told}

Personal data in an answer, redacted while it streams:

  {streamed}

What was decided, never what was said:

  {events_command}

SDKs: OpenAI(base_url="{url}/v1", api_key="none"), Anthropic(base_url="{url}", api_key="none")
Stop with Ctrl-C."""
