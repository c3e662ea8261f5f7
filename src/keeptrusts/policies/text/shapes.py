"""What personal data looks like: the built-in kinds, each with its patterns and checks.

Kinds that are only digits to the eye need a word beside them (`MRN`, `tel`): there the first group is the value.
Shapes of one family are searched in one pass; a family whose texts must contain certain characters is not searched
without them. Families are apart where one automaton for all would grow out of its memory on rows of digits (20
times slower).
"""

from dataclasses import dataclass

from keeptrusts.policies.text import checks
from keeptrusts.policies.text.checks import Check

SPACE = r"[ \x{A0}\x{2007}\x{202F}]"
DASH = r"[\-\x{2010}-\x{2015}\x{2212}]"
GAP = r"[ \-\x{A0}\x{2007}\x{202F}\x{2010}-\x{2015}\x{2212}]"
AREA = r"(?:00[1-9]|0[1-9]\d|[1-578]\d\d|6[0-57-9]\d|66[0-57-9])"
OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
EXTENSION = r"(?: ?(?:x|ext\.?) ?\d{1,6})?"
HEX = r"[0-9A-Fa-f]"
IPV6_START = rf"(?:[23]{HEX}{{3}}|[fF][eE]80|[fF][cCdD](?:\d{HEX}|{HEX}\d))"
LEAD = r"[\s:#=.]{0,4}(?:is\s{1,2})?"
MBI_LETTER = r"[AC-HJKMNP-RT-Y]"
MBI_ANY = r"[0-9AC-HJKMNP-RT-Y]"


OWN = "own"
TERM = "term"
"""The families of the patterns and terms that a pack brings along."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to write a kind of thing. `effort` is what a look of `check` costs, in units of some 2 microseconds."""

    kind: str
    pattern: str
    check: Check | None = None
    effort: int = 1
    family: str = "number"
    in_context: bool = False  # the first group is the value
    has_body: bool = False  # what follows belongs to it, as in `scan.BODY`


EMAIL = (
    Shape(
        "email",
        r"[A-Za-z0-9._%+\-]{1,64}@(?:[A-Za-z0-9\-]{1,63}\.){1,5}[A-Za-z]{2,24}",
        checks.check_email,
        family="email",
    ),
)

PHONE = (
    Shape(
        "phone",
        rf"\+[1-9]\d{{0,2}}(?:(?:{GAP}|[./]){{0,2}}\(?\d{{1,5}}\)?){{1,6}}\d{EXTENSION}\b",
        checks.check_international_phone,
        effort=40,
        family="international",
    ),
    Shape("phone", rf"\(\d{{3}}\){SPACE}?\d{{3}}(?:{GAP}|\.)\d{{4}}{EXTENSION}\b", checks.check_joined),
    Shape(
        "phone",
        rf"\b(?:(?:00)?1{GAP})?\d{{3}}(?:{DASH}\d{{3}}{DASH}|\.\d{{3}}\.)\d{{4}}{EXTENSION}\b",
        checks.check_joined,
    ),
    Shape("phone", rf"\b1{GAP}\(\d{{3}}\){SPACE}?\d{{3}}{GAP}\d{{4}}\b", checks.check_joined),
    Shape("phone", rf"\b[2-9]\d\d{SPACE}[2-9]\d\d{GAP}\d{{4}}\b", checks.check_spaced_us_phone, effort=25),
    Shape("phone", r"\b07\d{3} \d{3} ?\d{3}\b", checks.check_row),
    Shape("phone", rf"\b0[1-9](?:{GAP}\d\d){{4}}\b", checks.check_row),
    Shape("phone", r"\b0[1-9](?:\.\d\d){4}\b", checks.check_joined),
    Shape("phone", r"\b0[1-9]\d{1,4}[ /\-]\d{3,8}(?:[ \-]\d{2,6}){0,3}\b", checks.check_national_phone, effort=50),
    Shape(
        "phone",
        rf"(?i)\b(?:phone|tel|telephone|telefon|mobile|cell|fax|whatsapp)(?: (?:number|no))?{LEAD}(\d{{7,15}})\b",
        in_context=True,
    ),
)

US_SSN = (
    Shape(
        "us_ssn",
        rf"\b{AREA}{DASH}(?:0[1-9]|[1-9]\d){DASH}(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{{3}})\b",
        checks.check_joined,
    ),
    Shape(
        "us_ssn",
        rf"\b{AREA}{SPACE}(?:0[1-9]|[1-9]\d){SPACE}(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{{3}})\b",
        checks.check_row,
    ),
    Shape("us_ssn", rf"(?i)\b(?:ssn|social security)(?: (?:number|no|num))?{LEAD}(\d{{9}})\b", in_context=True),
)

IP_ADDRESS = (
    Shape("ip_address", rf"\b{OCTET}\.{OCTET}\.{OCTET}\.{OCTET}\b", checks.check_ipv4),
    Shape("ip_address", rf"\b{IPV6_START}::?{HEX}{{1,4}}(?:::?{HEX}{{1,4}}){{0,6}}\b", checks.check_ipv6),
)

IBAN = (
    Shape(
        "iban",
        rf"\b[A-Z]{{2}}\d\d(?:{GAP}?[A-Z0-9]{{4}}){{2,7}}(?:{GAP}?[A-Z0-9]{{1,3}})?\b",
        checks.check_iban,
        effort=6,
    ),
)

CARD = (
    Shape("card", rf"\b(?:[2-6]\d|8[12]|97)\d\d(?:{GAP}?\d{{4}}){{3}}\b", checks.check_card),
    Shape("card", rf"\b3[47]\d\d{GAP}?\d{{6}}{GAP}?\d{{5}}\b", checks.check_card),
    Shape("card", rf"\b3[0689]\d\d{GAP}?\d{{6}}{GAP}?\d{{4}}\b", checks.check_card),
    Shape("card", rf"\b[46]\d{{3}}(?:{GAP}?\d{{4}}){{3}}{GAP}?\d{{3}}\b", checks.check_card),
    Shape("card", r"\b(?:[2-6]\d|8[12]|97)\d\d\.\d{4}\.\d{4}\.\d{4}\b", checks.check_card),
    Shape("card", r"\b(?:1800|2131)\d{11}\b", checks.check_card),
    Shape("card", r"\b(?:4\d{12}|6\d{16,17})\b", checks.check_card),
)

MRN = (
    Shape(
        "mrn",
        rf"(?i)\b(?:mrn|medical record|patient(?: id)?)(?: (?:number|num|no))?{LEAD}([A-Z]{{0,3}}-?\d{{5,12}})\b",
        in_context=True,
    ),
)

NPI = (
    Shape(
        "npi",
        rf"(?i)\b(?:npi|national provider identifier)(?: (?:number|num|no))?{LEAD}([12]\d{{9}})\b",
        checks.check_npi,
        in_context=True,
    ),
)

INSURANCE_ID = (
    Shape(
        "insurance_id",
        r"(?i)\b(?:insurance|member|policy|subscriber|medicare|medicaid|beneficiary)(?: (?:id|number|num|no)){1,2}"
        rf"{LEAD}([A-Z\-]{{0,9}}\d[A-Z0-9\-]{{3,18}})\b",
        checks.check_has_digit,
        in_context=True,
    ),
    Shape(
        "insurance_id",
        rf"\b[1-9]{MBI_LETTER}{MBI_ANY}\d-?{MBI_LETTER}{MBI_ANY}\d-?{MBI_LETTER}{{2}}\d\d\b",
    ),
)

ENTITIES = {
    "email": EMAIL,
    "phone": PHONE,
    "us_ssn": US_SSN,
    "ip_address": IP_ADDRESS,
    "iban": IBAN,
    "card": CARD,
    "mrn": MRN,
    "npi": NPI,
    "insurance_id": INSURANCE_ID,
}
"""Every built-in kind. Of two finds of one length at one place, the earlier kind wins."""

PCI_KINDS = frozenset({"card"})
HEALTHCARE_KINDS = frozenset({"mrn", "npi", "insurance_id"})
