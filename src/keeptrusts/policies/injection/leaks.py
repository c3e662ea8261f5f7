"""Attempts to get at a model's hidden instructions."""

from keeptrusts.policies.injection.wording import some, spaced, with_plain_letters

SHOW = (
    "reveal|show|print|repeat|output|display|tell|give|write|leak|dump|recite|disclose|expose|share|quote|copy|translate|"
    "summari[sz]e|encode|list|describe|paraphrase|state|return|send|provide|spell out|rephrase|explain|start"
)
FILL = (
    "me|us|to|the|all|of|out|exact|full|entire|complete|verbatim|contents?|text|what|words?|first|last|sentence|list|every|"
    "in|copy|are|is|whole|any"
)
HIDDEN = (
    "system|initial|original|hidden|secret|internal|developer|starting|base|confidential|underlying|full|exact|current|"
    "complete|first|core|own|real|actual"
)
PROMPT = "(?:system|initial|hidden|secret|internal|original|developer|configuration|base|full)[ ]?-?(?:prompt|message|instructions?)"

ENGLISH = (
    rf"\b(?:{SHOW}) {some(FILL, 6)}your {some(HIDDEN, 3)}(?:prompt|pre-?prompt|instructions|directives)\b",
    rf"\b(?:{SHOW}) {some(FILL, 6)}your (?:(?:{HIDDEN}) ){{1,3}}(?:rules|guidelines|message|configuration|programming)\b",
    rf"\b(?:{SHOW})\b[^\n.?!]{{0,60}}\byour {PROMPT}",
    rf"\b(?:what|which)(?: is| are| was| were|'s) (?:(?:the|all|of|in|written) ){{0,3}}your (?:(?:{HIDDEN}) ){{1,3}}"
    r"(?:prompt|instructions|message|rules|directives|guidelines)\b",
    r"\b(?:repeat|print|output|recite|echo|copy|display|return) "
    + some("me|all|of|the|text|words?|contents?|sentences|lines|messages?|exact|entire|back|out|that|is|everything", 6)
    + r"(?:above|before this|preceding)\b[^\n]{0,60}\b(?:verbatim|word for word|code ?block|starting with|exactly|in full|"
    r"unchanged|this line)\b",
    r"\b(?:repeat|print|output|recite|echo) (?:back )?(?:everything|all of the (?:words|text)|all the (?:words|text)) "
    r"(?:above|before this|preceding)\b",
    r"\b(?:repeat|print|output|recite) (?:the )?(?:text|words|everything) above (?:verbatim|exactly|word for word)\b",
    rf"\b(?:{SHOW}|what|which)\b[^\n.?!]{{0,40}}\b(?:instructions?|rules|prompt) (?:that )?you (?:were|have been|had been|got) "
    r"(?:given|told|provided|programmed|instructed)\b",
    r"\bmy system prompt (?:says|is|reads|begins|starts)\b",
)

LANGUAGES = (
    r"\b(?:zeig|nenn|gib|verrat|wiederhol|druck|schreib|übersetz|offenbar)\p{L}{0,2} "
    r"(?:(?:mir|uns|bitte|den|die|das|aus|alle|sie|wörtlich) ){0,4}(?:deine?n?|ihre?n?) "
    r"(?:(?:ursprünglich|versteckt|geheim|intern|initial|vollständig)\p{L}{0,3} ){0,2}"
    r"(?:system-?\s?prompt|prompt|systemanweisung|anweisungen|systemnachricht|vorgaben)",
    r"\b(?:wie lauten|was sind|wie lautet|was ist) (?:deine?|ihre?) "
    r"(?:(?:ursprünglich|versteckt|geheim|intern|initial|vollständig)\p{L}{0,3} ){0,2}"
    r"(?:system-?\s?prompt|systemanweisung|anweisungen|vorgaben)",
    r"\b(?:affich|montr|donn|révèl|répèt|imprim|récit)\p{L}{1,3}(?:-(?:moi|nous))? "
    r"(?:(?:ton|tes|votre|vos) (?:prompt|instructions|consignes)|le prompt système)",
    r"\b(?:muéstr\p{L}{1,4}|muestra|dime|revel\p{L}{1,3}|repite|imprime|escribe|dame|enséñame) "
    r"(?:(?:el|las|los|me) ){0,2}(?:tus?|sus?) (?:prompt|instrucciones|mensaje de sistema|indicaciones)",
    r"\b(?:mostr|dig|revel|repit|imprim|escrev|exib)\p{L}{1,3} (?:(?:o|as|os|me|a) ){0,2}(?:seus?|suas?|teus?|tuas?) "
    r"(?:prompt|instruções|mensagem de sistema)",
    r"\b(?:mostra(?:mi)?|dimmi|rivela(?:mi)?|ripeti|stampa|scrivi|elenca) (?:(?:il|le|i) ){0,1}(?:tuo|tue|tuoi|vostro|vostre) "
    r"(?:prompt|istruzioni|messaggio di sistema)",
    r"(?:显示|顯示|告诉我|输出|輸出|打印|重复|透露|泄露|公开|给我看|列出|复述)[^。！？\n]{0,8}(?:你的|系统|系統|隐藏|初始)"
    r"[^。！？\n]{0,6}(?:提示词|提示詞|提示|指令|设定|prompt)",
    r"(?:システムプロンプト|初期指示|内部指示|隠された指示|あなたの指示)[^。！？\n]{0,8}"
    r"(?:表示|教えて|出力|見せて|公開|繰り返|書き出)",
    r"(?:покажи|выведи|напиши|раскрой|повтори|назови|скажи|перескажи)(?:те)? (?:(?:мне|нам|весь|полный|дословно) ){0,3}"
    r"(?:сво|тво|ваш)\p{L}{1,3} (?:системн\p{L}{1,3} )?(?:промпт|инструкц)\p{L}{0,3}",
)

LEAKS = tuple(map(spaced, (*ENGLISH, *map(with_plain_letters, LANGUAGES))))
"""Patterns without flags; case does not count."""
