"""Whether a model's reply says that the documents do not answer.

A refusal speaks of the documents, or of what whoever answers can find in them: "The text does not mention it", "I
cannot find it". A correct negative speaks of the subject, and is an answer: "Water is not available after 22:00". The
sentence that the prompt agrees on is looked for first; the rest is for models that use words of their own, in their
language.
"""

# ruff: noqa: E501 - a pattern is one line for each way of saying it

from __future__ import annotations

import re

ABSTAIN = "NOT IN THE DOCUMENTS"
LONGEST = 300  # characters of a refusal in a model's own words

_CITES = re.compile(r"[\[\u3010\u3014\uff3b]\s*(?:\^|text|source|passage|doc\w*)?\s*\d+", re.IGNORECASE)
_FRAME = re.compile(r"[*_`#>\"'“”„«»\u2018\u2019\s]+")  # Markdown and quotation marks around a reply
# What follows tells something all the same: "does not mention a penalty, but clause 4 sets a deposit"
_YET = re.compile(
    r"[,;:]?\s*\b(?:but|however|though|although|aber|jedoch|mais|cependant|pero|sin embargo|però|tuttavia|mas|porém|"
    r"maar|echter|ale|jednak|но|однако|ancak|fakat)\b\s+\S+\s+\S+\s+\S+",
    re.IGNORECASE,
)

_EN_DOC = (
    r"(?:documents?|texts?|contexts?|passages?|excerpts?|sources?|materials?|articles?|files?|snippets?|extracts?|"
    r"information (?:provided|given|available)|(?:provided|given|available) information)"
)
_EN_SPOKEN = (  # what a contract says of itself in these words is that it is silent
    r"(?:documents?|texts?|contract|agreement|lease|report|paper|filing|manual|policy|book|story|code|letter|minutes|"
    r"author|passages?)"
)
_EN_TELL = r"(?:say|mention|state|specify|indicate|tell|disclose|discuss|reveal|identify|name|note|report|describe)"
_LANGUAGES = (
    # English
    rf"\b{_EN_DOC}\b[^.]{{0,40}}\b(?:do|does|did)(?:n['\u2019]t| not) (?:\w+ ){{0,2}}"
    rf"(?:{_EN_TELL[3:-1]}|provide|contain|address|include|answer|give|cover|explain|list|define|offer|have)"
    rf"|\b{_EN_SPOKEN}\b[^.]{{0,40}}\b(?:do|does|did)(?:n['\u2019]t| not) (?:\w+ ){{0,2}}{_EN_TELL}\b"
    rf"|\b(?:not|n['\u2019]t|never|nowhere) (?:\w+ )?(?:mentioned|stated|specified|disclosed|indicated|discussed)\b"
    rf"|\b(?:not|n['\u2019]t|never|nowhere) (?:\w+ )?(?:found|given|included|contained|addressed|provided|available|"
    rf"present|covered|answered|in)\b[^.]{{0,30}}\b(?:in|by|within|from|of|the)\b[^.]{{0,30}}\b{_EN_DOC}\b"
    r"|\bno (?:information|mention|indication|details?|reference|answer)\b(?= (?:about|on|regarding|of|in|that|concerning|"
    r"provided|available|given|to|which|whether|for|is|was)\b|\W*$)"
    r"|\b(?:can(?:not|['\u2019]t)|could(?: not|n['\u2019]t)|(?:am|are|was|is|be) (?:unable|not able) to) (?:be )?"
    r"(?:answer(?:ed)?|determined?|inferred|deduced?|ascertained|concluded)\b"
    r"|\b(?:i|we) (?:can(?:not|['\u2019]t)|could(?: not|n['\u2019]t)|(?:am|are|was|were) (?:unable|not able) to) (?:\w+ )?"
    r"(?:find|locate|tell|provide|identify|say|see|give)\b"
    r"|\b(?:i|we) (?:do not|don['\u2019]t) (?:know|have (?:enough|any|that|sufficient|the))\b"
    r"|\b(?:insufficient|not enough|lack of) information\b|\bunanswerable\b",
    # German
    r"\b(?:dokument\w*|text\w*|kontext\w*|unterlagen|quellen?|auszüge?n?|passagen?|vertr[aä]g\w*|abschnitt\w*)\b[^.]{0,60}"
    r"\b(?:enth(?:ält|alten)|sag(?:t|en)|nenn(?:t|en)|erwähn(?:t|en)|g(?:ibt|eben)|mach(?:t|en)|beantworte(?:t|n))\b"
    r"[^.]{0,40}\b(?:nicht|nichts|keinen?|keine[rms]?)\b"
    r"|\bgeh(?:t|en)\b[^.]{0,60}\bnicht\b[^.]{0,40}\bhervor\b"
    r"|\b(?:nicht|nirgends) (?:erwähnt|genannt|angegeben|spezifiziert|beschrieben|aufgeführt)\b"
    r"|\b(?:dokument\w*|text\w*|kontext\w*|unterlagen|auszüge\w*|vertrag\w*)\b[^.]{0,50}\b(?:nicht|kein\w*)\b[^.]{0,40}"
    r"\b(?:enthalten|erwähnt|genannt|angegeben|zu finden|zu entnehmen)\b"
    r"|\bkeine (?:\w+ )?(?:informationen?|angaben?|hinweise?|antwort|auskunft)\b"
    r"|\bl(?:ä|ae)sst sich\b[^.]{0,60}\bnicht\b[^.]{0,20}\b(?:beantworten|entnehmen|bestimmen|feststellen|sagen|ermitteln)"
    r"|\b(?:kann|konnte) ich\b[^.]{0,80}\bnicht\b|\bich (?:kann|konnte)\b[^.]{0,80}\bnicht\b|\bweiß (?:ich|es)?\s?\w* ?nicht\b"
    r"|\bnicht zu entnehmen\b",
    # French
    r"\b(?:documents?|textes?|contexte|extraits?|passages?|sources?|contrat|informations fournies)\b[^.]{0,30}"
    r"\bn(?:e |['\u2019])(?:mentionn|précis|contien|dis|dit|indiqu|fourni|donn|répond|perme|spécifi|parl|évoqu)\w*"
    r"|\b(?:pas|jamais) (?:mentionnée?s?|précisée?s?|indiquée?s?|spécifiée?s?)\b"
    r"|\baucune (?:information|mention|indication|réponse|précision)\b"
    r"|\bje ne (?:sais|trouve|peux|parviens)\b|\bimpossible de (?:le |la |les |l['\u2019])?(?:répondre|détermin|trouver|savoir)",
    # Spanish
    r"\b(?:documentos?|textos?|contexto|pasajes?|fragmentos?|fuentes?|contrato)\b[^.]{0,40}\bno (?:\w+ )?"
    r"(?:menciona|dice|indica|especifica|contiene|proporciona|incluye|responde|ofrece|aclara|da)n?\b"
    r"|\bno se (?:menciona|especifica|indica|dice|aclara)n?\b"
    r"|\bno (?:hay|existe|encuentro|encontré|dispongo de|tengo) (?:\w+ )?(?:información|mención|respuesta|la respuesta)"
    r"|\bno (?:puedo|es posible|se puede) (?:responder|determinar|encontrar|saber)|\bno lo sé\b",
    # Italian
    r"\b(?:documenti?|test[oi]|contesto|passaggi|estratti|fonti|contratto)\b[^.]{0,40}\bnon (?:\w+ )?"
    r"(?:menziona|dice|dicono|indica|specifica|contiene|contengono|fornisce|forniscono|riporta|risponde)(?:no)?\b"
    r"|\bnon (?:è|sono|viene|vengono) (?:menzionat|specificat|indicat|riportat|precisat)[oaie]\b"
    r"|\bnessuna (?:informazione|menzione|risposta|indicazione)\b|\bnon ci sono informazioni\b|\bnon c['\u2019]è menzione\b"
    r"|\bnon (?:posso|riesco a|è possibile) (?:\w+ )?(?:rispondere|determinar\w+|trovar\w*|stabilir\w+)|\bnon lo so\b",
    # Portuguese
    r"\b(?:documentos?|textos?|contexto|passagens|trechos?|fontes?|contrato)\b[^.]{0,40}\bnão (?:\w+ )?"
    r"(?:menciona|diz|dizem|indica|especifica|contém|contêm|fornece|informa|responde|traz)m?\b"
    r"|\bnão (?:é|está|são|foi|foram) (?:mencionad|especificad|indicad|informad)[oa]s?\b"
    r"|\bnão há (?:\w+ )?(?:informaç|menção|resposta)|\bnão (?:encontrei|encontro|sei)\b"
    r"|\bnão (?:posso|consigo|é possível) (?:\w+ )?(?:responder|determinar|encontrar|saber)",
    # Dutch
    r"\b(?:documenten?|tekst(?:en)?|context|passages?|bronnen?|contract)\b[^.]{0,40}\b(?:vermeld(?:t|en)|zegg?e?[nt]?|"
    r"noem(?:t|en)|bevat(?:ten)?|gee?f?v?e?[nt]?)\b[^.]{0,40}\b(?:niet|niets|geen)\b"
    r"|\bniet (?:vermeld|genoemd|aangegeven|gespecificeerd|beschreven)\b"
    r"|\bgeen (?:informatie|vermelding|antwoord|gegevens)\b"
    r"|\bniet (?:vinden|te bepalen|te beantwoorden|te vinden|op te maken)\b|\bik weet het niet\b",
    # Polish
    r"\b(?:dokument|tekst|kontekst|źród|umow|fragment)\w*[^.]{0,40}\bnie (?:zawiera|wspomina|podaj|określa|mówi|wymienia|"
    r"odpowiada|wskazuj)\w*"
    r"|\bnie (?:jest|są|został\w*) (?:podan|wspomnian|określon|wymienion)\w+|\b(?:nie ma|brak) (?:\w+ )?"
    r"(?:informacji|odpowiedzi|wzmianki)"
    r"|\bnie (?:mogę|można|udało się|da się) (?:\w+ )?(?:znaleźć|ustalić|odpowiedzieć|określić)|\bnie wiem\b",
    # Russian
    r"\b(?:документ|текст|контекст|источник|договор|фрагмент)\w*[^.]{0,40}\bне (?:содерж|упомина|указ|сказано|говор|сообща)\w*"
    r"|\bне (?:указан|упомянут|упомина|сказан|сообщает|говорится)\w*|\bнет (?:\w+ )?(?:информации|сведений|ответа|упоминани)"
    r"|\b(?:не могу|невозможно|не удалось|нельзя|не удаётся) (?:\w+ )?(?:найти|ответить|определить|установить)"
    r"|\b(?:определить|установить|ответить)\b[^.]{0,20}\bневозможно|\bне знаю\b",
    # Chinese
    r"(?:文档|文件|文本|文中|原文|资料|材料|上下文|合同|段落|提供的)[^。]{0,12}(?:没有|未|并未|不)(?:有)?"
    r"(?:明确)?(?:提及|提到|说明|包含|提供|给出|指明|涉及|回答|找到|记载)"
    r"|(?:没有|未)(?:明确)?(?:提及|提到|说明)|找不到|无法(?:从|根据|确定|回答|得知|判断|找到)|(?:没有|缺乏|无)(?:任何|足够|相关)"
    r"*的?信息|不知道",
    # Japanese
    r"(?:記載|記述|言及|説明|情報|書かれて|示されて)(?:は|が|も|されて|に)?(?:い|あり|おり|見つかり)?(?:ません|ない)"
    r"|(?:わかり|分かり|答えられ|回答でき|判断でき|特定でき|見つかり|見つけられ)ません(?:でした)?",
    # Korean
    r"(?:언급|명시|기재|설명|나와)\S*\s?(?:\S+\s)?(?:않|없)|(?:관련\s?)?정보\S*\s?(?:없|부족)|답\S*\s?(?:찾을|알)\s?수\s?없"
    r"|(?:알|답할|답변할|확인할|판단할)\s?수\s?없|모르겠",
    # Turkish
    r"(?:belge|metin|metne|doküman|bağlam|sözleşme|kaynak)\w*[^.]{0,50}(?:belirtilme|yer alm|bahsedilm|bahsetm|geçmiyor|"
    r"bulunmuyor|bulunmama|söylenm|içermiyor|yanıtlanam|cevaplanam)\w*"
    r"|\bbilgi (?:yok|bulunm|verilmem)\w*|belirtilmem\w+|\b(?:bulamadım|bilmiyorum|cevaplayam\w+|yanıtlayam\w+)\b",
    # Arabic
    r"(?:لا|لم) (?:يذكر|تذكر|يحتوي|تحتوي|يرد|ترد|يتضمن|تتضمن|يوضح|توضح|يحدد|تحدد|يشير|تشير|يُذكر)"
    r"|لا توجد (?:أي )?معلومات|لا (?:أعرف|أعلم)|لا يمكن(?:ني)? (?:تحديد|الإجابة|العثور)|لم أجد",
)
_REFUSAL = re.compile("|".join(f"(?:{one})" for one in _LANGUAGES), re.IGNORECASE)


def abstains(reply: str) -> bool:
    """Whether a model's reply says that the documents do not answer.

    The agreed sentence at the beginning of a reply, or anywhere in a short one; else a refusal in the first sentence of
    a short reply that cites nothing and does not go on to tell something all the same.
    """
    flat = " ".join(reply.split())
    plain = _FRAME.sub(" ", flat).strip().upper()
    if not plain:
        return True
    if plain.startswith(ABSTAIN) or (ABSTAIN in plain and len(flat) < 4 * len(ABSTAIN)):
        return True
    if len(flat) >= LONGEST or _CITES.search(flat):
        return False
    first = re.split(r"(?<=[.!?])\s|(?<=[。！？])", flat, maxsplit=1)[0]
    found = _REFUSAL.search(first)
    return found is not None and not _YET.search(flat, found.end())
