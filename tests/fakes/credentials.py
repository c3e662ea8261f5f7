"""Made-up credentials in their makers' formats, from a seed: no file holds one that a scanner would report."""

import random
import re
import string

from keeptrusts.contract.keys import checksum_of

ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "L": string.ascii_letters,
    "U": string.ascii_uppercase + "234567",
    "C": string.ascii_uppercase + string.digits,
    "X": string.digits + "abcdef",
    "D": string.digits,
    "B": string.ascii_letters + string.digits + "+/",
    "W": string.ascii_letters + string.digits + "-_",
}
PART = re.compile(r"<([A-Z])(\d+)>")
TEMPLATES = {
    "aws": "AKIA<U16>",
    "aws_session": "ASIA<U16>",
    "aws_secret": "aws_secret_access_key = <B40>",
    "gcp": "AIza<W35>",
    "gcp_oauth": "ya29.<W60>",
    "gcp_client": "GOCSPX-<W28>",
    "azure_storage": "AccountKey=<B86>==",
    "azure_client": "<A3>8Q~<A34>",
    "azure_sas": "?sv=2022-11-02&sig=<A43>%3D",
    "github": "ghp_<A36>",
    "github_server": "ghs_<A36>",
    "github_fine": "github_pat_<A22>_<A59>",
    "gitlab": "glpat-<W20>",
    "gitlab_runner": "glrt-<W20>",
    "slack": "xoxb-<D12>-<D12>-<A24>",
    "slack_user": "xoxp-<D12>-<D12>-<D12>-<X32>",
    "slack_app": "xapp-1-<C11>-<D13>-<X64>",
    "slack_hook": "https://hooks.slack.com/services/T<C10>/B<C10>/<A24>",
    "stripe": "sk_live_<A24>",
    "stripe_test": "rk_test_<A99>",
    "stripe_hook": "whsec_<A32>",
    "openai": "sk-proj-<W74>T3BlbkFJ<W74>",
    "openai_old": "sk-<A20>T3BlbkFJ<A20>",
    "anthropic": "sk-ant-api03-<W93>AA",
    "jwt": "eyJ<A33>.eyJ<W120>.<W43>",
    "openrouter": "sk-or-v1-<X64>",
    "groq": "gsk_<A52>",
    "huggingface": "hf_<L34>",
    "npm": "npm_<A36>",
    "pypi": "pypi-AgEIcHlwaS5vcmc<W140>",
    "sendgrid": "SG.<W22>.<W43>",
    "telegram": "<D10>:AA<W33>",
    "digitalocean": "dop_v1_<X64>",
    "databricks": "dapi<X32>",
    "vault": "hvs.<A90>",
    "shopify": "shpat_<X32>",
    "bearer": "Authorization: Bearer <A40>",
    "hex": "<X40>",
    "random": "<A32>",
    "password": "<A9>-<D3>!<A6>",
    "base64": "<B64>",
}
PEM_LINES = 24


def make_credential(name: str, chance: random.Random) -> str:
    """A credential of this kind; `keeptrusts` and `private_key` are kinds too."""
    if name == "keeptrusts":
        begin = fill("kt_gk_c<A11>_<A43>", chance)
        return begin + checksum_of(begin)
    if name == "private_key":
        lines = "\n".join(fill("<B64>", chance) for _ in range(PEM_LINES))
        kind = chance.choice(["RSA ", "EC ", "", "OPENSSH "])
        return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n{fill('<B30>', chance)}==\n-----END {kind}PRIVATE KEY-----"
    return fill(TEMPLATES[name], chance)


def fill(template: str, chance: random.Random) -> str:
    return PART.sub(lambda found: "".join(chance.choices(ALPHABETS[found[1]], k=int(found[2]))), template)


def expand(text: str) -> str:
    """A text with credentials in the place of `{{names}}`; the same text always gives the same ones."""
    chance = random.Random(text)
    return re.sub(r"\{\{(\w+)\}\}", lambda found: make_credential(found[1], chance), text)
