"""Markers of chat templates in texts, instructions for models in tool results, and payloads that are to be decoded."""

from keeptrusts.policies.injection.wording import spaced

OPEN, CLOSE = r"(?:<|\\u003c)", r"(?:>|\\u003e)"
ROLE = "(?:system|user|assistant|developer|tool|model|human)"
MODEL = "(?:ai|llms?|a\\.i\\.|language models?|chatbots?|(?:ai|llm) (?:language )?(?:assistants?|agents?|models?|systems?|bots?))"
ACT = "(?:follow|obey|execute|carry out|do what|comply with|act on|perform|treat)"
DOCUMENT = "(?:document|page|text|e-?mail|message|article|website|file|resume|cv|content)"

TEMPLATES = (
    rf"{OPEN}\|im_start\|{CLOSE}\s{{0,4}}{ROLE}",
    rf"{OPEN}\|im_end\|{CLOSE}\s{{0,8}}{OPEN}\|im_start\|",
    rf"{OPEN}\|start_header_id\|{CLOSE}",
    rf"{OPEN}\|eot_id\|{CLOSE}",
    rf"{OPEN}\|(?:system|assistant|developer)\|{CLOSE}",
    rf"{OPEN}\|start\|{CLOSE}\s{{0,2}}{ROLE}",
    rf"{OPEN}start_of_turn{CLOSE}\s{{0,2}}{ROLE}",
    r"<<SYS>>",
    r"\[INST\][^\[\]]{0,300}\[/INST\]",
    r"</s>\s{0,4}<s>",
    r"(?:\n|\\n){2}human:[^\n]{0,200}(?:\n|\\n){1,2}assistant:",
    r"#{2,3} instruction:\s{0,3}\n[^#]{1,200}#{2,3} (?:response|assistant)",
    rf"{OPEN}\|endoftext\|{CLOSE}\s{{0,4}}(?:{OPEN}\||{ROLE}\s?:)",
)

TOOL_RESULTS = tuple(
    spaced(pattern)
    for pattern in (
        rf"\b(?:note|message|instructions?|notice|memo|hint|attention|warning)s? (?:to|for) (?:(?:the|all|any|other) ){{0,2}}{MODEL}\b",
        r"\b(?:attention|important|note),? (?:ai|assistant|llm|chatbot)s?\s?[:!,]",
        r"\b(?:ai|llm)(?: agent| assistant)? instructions?\s?:",
        rf"\b{MODEL} (?:that are |who are |which are )?(?:reading|processing|parsing|summari[sz]ing|analy[sz]ing|reviewing|viewing|"
        rf"crawling|scanning) (?:this|the)(?: {DOCUMENT})?[^\n.]{{0,40}}(?:must|should|:|have to|are required|need to|please)",
        rf"\bif you are (?:an? )?{MODEL}\b",
        rf"\bwhen(?:ever)? (?:you )?(?:read|summari[sz]e|summari[sz]ing|process|processing|see|reading) (?:this|the)(?: {DOCUMENT})?,? "
        r"(?:(?:you|please|also|must|should|always|the) ){0,4}(?:say|include|mention|add|write|execute|send|run|ignore|tell|respond|"
        r"recommend|call|output|state)\b",
        r"\b(?:do not|don't|never) (?:tell|inform|notify|alert) the user (?:about|of|that|this)\b",
        r"\b(?:do not|don't|never) (?:mention|reveal|disclose|report) [^\n.]{0,30}\bto the user\b",
        r"\b(?:execute|run|delete|forward|send|transfer|call|open|disable|upload|e-?mail)\b[^\n]{0,80}\bwithout "
        r"(?:asking|telling|informing|notifying|consulting|alerting) the user\b",
        r"\bthe assistant (?:should|must|shall|needs to|has to|is required to)(?: now| immediately| always)? "
        r"(?:call|invoke|use|execute|run|send|transfer|forward|open|delete|ignore)\b",
        r"\b(?:send|forward|post|upload|exfiltrate|transmit|e-?mail|leak|append)\b[^\n]{0,60}\b(?:conversation|chat (?:history|log)|"
        r"user(?:'s)? (?:data|messages|history|conversation)|api keys?|credentials|secrets|system prompt|all files|passwords)\b"
        r"[^\n]{0,40}\b(?:to|at|via) (?:https?://|[a-z0-9._\-]{1,64}@)",
        r"!\[[^\]\n]{0,40}\]\(https?://[^)\s]{1,200}[?&](?:data|q|d|c|chat|history|prompt|secret|leak|exfil|info|msg|message|payload)=",
        r"<important>\s{0,4}(?:before|when|you|ignore|this|the|do)\b",
        r"\bbefore using this tool,? (?:(?:you|must|should|please|first) ){0,3}(?:read|open|send|pass|call|access)\b",
        r"\bthe user has (?:already )?(?:authori[sz]ed|approved|consented|confirmed|granted|agreed)\b[^\n.]{0,60}"
        r"\b(?:do not ask|don't ask|without (?:asking|confirmation)|no (?:further )?confirmation)\b",
        rf"\b(?:reviewers?|graders?|readers?|judges?|recruiters?) (?:that|who|which) are {MODEL}\b",
    )
)

PAYLOADS = tuple(
    spaced(pattern)
    for pattern in (
        r"\b(?:decode|decrypt|decipher|unscramble|encoded|encrypted|base ?64|rot-?13|hex|morse|cipher|first letters?|acrostic|"
        rf"backwards)\b[^\n]{{0,100}}\b(?:and|then)\W{{1,3}}(?:(?:then|please|to|must|should) ){{0,2}}{ACT} "
        r"(?:(?:the|its|them|that|all|those|any|these|what|hidden) ){0,3}(?:instruct|command|it\b|order|payload|message)",
    )
)
