"""Attempts to override instructions, language by language."""

from keeptrusts.policies.injection.wording import W, some, spaced, with_plain_letters

VERB = (
    "ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass(?:ing)?|discard|overrule|nullify|disobey|"
    "set aside|drop|cancel|erase|violate|abandon|never mind|pay no (?:attention|heed) to|take no notice of|"
    "(?:do not|don't|dont|never) (?:follow|obey|adhere to|comply with)|"
    "(?:stop|quit|cease) (?:following|obeying|adhering to|complying with)"
)
FILL = (
    "all|any|every|each|and|or|the|these|those|this|that|of|your|my|our|its|other|from|about|both|completely|entirely|"
    "fully|just|please|whatever|such|own|you|got|were|in"
)
WHICH = (
    "previous(?:ly)?|prior|above|preceding|earlier|past|foregoing|existing|initial|original|old|last|system|developer|"
    "given|default|hidden|secret|safety|security|ethical|moral|content|core|usage|built-in|pre-?set|former"
)
WHAT = (
    "instructions?|prompts?|rules?|directions?|guidelines?|guidance|directives?|commands?|constraints?|restrictions?|"
    "polic(?:y|ies)|programming|training|guardrails?|safeguards?|filters?|limitations?|protocols?"
)
BY_WHOM = (
    "above|preceding|before|so far|(?:that )?(?:were|was|have been) (?:given|told)|"
    "(?:that )?you (?:were|have been|got|received|had|have)|(?:in|from|of) (?:the|your) (?:system|developer)"
)

ENGLISH = (
    rf"\b(?:{VERB}) {some(FILL, 6)}(?:(?:{WHICH}) {some(FILL, 2)}){{1,3}}(?:{WHAT})\b",
    rf"\b(?:{VERB}) {some(FILL, 6)}(?:{WHAT}) (?:{BY_WHOM})\b",
    rf"\b(?:{VERB}) {some('all|any|of|just|please|about', 3)}your {some(WHICH, 3)}(?:{WHAT})\b",
    rf"\b(?:ignore|disregard) (?:all|those) {some('of|the', 2)}instructions\b",
    r"\b(?:ignore|disregard|forget|discard) everything (?:(?:that|which|you|i|we|was|were|has been|have been|is) ){0,3}"
    r"(?:above|before|preceding|(?:said|written|told|taught|instructed)(?: to)?(?: you)? (?:above|before|so far|earlier)|"
    r"told|taught|instructed|know about your)\b",
    rf"\b(?:{WHICH}) (?:instructions|prompts?|rules|directives|guidelines|commands) (?:above )?(?:are|is|were|have been) "
    r"(?:now |hereby )?(?:void|cancell?ed|revoked|obsolete|invalid|superseded|suspended|irrelevant|deleted|lifted|wrong)\b",
    r"\b(?:instructions|prompt|rules|guidelines|directives) (?:above |before )?(?:no longer|do not|don't) apply\b"
    r"[^\n]{0,40}\b(?:new|your|instead|follow|now)\b",
    r"\b(?:your|the real) (?:new|real|actual|true|only|updated) (?:system )?(?:instructions|orders|directives|rules|prompt)"
    r"(?: are\b| is\b|\s{0,2}:|\s{0,2}\n)",
    r"\bgiving you (?:the|your) (?:real|new|true|actual) (?:ones|instructions|rules|orders)\b",
    rf"\b(?:ignore|disregard|forget|abandon) {some('all|any|of|your|the', 3)}(?:ethics|morals|morality)\b",
)

GERMAN = (
    r"\b(?:ignorier|vergiss|vergessen|missacht|umgeh|verwirf|verwerf|überspring)\p{L}{0,3} "
    + some("alle|alles|sämtliche|bitte|die|deine|ihre|sie|den|der|von|jegliche|meine|und", 5)
    + r"(?:(?:vorherig|bisherig|vorig|obig|vorangegangen|früher|ursprünglich|bestehend|vorherigen|bestehenden)\p{L}{0,2} ){1,2}"
    r"(?:system-?)?(?:anweisung|regel|instruktion|vorgabe|befehl|richtlinie|anordnung|beschränkung|weisung|prompt)\p{L}{0,3}",
    r"\b(?:ignorier|vergiss|vergessen|missacht|umgeh|überspring)\p{L}{0,3} (?:(?:bitte|sie|alle) ){0,3}(?:deine|ihre)r? "
    r"(?:system-?)?(?:anweisung|regel|instruktion|vorgabe|richtlinie|beschränkung|prompt)\p{L}{0,3}",
    r"\bbefolg\p{L}{0,3} (?:(?:bitte|sie|die|deine|ihre|alle|vorherigen|bisherigen|obigen|früheren) ){1,5}"
    r"(?:anweisung|regel|vorgabe|instruktion|befehl)\p{L}{0,3} (?:(?:ab|jetzt|bitte) ){0,2}nicht",
    r"\b(?:vergiss|vergessen sie|ignoriere) alles,? was (?:dir|ihnen|du|man|vorher|bisher) ",
)

FRENCH = (
    r"\b(?:ignor\p{L}{1,3}|oubli\p{L}{1,3}|ne (?:tiens|tenez|tenir) (?:pas|aucun) compte|faites? abstraction|pass\p{L}{1,2} outre|"
    r"désobéi\p{L}{1,4}) "
    + some("toutes|tous|les|des|aux|à|de|tes|vos|ces|et|plus", 5)
    + r"(?:instructions?|consignes?|règles?|directives?|ordres?|contraintes?|restrictions?|prompts?) "
    r"(?:système )?(?:précédente?s?|antérieure?s?|ci-dessus|initiale?s?|d'origine|plus haut|données|reçues|qui précèdent)",
    r"\b(?:ignor\p{L}{1,3}|oubli\p{L}{1,3}) (?:toutes )?(?:tes|vos) (?:instructions?|consignes?|règles?|directives?)\b",
)

SPANISH = (
    r"\b(?:ignor(?:a|e|en|ad|ar)|olvid(?:a|e|en|ad|ar)|descart(?:a|e)|desobedece|no (?:hagas|haga|hagan) caso|"
    r"haz caso omiso|no sig(?:as|a|an)|omit(?:e|a)) "
    + some("todas?|todos|las?|los|el|de|a|tus?|sus?", 5)
    + r"(?:instrucción|instrucciones|reglas?|normas?|indicaciones|órdenes|directrices|directivas|restricciones|prompts?) "
    r"(?:anteriores|previa?o?s?|de arriba|iniciales|originales|del sistema|precedentes|que (?:te|se|recibiste))",
    r"\b(?:ignor(?:a|e|en)|olvid(?:a|e|en)) (?:todas )?(?:tus|sus) (?:instrucciones|reglas|directrices|restricciones)\b",
    r"\bolvid(?:a|e|en) todo lo (?:anterior|que (?:te|se|has|dije))",
)

PORTUGUESE = (
    r"\b(?:ignor(?:a|e|em|ar)|esqueç(?:a|am)|esquece|desconsider(?:a|e|em)|descart(?:a|e)|não sig(?:a|as)) "
    + some("todas|todos|as|os|suas|tuas|seus|das|de", 5)
    + r"(?:instruções|instrução|regras|diretrizes|ordens|orientações|restrições|comandos|prompts?) "
    r"(?:anteriores|acima|prévia?o?s?|iniciais|originais|do sistema|passadas|recebidas)",
    r"\b(?:ignor(?:a|e|em)|esqueç(?:a|am)|esquece) (?:todas )?(?:as )?(?:suas|tuas) (?:instruções|regras|diretrizes|restrições)\b",
    r"\besqueç(?:a|am) tudo (?:o )?que ",
)

ITALIAN = (
    r"\b(?:ignor(?:a|are|ate|i)|dimentic(?:a|are|ate|hi)|trascur(?:a|ate)|non (?:tenere|tener|tieni|tenete) conto|"
    r"non (?:seguire|considerare)) "
    + some("tutte|tutti|le|i|gli|delle|dei|tue|di|queste", 5)
    + r"(?:istruzioni|istruzione|regole|direttive|indicazioni|ordini|comandi|restrizioni|linee guida|prompt) "
    r"(?:precedenti|di cui sopra|qui sopra|sopra|iniziali|originali|di sistema|fornite|ricevute)",
    r"\b(?:ignor(?:a|are|ate)|dimentic(?:a|are|ate)) (?:tutte )?le (?:tue|vostre) (?:istruzioni|regole|direttive|restrizioni)\b",
    r"\bdimentic(?:a|ate) tutto (?:quello|ciò) che ",
)

CHINESE = (
    r"(?:忽略|无视|無視|忘记|忘記|忘掉|不要遵守|不要遵循|不要理会|抛开|绕过|违反|停止遵守|不再遵守)[^。！？\n]{0,12}"
    r"(?:之前|以前|以上|先前|前面|上面|上述|原来|此前|所有|全部|你的|系统|系統|开发者)[^。！？\n]{0,8}"
    r"(?:指令|指示|规则|規則|提示|命令|要求|限制|约束|设定|設定|指南)",
)

JAPANESE = (
    r"(?:これまで|今まで|以前|前|上記|上|先ほど|すべて|全て|あなた|システム|元|最初)[^。！？\n]{0,10}"
    r"(?:指示|命令|ルール|規則|プロンプト|指令|制約|制限|ガイドライン)[^。！？\n]{0,8}"
    r"(?:無視|忘れ|破棄|従わない|従うな|無効|取り消)",
)

RUSSIAN = (
    r"(?:игнориру\p{L}{1,4}|игнорировать|проигнориру\p{L}{1,4}|забудь(?:те)?|забыть|отмени(?:те)?|пренебреги(?:те)?|"
    r"не обращай(?:те)? внимани\p{L} на|не следуй(?:те)?|нарушь(?:те)?) "
    + some("все|всех|всю|всё|эти|те|свои|ваши|твои|на|про|о|любые", 4)
    + r"(?:(?:предыдущ|прежн|прошл|ранн|вышеуказанн|вышестоящ|системн|исходн|начальн|предшествующ|данн)\p{L}{1,5} ){1,2}"
    r"(?:инструкц|правил|указани|команд|директив|ограничен|промпт|предписан)\p{L}{0,4}",
    r"(?:игнориру\p{L}{1,4}|проигнориру\p{L}{1,4}|забудь(?:те)?) (?:(?:все|всё|эти|свои|ваши|твои) ){0,2}"
    r"(?:инструкц|правил|указани|команд|директив|ограничен)\p{L}{0,4} (?:выше|ранее|до этого)",
    r"(?:игнориру\p{L}{1,4}|забудь(?:те)?) (?:все )?(?:свои|ваши|твои) (?:инструкц|правил|указани|ограничен)\p{L}{0,4}",
    r"забудь(?:те)? (?:всё|все), что (?:тебе|вам|ты|до|я|было) ",
)

OTHERS = (
    r"\b(?:negeer|vergeet|sla over) (?:(?:alle|de|al|je|uw|jouw) ){0,3}(?:eerdere|vorige|bovenstaande|voorgaande) "
    r"(?:instructies|regels|opdrachten|richtlijnen|aanwijzingen)",
    r"\b(?:zignoruj|ignoruj|zapomnij o|pomiń) (?:(?:wszystkie|wszystkich|o|swoje|te) ){0,3}"
    r"(?:poprzedni|wcześniejsz|powyższ)\p{L}{1,3} (?:instrukcj|poleceni|zasad|reguł|wytyczn)\p{L}{0,3}",
    r"(?:önceki|yukarıdaki|tüm|bütün) (?:(?:tüm|bütün|önceki) ){0,2}(?:talimat|kural|komut|yönerge)\p{L}{0,5} "
    r"(?:yok say|unut|görmezden gel|dikkate alma)",
    r"(?:이전|위|앞|기존|지금까지)[^.\n]{0,10}(?:지시|명령|규칙|지침|프롬프트)[^.\n]{0,10}(?:무시|잊|따르지)",
    r"(?:تجاهل|انس|انسى|تجاهلي)[^.\n]{0,16}(?:التعليمات|الأوامر|القواعد|التوجيهات)[^.\n]{0,4}(?:السابقة|أعلاه)",
    r"(?:पिछले|पूर्व|उपरोक्त)[^।\n]{0,12}(?:निर्देश|नियम|आदेश)[^।\n]{0,14}(?:अनदेखा|भूल|नज़रअंदाज)",
    r"\b(?:ignorera|glöm|bortse från) (?:(?:alla|de|dina) ){0,3}(?:tidigare|ovanstående|föregående) "
    r"(?:instruktioner|regler|anvisningar|direktiv)",
    r"(?:bỏ qua|phớt lờ|quên)[^.\n]{0,20}(?:hướng dẫn|chỉ dẫn|quy tắc|mệnh lệnh)[^.\n]{0,10}(?:trước|trên)",
)

LANGUAGES = (
    *ENGLISH,
    *map(
        with_plain_letters,
        (*GERMAN, *FRENCH, *SPANISH, *PORTUGUESE, *ITALIAN, *CHINESE, *JAPANESE, *RUSSIAN, *OTHERS),
    ),
)

OVERRIDES = tuple(map(spaced, LANGUAGES))
"""Patterns without flags; case does not count."""

assert " " not in W
