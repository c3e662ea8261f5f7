"""What credentials look like: the built-in kinds of `dlp-filter`, each with its patterns and checks.

Most have a prefix that their maker gave them; the others need a word beside them (`password=`, `Bearer`), and there
the first group is the value.
"""

from keeptrusts.policies.text import credential_checks as checks
from keeptrusts.policies.text.shapes import Shape

FAMILY = "credential"
VALUE = r"[A-Za-z0-9_\-]"
IS = r"""["'`]?\s{0,4}(?::=|=>|[:=]|\bis\b)\s{0,4}["'`]?"""
BLANK = r"(?:\s|\\[nrt]){0,8}"


def token(kind: str, pattern: str) -> Shape:
    return Shape(kind, pattern, checks.check_token, family=FAMILY)


def beside(kind: str, words: str, value: str) -> Shape:
    """A value that is one because of the words before it."""
    return Shape(
        kind, rf"(?i)(?:{words}){IS}(?-i:({value}))", checks.check_secret, effort=10, family=FAMILY, in_context=True
    )


PRIVATE_KEY = (
    Shape(
        "private_key",
        rf"-----BEGIN (?:[A-Z0-9]{{1,12}} ){{0,3}}PRIVATE KEY(?: BLOCK)?-----{BLANK}"
        r"(?:[A-Za-z0-9+/=]{16}|(?:Proc-Type|DEK-Info|Version|Comment|Hash): )",
        family="private_key",
        has_body=True,
    ),
    Shape(
        "private_key",
        rf"-----BEGIN (?:[A-Z0-9]{{1,12}} ){{0,3}}PRIVATE KEY(?: BLOCK)?-----{BLANK}"
        rf"(?:[A-Za-z0-9+/=]{{1,15}}{BLANK}){{1,4}}-----END [A-Z0-9 ]{{1,48}}-----",
        family="private_key",
    ),
    token("private_key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
)

AWS_KEY = (
    token("aws_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    token("aws_key", r"\bABSK[A-Za-z0-9+/]{100,280}={0,2}"),
    beside(
        "aws_key",
        "aws_?(?:session_?)?secret(?:_?access)?_?key|secret_?access_?key|aws secret(?: access)?(?: key)?",
        r"[A-Za-z0-9+/]{40}",
    ),
)

GCP_KEY = (
    token("gcp_key", rf"\bAIza{VALUE}{{35}}"),
    token("gcp_key", rf"\bGOCSPX-{VALUE}{{28}}"),
    token("gcp_key", rf"\bya29\.{VALUE}{{20,500}}"),
)

AZURE_KEY = (
    token("azure_key", r"\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{43,86}={1,2}"),
    token("azure_key", r"\b[A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.\-]{31,34}"),
    token("azure_key", r"\b[A-Za-z0-9+/]{76}\+(?:ASt|AMC|ARm|ABa|AIoT)[A-Za-z0-9+/]{5,6}={0,2}"),
    token("azure_key", r"[?&]sig=(?:[A-Za-z0-9]|%[0-9A-Fa-f]{2}){43,80}"),
    token("azure_key", r"\b[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}\b"),
)

GITHUB_TOKEN = (
    token("github_token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    token("github_token", r"\bgithub_pat_[A-Za-z0-9_]{60,100}\b"),
)

GITLAB_TOKEN = (
    token(
        "gitlab_token",
        rf"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-{VALUE}{{20,120}}(?:\.{VALUE}{{2,20}}){{0,2}}",
    ),
)

SLACK_TOKEN = (
    token("slack_token", r"\bxox[abceoprs](?:\.xox[bp])?-(?:\d-)?[0-9A-Za-z\-]{10,250}"),
    token("slack_token", r"\bxapp-\d-[A-Z0-9]{8,14}-\d{8,16}-[0-9a-f]{32,80}"),
    token("slack_token", r"\bhooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{24,80}"),
)

STRIPE_KEY = (
    token("stripe_key", r"\b[sr]k_(?:live|test|prod)_[0-9A-Za-z]{16,247}\b"),
    token("stripe_key", r"\bwhsec_[A-Za-z0-9+/]{24,80}={0,2}"),
)

OPENAI_KEY = (
    token("openai_key", rf"\bsk-(?:proj|svcacct|admin|None)-{VALUE}{{20,220}}"),
    token("openai_key", r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b"),
    token("openai_key", r"\bsk-[A-Za-z0-9]{48}\b"),
)

ANTHROPIC_KEY = (token("anthropic_key", rf"\bsk-ant-[a-z]{{3,8}}\d\d-{VALUE}{{32,160}}"),)

GATEWAY_KEY = (
    Shape(
        "keeptrusts_key",
        r"\bkt_[ga]k_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b",
        checks.check_own_key,
        effort=2,
        family=FAMILY,
    ),
)

JWT = (
    token("jwt", rf"\beyJ{VALUE}{{10,1000}}\.eyJ{VALUE}{{10,1000}}(?:{VALUE}{{1,1000}}){{0,1}}\.{VALUE}{{10,1000}}"),
)

BEARER_TOKEN = (
    Shape(
        "bearer_token",
        r"(?i)\bbearer[ :]{1,3}([A-Za-z0-9._~+/\-]{16,1000}={0,2})",
        checks.check_secret,
        family=FAMILY,
        in_context=True,
    ),
    Shape(
        "bearer_token",
        r"(?i)\bauthorization[\"']?\s{0,2}[:=]\s{0,2}[\"']?basic ([A-Za-z0-9+/]{8,500}={0,2})",
        checks.check_basic,
        family=FAMILY,
        in_context=True,
    ),
)

VENDOR_TOKEN = tuple(
    token("api_token", pattern)
    for pattern in (
        r"\bsk-or-v1-[0-9a-f]{64}\b",
        r"\bgsk_[A-Za-z0-9]{52}\b",
        r"\bxai-[A-Za-z0-9]{80}\b",
        r"\bpplx-[A-Za-z0-9]{48}\b",
        r"\br8_[A-Za-z0-9]{37}\b",
        r"\b(?:hf|api_org)_[A-Za-z]{34}\b",
        r"\bnpm_[A-Za-z0-9]{36}\b",
        rf"\bpypi-AgE{VALUE}{{50,220}}",
        rf"\bSG\.{VALUE}{{22}}\.{VALUE}{{43}}",
        r"\bkey-[0-9a-f]{32}\b",
        r"\bSK[0-9a-f]{32}\b",
        rf"\b\d{{8,10}}:AA{VALUE}{{33}}",
        r"\bdo[opr]_v1_[0-9a-f]{64}\b",
        r"\bdapi[0-9a-f]{32}\b",
        rf"\bhv[sbr]\.{VALUE}{{24,200}}",
        rf"\b[A-Za-z0-9]{{14}}\.atlasv1\.{VALUE}{{60,70}}",
        r"\bshp(?:at|ca|pa|ss|ua)_[0-9a-fA-F]{32}\b",
        r"\blin_api_[A-Za-z0-9]{40}\b",
        rf"\bdckr_pat_{VALUE}{{27}}",
        r"\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}\b",
        rf"\bsntry[su]_{VALUE}{{40,220}}",
        r"\bNRAK-[A-Z0-9]{27}\b",
        r"\b(?:ntn|secret)_[A-Za-z0-9]{43,46}\b",
        rf"\bfig[dou]_{VALUE}{{40,60}}",
        r"\bsbp_[0-9a-f]{40}\b",
        rf"\bdiscord(?:app)?\.com/api/webhooks/\d{{17,20}}/{VALUE}{{60,70}}",
    )
)

URL_PASSWORD = (
    Shape(
        "url_password",
        r"\b[a-z][a-z0-9+.\-]{1,15}://[^\s:/@\"'<>]{0,64}:([^\s/@\"'<>\[\]{}$*]{3,128}@)",
        checks.check_url_password,
        family="url",
        in_context=True,
    ),
)

SECRET = (
    beside(
        "secret",
        r"(?:api[_\- ]?key|secret(?:[_\- ]?key)?|client[_\- ]?secret|"
        r"(?:access|auth|refresh|api|bot|session)[_\- ]?token|token|password|passwd|passphrase|pwd|credentials?)",
        r"[A-Za-z0-9+/=_.~!@#%^&\-]{12,200}",
    ),
)

CREDENTIALS = {
    "private_key": PRIVATE_KEY,
    "aws_key": AWS_KEY,
    "gcp_key": GCP_KEY,
    "azure_key": AZURE_KEY,
    "github_token": GITHUB_TOKEN,
    "gitlab_token": GITLAB_TOKEN,
    "slack_token": SLACK_TOKEN,
    "stripe_key": STRIPE_KEY,
    "openai_key": OPENAI_KEY,
    "anthropic_key": ANTHROPIC_KEY,
    "keeptrusts_key": GATEWAY_KEY,
    "jwt": JWT,
    "api_token": VENDOR_TOKEN,
    "bearer_token": BEARER_TOKEN,
    "url_password": URL_PASSWORD,
    "secret": SECRET,
}
"""Every built-in kind. Of two finds of one length at one place, the earlier kind wins."""
