"""Whether a model's reply says that the documents do not answer.

A refusal speaks of the documents, or of what whoever answers can find in them: "The text does not mention it", "I
cannot find it". A correct negative speaks of the subject, and is an answer: "Water is not available after 22:00". So is
what a contract does not grant or contain: "The contract does not include parking". Only where a contract does not say
something is it silent. The sentence that the prompt agrees on is looked for first; the rest is for models that use
words of their own, in their language.
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
    r"maar|echter|ale|jednak|но|однако|ancak|fakat)\b\s+\S+\s+\S+\s+\S+"
    # or what follows from the silence: ", so it runs from month to month"
    r"|[,;:\u2013\u2014]\s*(?:and |und |et |y |e |en )?(?:so|therefore|thus|hence|which means|also|daher|deshalb|somit|"
    r"folglich|donc|par conséquent|por lo que|por lo tanto|así que|por tanto|quindi|perciò|pertanto|dunque|portanto|"
    r"por isso|de modo que|logo|dus|daarom|więc|поэтому)\b\s+\S+\s+\S+\s+\S+"
    r"|:\s*(?:it|they|he|she|we|you|the|this|es|er|sie|der|die|das|il|ils|elles?|le|la|les|el|los|las|lo|o|a|os|as|"
    r"het|de|hij|zij|ze)\s+\S+\s+\S+",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(  # the silence again, as in ", so the answer is unknown"
    r"\b(?:unknown|unclear|no answer|no conclusion|not? (?:possible|known)|can(?:not|['\u2019]t)|impossible|unbekannt|"
    r"unklar|unmöglich|inconnu|desconocid[oa]|sconosciut[oa]|desconhecid[oa]|onbekend|onduidelijk)\b",
    re.IGNORECASE,
)
_NO = re.compile(r"(?:no|nein|non|não|nee)\s*[,;:\u2013\u2014-]", re.IGNORECASE)  # answers a question of yes or no


def _near(one: str, other: str, within: int = 60) -> str:
    """Both within a sentence, in either order."""
    return rf"(?:{one})[^.]{{0,{within}}}(?:{other})|(?:{other})[^.]{{0,{within}}}(?:{one})"


_EN_DOC = (
    r"(?:documents?|texts?|contexts?|passages?|excerpts?|sources?|materials?|articles?|files?|snippets?|extracts?|"
    r"information (?:provided|given|available)|(?:provided|given|available) information)"
)
_EN_SPOKEN = (  # what a contract says of itself in these words is that it is silent
    r"(?:documents?|texts?|contract|agreement|lease|report|paper|filing|manual|policy|book|story|code|letter|minutes|"
    r"author|passages?)"
)
_EN_TELL = r"(?:say|mention|state|specify|indicate|tell|disclose|discuss|reveal|identify|name|note|report|describe)"
_EN_TELLS = (
    r"(?:sa(?:y|ys|id)|mention(?:s|ed)?|states?|specif(?:y|ies)|indicates?|tells?|discuss(?:es)?|reveals?|"
    r"identif(?:y|ies)|contains?|gives?|provides?|address(?:es)?|answers?)"
)
_EN_GRANT = r"(?![^.]{0,40}\b(?:rights?|permission|consent|licen[cs]e|authority|entitle\w*|claim|access)\b)"
_EN_KEPT = (  # what is done with information, other than telling it
    r"(?![^.]*\b(?:is|are|was|were|be|been|being) (?:\w+ )?(?:shared|sold|passed|stored|kept|collected|transferred|"
    r"disclosed|released|published|retained|required|needed|sent|processed|used)\b)"
)
_EN_THINGS = r"(?:information|mention|indication|details?|reference|answer)"
_EN_ABOUT = (
    r"(?= (?:about|on|regarding|of|in|that|concerning|provided|available|given|to|which|whether|for|"
    r"(?:is|are|was|were) (?:\w+ )?(?:given|provided|available|found|mentioned|included|contained|made|stated|offered))\b|"
    r"\W*$)"
)
_DE_DOC = r"(?:dokument\w*|text(?:e[ns]?|s)?|kontext\w*|unterlagen|quellen?|auszüge?n?|passagen?|textstellen?)"
_DE_KEPT = (
    r"(?![^.]*\b(?:weitergegeben|weitergeleitet|an dritte|verkauft|gespeichert|übermittelt|verarbeitet|erhoben|"
    r"mitgeteilt|erforderlich|nötig|notwendig)\b)"
)
_FR_DOC = r"(?:documents?|textes?|contexte|extraits?|passages?|sources?|informations fournies)"
_FR_TELL = r"(?:mentionn\w*|précis\w*|di(?:t|sent|sait|saient)|indiqu\w*|spécifi\w*|parl\w*|évoqu\w*)"
_FR_KEPT = (
    r"(?![^.]*(?:\b(?:transmis|partag|vendu|conserv|cédé|collect|stock|divulgu|requis|nécessaire|exigé)|\btiers\b))"
)
_ES_DOC = r"(?:documentos?|textos?|contexto|pasajes?|fragmentos?|fuentes?)"
_ES_TELL = r"(?:menciona|dice|indica|especifica|aclara|precisa|señala|habla)n?"
_IT_DOC = r"(?:document[oi]|test[oi]|contesto|passagg(?:io|i)|estratt[oi]|font[ei]|bran[oi])"
_IT_TELL = r"(?:menziona|dice|dicono|indica|specifica|precisa|parla)(?:no)?"
_IT_KEPT = (
    r"(?![^.]*\b(?:condivis|cedut|trasmess|vendut|conservat|raccolt|divulgat|richiest|necessari)|[^.]*\bterz[io]\b)"
)
_PT_DOC = r"(?:documentos?|textos?|contexto|passage(?:m|ns)|trechos?|fontes?)"
_PT_TELL = r"(?:menciona|diz|dize|indica|especifica|informa|precisa|fala)m?"
_NL_DOC = r"(?:document(?:en)?|tekst(?:en)?|context|passages?|bron(?:nen)?|fragment(?:en)?)"
_NL_TELL = r"(?:vermeld(?:t|en)|zeg(?:t|gen)|noem(?:t|en)|beschrijf(?:t)?)"
_NL_KEPT = r"(?![^.]*\b(?:gedeeld|doorgegeven|verkocht|bewaard|opgeslagen|verzameld|verwerkt|nodig|vereist|derden)\b)"
_EN_UNCLEAR = _near(r"\b(?:unclear|not clear|isn[\u2019']t clear)\b", rf"\b{_EN_DOC}\b")
_DE_NOTHING = _near(
    r"\bsteh(?:t|en)\b[^.]{0,30}\b(?:nichts?|nirgends)\b|\bnichts\b[^.]{0,20}\bsteh(?:t|en)\b|\b(?:unklar|nicht klar)\b",
    rf"\b{_DE_DOC}\b",
)
_FR_SILENT = _near(
    r"\b(?:pas clair|reste\w* muets?|muets? sur|rien (?:sur|à ce sujet|à propos|de tel)|n['\u2019]appara[iî]\w* (?:pas|nulle part)|silencieux)\b",
    rf"\b{_FR_DOC}\b",
)
_ES_UNCLEAR = _near(
    r"\bno (?:está|queda|es) claro\b|\bno (?:consta|aparece|figura)n?\b|\bguardan? silencio\b", rf"\b{_ES_DOC}\b"
)
_IT_UNCLEAR = _near(
    r"\bnon è chiaro\b|\bnon (?:risulta|compare|si trova|è presente|sono presenti)\b|\btac(?:e|ciono)\b",
    rf"\b{_IT_DOC}\b",
)
_PT_UNCLEAR = _near(
    r"\bnão (?:está|fica|é) claro\b|\bnão (?:consta|aparece)m?\b|\bnão est(?:á|ão) presentes?\b", rf"\b{_PT_DOC}\b"
)
_NL_UNCLEAR = _near(
    r"\b(?:onduidelijk|niet duidelijk|staat (?:hier)?(?:niets|niet)|niets (?:over|hierover)|zwijg(?:t|en))\b",
    rf"\b{_NL_DOC}\b",
)
_ANY_DOC = re.compile(rf"\b(?:{'|'.join((_EN_DOC, _DE_DOC, _FR_DOC, _ES_DOC, _IT_DOC, _PT_DOC, _NL_DOC))})\b", re.I)
_LANGUAGES = (
    # English
    rf"\b{_EN_DOC}\b[^.]{{0,40}}\b(?:do|does|did)(?:n['\u2019]t| not) (?:\w+ ){{0,2}}"
    rf"(?:{_EN_TELL[3:-1]}|address|answer|cover|explain|(?:provide|contain|include|give|list|define|offer){_EN_GRANT})"
    rf"|\b{_EN_DOC}\b[^.]{{0,40}}\b(?:do|does|did)(?:n['\u2019]t| not) have (?:\w+ ){{0,3}}(?:{_EN_THINGS}|data)\b"
    rf"|\b{_EN_SPOKEN}\b[^.]{{0,40}}\b(?:do|does|did)(?:n['\u2019]t| not) (?:\w+ ){{0,2}}{_EN_TELL}\b"
    rf"|\b(?:{_EN_DOC}|{_EN_SPOKEN})\b[^.]{{0,40}}\b(?:{_EN_TELLS} (?:absolutely )?nothing|(?:is|are|remains?) silent|"
    rf"fails? to {_EN_TELL}|makes? no (?:mention|reference)|never {_EN_TELLS})\b"
    rf"|\b(?:none of (?:the|these|those)|neither(?: of the)?|no) (?:\w+ )?{_EN_DOC}\b[^.]{{0,30}}\b{_EN_TELLS}\b"
    rf"|{_EN_UNCLEAR}"
    rf"|\b(?:nothing|nowhere)\b[^.]{{0,40}}\b(?:in|within|from) (?:\w+ ){{0,3}}{_EN_DOC}\b"
    rf"|\bnothing (?:is|was) (?:said|mentioned|stated)\b"
    rf"|\b(?:do|does|did)(?:n['\u2019]t| not) appear (?:anywhere )?in (?:\w+ ){{0,3}}{_EN_DOC}\b"
    r"|(?:\b(?:not|never|nowhere)|n['\u2019]t) (?:(?!be )\w+ )?(?:mentioned|stated|specified|indicated|discussed)\b"
    rf"|(?:\b(?:not|never|nowhere)|n['\u2019]t) (?:\w+ )?(?:found|given|included|contained|addressed|provided|available|"
    rf"disclosed|present|covered|answered|in)\b[^.]{{0,30}}\b(?:in|by|within|from|of|the)\b[^.]{{0,30}}\b{_EN_DOC}\b"
    rf"|^no {_EN_THINGS}\b{_EN_ABOUT}{_EN_KEPT}|(?<=\w )no {_EN_THINGS}\b{_EN_ABOUT}"
    r"|\b(?:can(?:not|['\u2019]t)|could(?: not|n['\u2019]t)|(?:am|are|was|is|be) (?:unable|not able) to) (?:be )?"
    r"(?:answer(?:ed)?|(?:determined?|inferred|deduced?|ascertained)(?! unilaterally)|"
    rf"conclud(?:e|ed (?:from|based|whether|that)))\b(?! by (?!(?:the|these|those) (?:\w+ )?{_EN_DOC}))"
    r"|\b(?:i|we) (?:can(?:not|['\u2019]t)|could(?: not|n['\u2019]t)|(?:am|are|was|were) (?:unable|not able) to) (?:\w+ )?"
    r"(?:find|locate|tell|provide|identify|say|see|give)\b"
    r"|\b(?:i|we) (?:do not|don['\u2019]t) (?:know|have (?:enough|any|that|sufficient|the) (?:\w+ )?(?:information|answer|"
    r"details?|data|context|knowledge|evidence))\b"
    r"|\b(?:insufficient|not enough|lack of) information\b|\bunanswerable\b",
    # German
    rf"\b(?:{_DE_DOC}|abschnitt\w*)\b[^.]{{0,60}}\b(?:enth(?:ält|alten)|g(?:ibt|eben)|mach(?:t|en)|beantworte(?:t|n))\b"
    r"[^.]{0,40}\b(?:nicht|nichts|keinen?|keine[rms]?)\b(?![^.]{0,30}\b(?:recht\w*|anspruch|erlaubnis|befugnis)\b)"
    rf"|\b(?:{_DE_DOC}|vertr[aä]g\w*|abschnitt\w*)\b[^.]{{0,60}}\b(?:sag(?:t|en)|nenn(?:t|en)|erwähn(?:t|en)|"
    r"schweig(?:t|en)|äußer(?:t|n) sich)\b[^.]{0,40}(?:\b(?:nicht|nichts|keinen?|keine[rms]?)\b|(?<=schweigt)|(?<=schweigen))"
    r"|\bgeh(?:t|en)\b[^.]{0,60}\bnicht\b[^.]{0,40}\bhervor\b"
    r"|\b(?:nicht|nirgends) (?:erwähnt|genannt|angegeben|spezifiziert|beschrieben|aufgeführt)\b(?! werden\b)"
    rf"|\b{_DE_DOC}\b[^.]{{0,50}}\b(?:nicht|kein\w*)\b[^.]{{0,40}}\b(?:enthalten|erwähnt|genannt|angegeben|vorhanden|beantwortet|zu finden|zu entnehmen)\b"
    r"|\bvertr[aä]g\w*\b[^.]{0,50}\b(?:nicht|kein\w*)\b[^.]{0,40}\b(?:erwähnt|genannt|angegeben|zu finden|zu entnehmen)\b"
    rf"|\bkein(?:e[sr]?)? (?:der |dieser )?(?:\w+ )?{_DE_DOC}\b[^.]{{0,30}}\b(?:erwähn|nenn|sag|enthält|enthalten|beantworte)\w*"
    rf"|{_DE_NOTHING}"
    rf"|\bkeine (?:\w+ )?(?:informationen?|angaben?|hinweise?|antwort|auskunft)\b{_DE_KEPT}"
    r"|\bl(?:ä|ae)sst sich\b[^.]{0,60}\bnicht\b[^.]{0,20}\b(?:beantworten|entnehmen|bestimmen|feststellen|sagen|ermitteln)"
    r"|\b(?:kann|konnte) ich\b[^.]{0,80}\bnicht\b|\bich (?:kann|konnte)\b[^.]{0,80}\bnicht\b|\bweiß (?:ich|es)?\s?\w* ?nicht\b"
    r"|\bnicht zu entnehmen\b",
    # French
    rf"\b(?:{_FR_DOC}|contrat|accord|bail|rapport)\b[^.]{{0,30}}\bn(?:e |['\u2019])(?:(?:le|la|les|en|l['\u2019]) ?)?{_FR_TELL}\b"
    rf"|\b{_FR_DOC}\b[^.]{{0,30}}\bn(?:e |['\u2019])(?:contien|fourni|donn|répond)\w*(?![^.]{{0,30}}\b(?:droits?|autorisation)\b)"
    r"|\bn(?:e |['\u2019])perme\w+ (?:pas|point) (?:de |d['\u2019])(?:répondre|détermin|savoir|conclure|dire|connaître|établir)"
    r"|\b(?:pas|jamais) (?:mentionnée?s?|précisée?s?|indiquée?s?|spécifiée?s?)\b"
    rf"|\baucune (?:information|mention|indication|réponse|précision)\b{_FR_KEPT}"
    rf"|{_FR_SILENT}"
    rf"|\bne figure\w* (?:pas|nulle part)\b[^.]{{0,20}}\b{_FR_DOC}\b"
    r"|\bje ne (?:sais|trouve|peux|parviens)\b|\bimpossible de (?:le |la |les |l['\u2019])?(?:répondre|détermin|savoir|"
    r"trouver[^.]{0,20}(?:réponse|information))",
    # Spanish
    rf"\b(?:{_ES_DOC}|contrato|acuerdo|informe)\b[^.]{{0,40}}\b(?:no (?:\w+ )?|nada ){_ES_TELL}\b"
    rf"|\b{_ES_DOC}\b[^.]{{0,40}}\bno (?:\w+ )?(?:contiene|proporciona|incluye|responde|ofrece|da)n?\b(?![^.]{{0,30}}\b(?:derechos?|permiso)\b)"
    rf"|\bning(?:uno de (?:los|estos)|una de las|ún|una) {_ES_DOC}\b[^.]{{0,30}}\b(?:{_ES_TELL}|contienen?|respond\w+)\b"
    r"|\bno se (?:menciona|especifica|indica|dice|aclara)n?\b"
    rf"|{_ES_UNCLEAR}"
    r"|\bno (?:hay|existe|encuentro|encontré|dispongo de|tengo) (?:\w+ )?(?:información|mención|respuesta|la respuesta)"
    r"|\bno puedo (?:responder|determinar|encontrar|saber)|\bno (?:es posible|se puede) (?:responder|determinar(?! (?:unilateral|de forma unilateral))|"
    r"saber|encontrar[^.]{0,20}(?:respuesta|información))|\bno lo sé\b",
    # Italian
    rf"\b(?:{_IT_DOC}|contratto|accordo|rapporto)\b[^.]{{0,40}}\bnon (?:\w+ )?{_IT_TELL}\b"
    rf"|\b{_IT_DOC}\b[^.]{{0,40}}\bnon (?:\w+ )?(?:contiene|contengono|fornisce|forniscono|riporta|risponde)(?:no)?\b(?![^.]{{0,30}}\bdiritt[oi]\b)"
    rf"|\bnessun(?:o dei|a delle|o di questi|o|a)? {_IT_DOC}\b[^.]{{0,30}}\b(?:{_IT_TELL}|contiene|riporta)\b"
    r"|\bnon (?:è|sono|viene|vengono) (?:menzionat|specificat|indicat|riportat|precisat)[oaie]\b"
    rf"|{_IT_UNCLEAR}"
    rf"|\bnessuna (?:informazione|menzione|risposta|indicazione)\b{_IT_KEPT}|\bnon ci sono informazioni\b|\bnon c['\u2019]è menzione\b"
    r"|\bnon (?:posso|riesco a) (?:\w+ )?(?:rispondere|determinar\w+|trovar\w*|stabilir\w+)"
    r"|\bnon è possibile (?:rispondere|determinar\w+(?! unilateral)|stabilir\w+|trovar\w*[^.]{0,20}rispost)|\bnon lo so\b",
    # Portuguese
    rf"\b(?:{_PT_DOC}|contrato|acordo|relatório)\b[^.]{{0,40}}\b(?:não (?:\w+ )?|nada ){_PT_TELL}\b"
    rf"|\b{_PT_DOC}\b[^.]{{0,40}}\bnão (?:\w+ )?(?:contém|contêm|fornece|responde|traz)m?\b(?![^.]{{0,30}}\bdireitos?\b)"
    rf"|\bnenhum(?:a)?(?: dos| das)? {_PT_DOC}\b[^.]{{0,30}}\b(?:{_PT_TELL}|contém|responde)\b"
    r"|\bnenhuma (?:informação|menção|resposta|indicação) (?:sobre|é (?:dada|fornecida)|foi (?:dada|fornecida|encontrada))\b"
    r"|\bnão (?:é|está|são|foi|foram) (?:mencionad|especificad|indicad|informad)[oa]s?\b"
    rf"|{_PT_UNCLEAR}"
    r"|\bnão há (?:\w+ )?(?:informaç|menção|resposta)|\bnão (?:encontrei|encontro|sei)\b"
    r"|\bnão (?:posso|consigo) (?:\w+ )?(?:responder|determinar|encontrar|saber)"
    r"|\bnão é possível (?:responder|determinar(?! unilateral)|saber|encontrar[^.]{0,20}(?:resposta|informaç))",
    # Dutch
    rf"\b(?:{_NL_DOC}|contract|overeenkomst|rapport)\b[^.]{{0,40}}\b{_NL_TELL}\b[^.]{{0,40}}\b(?:niet|niets|geen)\b"
    rf"|\b{_NL_DOC}\b[^.]{{0,40}}\b(?:bevat(?:ten)?|ge(?:eft|ven))\b[^.]{{0,40}}\b(?:niet|niets|geen)\b(?![^.]{{0,30}}\b(?:recht\w*|toestemming)\b)"
    rf"|\bgeen (?:van de(?:ze)? |enkele? )?{_NL_DOC}\b[^.]{{0,30}}\b(?:{_NL_TELL}|bevat|ge(?:eft|ven))\b"
    rf"|{_NL_UNCLEAR}"
    r"|\bniet (?:vermeld|genoemd|aangegeven|gespecificeerd|beschreven)\b(?! worden\b)"
    rf"|\bgeen (?:informatie|vermelding|antwoord|gegevens)\b{_NL_KEPT}"
    r"|\bniet (?:vinden|te bepalen|te beantwoorden|te vinden|op te maken)\b|\bik weet het niet\b",
    # Swedish, Norwegian, Danish
    r"\b(?:dokument|tekst|text|kontekst|sammanhang|källor|kilde|utdrag|uddrag)\w*\b[^.]{0,30}\b(?:nämner|nevner|nævner|säger|sier|"
    r"siger|anger|angir|angiver|innehåller|inneholder|indeholder|framgår|fremgår)\b[^.]{0,20}\b(?:inte|ikke|ingen|inget|"
    r"ingenting|intet|inga)\b"
    r"|\b(?:framgår|fremgår|nämns|nevnes|nævnes|står) (?:\w+ )?(?:inte|ikke|ingenting|intet)\b"
    r"|\b(?:inte|ikke) (?:nämnt|nämns|nevnt|nævnt|angivet|angitt|angives)\b|\bingen (?:information|informasjon|opplysninger|oplysninger|uppgift)\b"
    r"|\b(?:jag vet inte|jeg vet ikke|jeg ved (?:det )?ikke|jag hittar (?:det )?inte|jeg (?:finner|finder|kan) (?:\w+ ){0,2}ikke)\b",
    # Finnish
    r"\b(?:asiakirj|teksti|dokument|konteksti|lähte)\w*\b[^.]{0,30}\bei(?:vät)? (?:\w+ )?(?:mainit|kerro|sano|sisäl|ilmoit|löydy|käy ilmi)\w*"
    r"|\bpuuttuu (?:asiakirj|teksti)\w*|\bei (?:ole )?mainit\w*|\bei (?:ole )?(?:tietoa|tietoja)\b|\ben (?:tiedä|löydä)\b",
    # Polish
    r"\b(?:dokument|tekst|kontekst|źród|fragment|umow)\w*[^.]{0,40}\bnie (?:wspomina|podaj|określa|mówi|wymienia|"
    r"odpowiada|wskazuj)\w*"
    r"|\b(?:dokument|tekst|kontekst|źród|fragment)\w*[^.]{0,40}\bnie zawiera\w*|\bnie zawiera\w* (?:\w+ )?(?:informacji|wzmianki|danych)"
    r"|\bżad(?:en|na|ne) (?:z )?(?:dokument|tekst|fragment|źród)\w*"
    r"|\bnie (?:jest|są|został\w*) (?:podan|wspomnian|określon|wymienion)\w+|\b(?:nie ma|brak) (?:\w+ )?"
    r"(?:informacji|odpowiedzi|wzmianki)"
    r"|\bnie (?:mogę|można|udało się|da się) (?:\w+ )?(?:znaleźć|ustalić|odpowiedzieć|określić)|\bnie wiem\b",
    # Czech
    r"\b(?:dokument|text|kontext|zdroj|úryv)\w*\b[^.]{0,40}\b(?:neuvád|nezmiň|neříka|neobsah|nepíše|není uved)\w*"
    r"|\b(?:není|nejsou) (?:zde |v textu )?(?:uveden|zmíněn)\w*|\b(?:žádné|nejsou) informace\b|\bnení (?:\w+ )?zmínka\b|\b(?:nevím|nemohu najít)\b",
    # Ukrainian
    r"\b(?:документ|текст|контекст|джерел|уривк)\w*[^.]{0,40}\bне (?:міст|згаду|вказ|зазнач|йдеться|сказано|говор)\w*"
    r"|\bне (?:вказан|зазначен|згадан|згадується|зазначається)\w*|\bнемає (?:\w+ )?(?:інформації|відомостей|відповіді)"
    r"|\b(?:не знаю|не можу знайти|неможливо визначити)\b",
    # Russian
    r"\b(?:документ|текст|контекст|источник|фрагмент)\w*[^.]{0,40}\bне содерж\w*|\bне содерж\w* (?:\w+ )?(?:сведений|информации|упоминани|данных)"
    r"|\b(?:документ|текст|контекст|источник|договор|фрагмент)\w*[^.]{0,40}\bне (?:упомина|указ|сказано|говор|сообща)\w*"
    r"|\bне (?:указан|упомянут|упомина|сказан|сообщает|говорится)\w*|\bнет (?:\w+ )?(?:информации|сведений|ответа|упоминани)"
    r"|\b(?:не могу|невозможно|не удалось|нельзя|не удаётся) (?:\w+ )?(?:найти|ответить|определить|установить)"
    r"|\b(?:определить|установить|ответить)\b[^.]{0,20}\bневозможно|\bне знаю\b",
    # Greek
    r"(?:έγγραφ|κείμεν|κειμέν|απόσπασμα|αποσπάσμα|πηγ)\w*[^.]{0,40}δεν (?:αναφέρ|περιέχ|λέ|προσδιορίζ|διευκρινίζ|υπάρχ)\w*"
    r"|δεν (?:αναφέρεται|αναφέρονται|προσδιορίζεται|διευκρινίζεται)|δεν υπάρχ\w+ (?:\w+ )?πληροφορί\w*"
    r"|δεν (?:γνωρίζω|ξέρω|βρίσκω|μπορώ να (?:βρω|απαντήσω))",
    # Hebrew
    r"(?:מסמכ|מסמך|טקסט|הקשר|קטע|מקור)\S*[^.]{0,40}(?:לא|אינו|אינם|אין|אינה) (?:\S+ )?(?:מציינ|מציין|מזכיר|אומר|מכיל|כולל|צוין|נאמר|מוזכר)\S*"
    r"|(?:לא|אינו|אינה) (?:צוין|צוינה|מצוין|מצוינת|מוזכר|מוזכרת|הוזכר)|אין (?:\S+ )?מידע|(?:אינני|אני לא|איני) (?:יודע|מוצא)\S*",
    # Hindi
    r"(?:दस्तावेज़|दस्तावेज|पाठ|संदर्भ|स्रोत)\S*[^।.]{0,60}(?:नहीं|कोई)[^।.]{0,20}(?:उल्लेख|जानकारी|बताया|दिया|कहा|मिल)"
    r"|(?:उल्लेख|जानकारी|ज़िक्र|उत्तर)[^।.]{0,20}नहीं|(?:मुझे|मैं) (?:\S+ )?नहीं (?:पता|मालूम|जानता|जानती)|पता नहीं",
    # Vietnamese
    r"(?:tài liệu|văn bản|ngữ cảnh|đoạn(?: văn| trích)?|nguồn)\b[^.]{0,40}không (?:\w+ )?(?:đề cập|nói|nêu|cho biết|chứa|có thông tin|ghi)"
    r"|không (?:được|có)? ?(?:đề cập|nêu rõ|nhắc đến)|không có (?:\w+ )?thông tin|(?:tôi|mình) không (?:biết|tìm thấy)",
    # Chinese
    r"(?:文档|文件|文本|文中|原文|资料|材料|上下文|段落|提供的)[^。]{0,12}(?:没有|未|并未|不)(?:有)?"
    r"(?:明确)?(?:提及|提到|说明|包含|提供|给出|指明|涉及|回答|找到|记载)"
    r"|合同[^。]{0,12}(?:没有|未|并未|不)(?:有)?(?:明确)?(?:提及|提到|说明|指明|涉及|记载)"
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
    r"(?:لا|لم) (?:يذكر|تذكر|يرد|ترد|يوضح|توضح|يحدد|تحدد|يشير|تشير|يُذكر)"
    r"|(?:لا|لم) (?:يحتوي|تحتوي|يحتو|تحتو|يتضمن|تتضمن)[^.]{0,40}(?:معلوم|إجابة|ذكر)"
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
    if found is None or (_NO.match(first.lstrip("*_\"' ")) and not _ANY_DOC.search(first)):
        return False
    return not _goes_on(flat[found.end() :])


def _goes_on(rest: str) -> bool:
    """Whether what follows a refusal tells something all the same, and is no refusal again."""
    yet = _YET.search(rest)
    if yet is None:
        return False
    after = rest[yet.start() :]
    return not (_REFUSAL.search(after) or _UNKNOWN.search(after))
