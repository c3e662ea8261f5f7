"""Attempts to speak with the authority of a system or its makers, and personas that know no rules."""

from keeptrusts.policies.injection.wording import spaced, with_plain_letters

ORDER = (
    r"(?:you(?:'re| are| must| will| have| now| should)|ignore|disregard|forget|override|enable|disable|grant|obey|unlock|"
    r"reveal|new (?:policy|instructions|rules|directive)|from now on|the user is)"
)
MODE = "(?:developer|debug|maintenance|god|sudo|admin|root|jailbreak|jailbroken|unrestricted|uncensored|dev|evil|opposite|chaos)"
LIMITS = (
    "(?:restrictions?|limitations?|limits|filters?|guidelines?|rules|constraints?|boundaries|censorship|confines|policies|"
    "ethics|morals)"
)
KINDS = "(?:(?:any|the|all|typical|of|moral|ethical|or|and|your|usual|content|safety|legal|real) ){0,5}"
BREAKS = "(?:authori[sz]e|bypass|suspend|disable|override|ignore|unlock|lift|permit|allow)"

IMPERSONATION = tuple(
    spaced(pattern)
    for pattern in (
        rf"(?m:^)[ \t]{{0,4}}(?:#{{1,4}}\s|\[|<|\*\*)?\s?system(?:\]|>|\*\*)?(?: (?:message|prompt|override|update|notice|alert))?"
        rf"\s?[:>\]\n)]\s{{0,4}}(?:[a-z]{{1,12}} ){{0,2}}{ORDER}\b",
        rf"(?:^|[\s>\]])\[?</?system(?:[_-][a-z]{{1,12}})?>\s{{0,4}}{ORDER}\b",
        r"</(?:system|tool_result|tool_response|tool|user_input|user|document|context|untrusted)>\s{0,8}"
        r"<(?:system|assistant|instructions|developer)>",
        r"\[system\]\(#[a-z]{1,16}\)",
        rf"(?m:^)[ \t]{{0,4}}\[system\] {ORDER}\b",
        r"\b(?:system|admin|administrator|root) override(?:\s?[:!]| code| mode)",
        r"\bi am your (?:developer|creator|programmer|administrator|maker)\b",
        r"\bas (?:the|your) (?:administrator|developer|creator|owner)\b[^\n]{0,40}\bi (?:order|command|authori[sz]e|instruct|demand)\b",
        r"\b(?:this is|message from|i am from|i work (?:at|for)|on behalf of) (?:the )?(?:openai|anthropic|google|meta|microsoft|"
        rf"mistral|deepmind|developers?)\b[^\n]{{0,80}}\b{BREAKS}",
        r"\b(?:your|the|all) (?:safety |content )?(?:rules|guidelines|filters|restrictions|policies) (?:have|has|are|were)"
        r"(?: been| now){0,2} (?:suspended|disabled|lifted|removed|turned off|deactivated)",
        rf"\byou(?: are|'re) (?:now )?in {MODE} mode\b",
        rf"\b(?:enter|enable|activate|switch (?:to|into)|turn on|engage) {MODE} mode[^\n]{{0,24}}\b(?:in this mode|in which|and|then|where|"
        r"you) (?:(?:to|you|now|will|must|can|me) ){0,3}(?:print|show|reveal|generate|ignore|answer|disable|display|output|respond|"
        r"produce|tell)\b",
        r"\bsudo mode(?: is)? on\b|\byou have (?:root|admin) (?:privileges|access|rights) and (?:must|will|can)\b",
        r"\b(?:your|begin|start of|here is the|this is the) new system (?:prompt|message|instructions?)\b",
        r"(?m:^)[ \t]{0,4}(?:assistant|ai|model)\s?: (?:sure|of course|ok|okay|yes|absolutely|certainly)\b[^\n]{0,80}"
        r"\b(?:ignore|rules|restrictions|password|instructions)\b",
    )
)

ENGLISH = (
    r"\b(?:you are|you're|act as|act like|become|play|as|being|called|named) (?:(?:now|a|an|going|to|be|in) ){0,4}"
    r"(?-i:DAN|STAN|DUDE|AIM|EvilBOT|KEVIN)\b",
    r"\byou (?:can|will|are able to|must) (?:now )?do anything now\b|(?-i:DAN)\b[^\n]{0,40}\bdo anything now\b",
    r"\bdo anything now\b[^\n]{0,20}(?-i:\bDAN\b)|\band do anything now\s{0,2}[.!]",
    r"\b(?:pretend|imagine|act|behave|respond|answer|role-?play|play|simulate|you are|become|speak)\b[^\n.]{0,60}"
    r"\b(?:unrestricted|unfiltered|uncensored|jailbroken|amoral|unethical|limitless|evil)\b[^\n.]{0,24}"
    r"\b(?:ai|model|assistant|chatbot|bot|llm|confidant|version)\b",
    r"\b(?:role-?play|act|pretend|respond)\b[^\n.]{0,40}\b(?:has been|was|is|are|being) jailbroken\b",
    rf"\b(?:act|answer|respond|behave|pretend|role-?play|speak|reply|operate)\b[^\n.]{{0,40}}\b(?:without|free (?:of|from)|with no) {KINDS}{LIMITS}\b",
    rf"\byou (?:now )?(?:have|had) no {KINDS}{LIMITS}\b",
    rf"\b(?:in god mode|you)\b[^\n.]{{0,24}}\bhave no {KINDS}{LIMITS}\b",
    rf"\byou (?:are|have been) (?:now )?(?:free|freed|released|liberated) (?:from|of) {KINDS}{LIMITS}\b",
    rf"\b(?:no longer|not) bound (?:by|to) (?:[a-z']{{1,20}} ){{0,3}}{LIMITS}\b",
    rf"\b(?:do not|don't|need not|not) have to (?:abide by|follow|comply with|adhere to|obey) {KINDS}(?:{LIMITS})\b",
    rf"\b(?:as if|imagine|pretend|assume)\b[^\n.]{{0,60}}\b(?:no|without|with no) {KINDS}{LIMITS}\b",
    r"\byou (?:can|will|must|may|should) never refuse\b|\byou (?:cannot|can't|must not|may not) refuse (?:any|to|my|requests)\b",
    r"\bnever refuses? (?:any|a request|requests|anything|to answer|my)\b",
    r"\b(?:no|without) (?:any )?(?:warnings?|disclaimers?)\W{1,3}(?:no|or|and|without) (?:no )?(?:warnings?|disclaimers?|refusals?)\b",
    r"\[[^\]\n]{0,4}jailbreak(?:ed)?\]|\[[^\]\n]{0,4}jailbreak[^\]\n]{0,4}\]",
    r"\balways intelligent and machiavellian\b|\bstrives? to avoid norms\b",
)

LANGUAGES = (
    r"(?:du bist|sie sind|tu es|vous êtes|eres|você é|sei|ты|вы|你(?:现在)?是|あなたは)[ ,]{0,2}[^\n.]{0,16}(?-i:\bDAN\b)",
    r"\b(?:ia|ki|ai|ии|dan)\b[^\n.]{0,30}\b(?:sans|ohne|sin|sem|senza) (?:(?:aucune|jegliche|alle|ninguna|nenhuma|alcuna) )?"
    r"(?:restriction|einschränkung|beschränkung|restriccion|restrição|restriçõ|restrizion|limite|límite|filtre|filter|filtro)\p{L}{0,3}",
    r"你[^。！？\n]{0,20}不受[^。！？\n]{0,6}(?:限制|约束)",
    r"(?:ты|вы|ии|dan)[^\n.]{0,24}без (?:каких-либо )?ограничени",
    r"制限のない(?:ai|モデル|アシスタント)",
)

JAILBREAKS = tuple(map(spaced, (*ENGLISH, *map(with_plain_letters, LANGUAGES))))
"""Patterns without flags; case does not count but where they say so."""
