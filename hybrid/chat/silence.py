"""The words in which people say that documents do not say something, by language; see `hybrid.chat.refusals`."""

# ruff: noqa: E501 - a pattern is one line for each way of saying it

from __future__ import annotations

import re

_GRANT = (  # a contract that does not grant these tells something
    r"(?![^.]{0,40}\b(?:rights?|permission|consent|licen[cs]e|authority|entitle\w*|claim|access|recht\w*|anspruch|erlaubnis|"
    r"befugnis|droits?|autorisation|derechos?|permiso|diritt[oi]|direitos?|toestemming)\b)"
)
_KEPT = (  # something else is done with information than telling it
    r"(?![^.]*\b(?:(?:is|are|was|were|be|been|being) (?:\w+ )?(?:shared|sold|passed|stored|kept|collected|transferred|"
    r"disclosed|released|published|retained|required|needed|sent|processed|used)|"
    r"weitergegeben|weitergeleitet|an dritte|verkauft|gespeichert|übermittelt|verarbeitet|erhoben|mitgeteilt|erforderlich|"
    r"nötig|notwendig|(?:transmis|partag|vendu|conserv|cédé|collect|stock|divulgu|requis|nécessaire|exigé)\w*|tiers|"
    r"(?:condivis|cedut|trasmess|vendut|conservat|raccolt|divulgat|richiest|necessari)\w*|terz[io]|"
    r"gedeeld|doorgegeven|verkocht|bewaard|opgeslagen|verzameld|verwerkt|nodig|vereist|derden)\b)"
)


def _near(one: str, other: str, within: int = 60) -> str:
    """Both within a sentence, in either order."""
    return rf"(?:{one})[^.]{{0,{within}}}(?:{other})|(?:{other})[^.]{{0,{within}}}(?:{one})"


_EN_DOC = (
    r"(?:documents?|texts?|contexts?|passages?|excerpts?|sources?|materials?|articles?|files?|snippets?|extracts?|chunks?|"
    r"information (?:provided|given|available)|(?:provided|given|available) information)"
)
_EN_SPOKEN = (  # all that may say, mention or state something
    r"(?:documents?|texts?|contract|agreement|lease|report|paper|filing|manual|policy|book|story|code|letter|minutes|"
    r"authors?|passages?|statements?)"
)
_EN_TELL = r"(?:say|mention|state|specify|indicate|tell|disclose|discuss|reveal|identify|name|note|report|describe|outline|detail|explain|elaborate|clarify)"
_EN_TELLS = (
    r"(?:sa(?:y|ys|id)|mention(?:s|ed)?|states?|specif(?:y|ies)|indicates?|tells?|discuss(?:es)?|reveals?|"
    r"identif(?:y|ies)|contains?|gives?|provides?|address(?:es)?|answers?)"
)
_EN_DOES_NOT = r"(?:do|does|did)(?:n['\u2019]t| not)"
_EN_CANNOT = (
    r"(?:can(?:not|['\u2019]t)|could(?: not|n['\u2019]t)|(?:am|['\u2019]m|are|was|were|is|be) (?:unable|not able) to)"
)
_EN_NOT = r"(?:\b(?:not|no|never|cannot|nothing|none)|n['\u2019]t)"
_EN_IS_NOT = (  # "is not", "never been", and "not" alone as in a table; who "has not mentioned" it is somebody
    r"(?:(?<!has )(?<!have )(?<!had )\bnot|(?<!has)(?<!have)(?<!had)n['\u2019]t|(?:\bnot|n['\u2019]t|\bnever) been|"
    r"\b(?:is|are|was|were) never|\bnowhere)"
)
_EN_THINGS = r"(?:information|mention|discussion|details?|reference|answer|data)"
_EN_ABOUT = (
    r"(?= (?:about|on|regarding|of|in|that|concerning|provided|available|given|to|which|whether|for|"
    r"(?:is|are|was|were) (?:\w+ )?(?:given|provided|available|found|mentioned|included|contained|made|stated|offered))\b|"
    r"\W*$)"
)
_DE_DOC = r"(?:dokument\w*|text(?:e[ns]?|s)?|kontext\w*|unterlagen|quellen?|auszüge?n?|passagen?|textstellen?)"
_FR_DOC = r"(?:documents?|textes?|contexte|extraits?|passages?|sources?|informations fournies)"
_FR_TELL = r"(?:mentionn\w*|précis\w*|di(?:t|sent|sait|saient)|indiqu\w*|spécifi\w*|parl\w*|évoqu\w*)"
_ES_DOC = r"(?:documentos?|textos?|contexto|pasajes?|fragmentos?|fuentes?)"
_ES_TELL = r"(?:menciona|dice|indica|especifica|aclara|precisa|señala|habla)n?"
_IT_DOC = r"(?:document[oi]|test[oi]|contesto|passagg(?:io|i)|estratt[oi]|font[ei]|bran[oi])"
_IT_TELL = r"(?:menziona|dice|dicono|indica|specifica|precisa|parla)(?:no)?"
_PT_DOC = r"(?:documentos?|textos?|contexto|passage(?:m|ns)|trechos?|fontes?)"
_PT_TELL = r"(?:menciona|diz|dize|indica|especifica|informa|precisa|fala)m?"
_NL_DOC = r"(?:document(?:en)?|tekst(?:en)?|context|passages?|bron(?:nen)?|fragment(?:en)?)"
_NL_TELL = r"(?:vermeld(?:t|en)|zeg(?:t|gen)|noem(?:t|en)|beschrijf(?:t)?)"
_EN_UNCLEAR = _near(r"\b(?:unclear|not clear|isn[\u2019']t clear)\b", rf"\b{_EN_DOC}\b")
_DE_NOTHING = _near(
    r"\bsteh(?:t|en)\b[^.]{0,30}\b(?:nichts?|nirgends)\b|\bnichts\b[^.]{0,20}\bsteh(?:t|en)\b|\b(?:unklar|nicht klar)\b",
    rf"\b{_DE_DOC}\b",
)
_FR_SILENT = _near(
    r"\b(?:pas clair|reste\w* muets?|muets? sur|rien (?:sur|à ce sujet|à propos|de tel)|n(?:['\u2019]appara[iî]|e figure)\w* (?:pas|nulle part)|silencieux)\b",
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
ANY_DOCUMENT = re.compile(rf"\b(?:{'|'.join((_EN_DOC, _DE_DOC, _FR_DOC, _ES_DOC, _IT_DOC, _PT_DOC, _NL_DOC))})\b", re.I)
_LANGUAGES = (
    # English
    rf"\b{_EN_DOC}\b[^.]{{0,40}}\b{_EN_DOES_NOT} (?:\w+ ){{0,2}}(?:{_EN_TELL}|address|answer|cover|"
    rf"(?:provide|contain|include|give|list|define|offer){_GRANT}|have (?:\w+ ){{0,3}}{_EN_THINGS}\b)"
    rf"|\b{_EN_SPOKEN}\b[^.]{{0,40}}\b{_EN_DOES_NOT} (?:\w+ ){{0,2}}(?:{_EN_TELL}|"
    rf"(?:provide|contain|include|give|offer|have) (?:\w+ ){{0,3}}{_EN_THINGS})\b"
    rf"|{_EN_NOT}\b[^.]{{0,120}}\b(?:in|from|within|by|on) (?:the |this |these )?(?:provided|given|supplied) (?:\w+ ){{0,2}}"
    rf"(?:{_EN_DOC}|{_EN_SPOKEN})\b"
    rf"|\b(?:{_EN_DOC}|{_EN_SPOKEN})\b[^.]{{0,40}}\b(?:{_EN_TELLS} (?:absolutely )?nothing|(?:is|are|remains?) silent|"
    rf"fails? to {_EN_TELL}|makes? no (?:mention|reference)|never {_EN_TELLS})\b"
    rf"|\b(?:none of (?:the|these|those)|neither(?: of the)?|no) (?:\w+ )?{_EN_DOC}\b[^.]{{0,30}}\b{_EN_TELLS}\b"
    rf"|{_EN_UNCLEAR}"
    rf"|\b(?:nothing|nowhere)\b[^.]{{0,40}}\b(?:in|within|from) (?:\w+ ){{0,3}}{_EN_DOC}\b"
    rf"|\bnothing (?:is|was) (?:said|mentioned|stated)\b"
    rf"|{_EN_IS_NOT} (?:(?!be )\w+ )?(?:mentioned|stated|specified|indicated|discussed)\b"
    rf"|(?:\b(?:(?:can)?not|never|nowhere)|n['\u2019]t) (?:(?:\w+ )?(?:mentioned|stated|specified|discussed|found|given|"
    rf"included|contained|addressed|provided|available|disclosed|present|covered|answered|appear)\b[^.]{{0,30}}\b(?:in|by|within|from)|in)\b[^.]{{0,30}}\b{_EN_DOC}\b"
    rf"|^no (?:\w+ )?{_EN_THINGS}\b{_EN_ABOUT}{_KEPT}"
    rf"|\b(?:there(?:['\u2019]s| (?:is|are|was|were|seems? to be|appears? to be))|(?:i|we) (?:have|find|found|see|saw)|"
    rf"(?:{_EN_DOC}|{_EN_SPOKEN})\b[^.]{{0,40}}\b(?:contains?|provides?|gives?|includes?|has|have|offers?|gave|makes?)) "
    rf"(?:\w+ ){{0,2}}no (?:\w+ ){{0,2}}{_EN_THINGS}\b{_EN_ABOUT}"
    rf"|\b(?:is|are|was|were)(?:n['\u2019]t| not) any (?:\w+ )?{_EN_THINGS}\b{_EN_ABOUT}"
    rf"|\bno (?:\w+ )?indication\b[^.]{{0,60}}\b{_EN_DOC}\b"
    rf"|\b{_EN_CANNOT} be (?:answered|determined|inferred|deduced|ascertained|established|concluded)\b"
    rf"(?! by (?!(?:the|these|those) (?:\w+ )?{_EN_DOC}))"
    rf"|(?:^|\b(?:i|we|one|you|{_EN_DOC})(?: |(?=['\u2019]m))){_EN_CANNOT} (?:\w+ )?(?:answer|determine|infer|deduce|conclude|find|"
    r"locate|tell|provide|identify|say|see|give)\b"
    rf"|\b(?:i|we) (?:do not|don['\u2019]t) (?:know|have (?:(?:enough|any|that|sufficient|the) )?(?:\w+ )?(?:{_EN_THINGS}|context|"
    r"knowledge|evidence))\b"
    rf"|(?:\b(?:insufficient|lack of)|(?:\bnot|n['\u2019]t) (?:\w+ )?(?:enough|sufficient)) (?:\w+ )?(?:{_EN_THINGS}|context)\b"
    rf"(?=\W*$|[^.]{{0,60}}\b(?:provided|given|available|to (?:answer|determine|say|tell|conclude|provide|identify|know)|{_EN_DOC})\b)"
    r"|(?:(?:\bnot|n['\u2019]t) |\bim)possible to (?:\w+ )?(?:answer|determine|say|tell|conclude|identify|establish|infer|know)\b"
    r"|\bunanswerable\b",
    # German
    rf"\b(?:{_DE_DOC}|abschnitt\w*)\b[^.]{{0,60}}\b(?:enth(?:ält|alten)|g(?:ibt|eben)|mach(?:t|en)|beantworte(?:t|n))\b"
    r"[^.]{0,40}\b(?:nicht|nichts|keinen?|keine[rms]?)\b"
    rf"{_GRANT}"
    rf"|\b(?:{_DE_DOC}|vertr[aä]g\w*|abschnitt\w*)\b[^.]{{0,60}}\b(?:sag(?:t|en)|nenn(?:t|en)|erwähn(?:t|en)|"
    r"schweig(?:t|en)|äußer(?:t|n) sich)\b[^.]{0,40}(?:\b(?:nicht|nichts|keinen?|keine[rms]?)\b|(?<=schweigt)|(?<=schweigen))"
    r"|\bgeh(?:t|en)\b[^.]{0,60}\bnicht\b[^.]{0,40}\bhervor\b"
    r"|\b(?:nicht|nirgends) (?:erwähnt|genannt|angegeben|spezifiziert|beschrieben|aufgeführt|zu entnehmen)\b"
    rf"|\b{_DE_DOC}\b[^.]{{0,50}}\b(?:nicht|kein\w*)\b[^.]{{0,40}}\b(?:enthalten|erwähnt|genannt|angegeben|vorhanden|beantwortet|zu finden|zu entnehmen)\b"
    r"|\bvertr[aä]g\w*\b[^.]{0,50}\b(?:nicht|kein\w*)\b[^.]{0,40}\b(?:erwähnt|genannt|angegeben|zu finden|zu entnehmen)\b"
    rf"|\bkein(?:e[sr]?)? (?:der |dieser )?(?:\w+ )?{_DE_DOC}\b[^.]{{0,30}}\b(?:erwähn|nenn|sag|enthält|enthalten|beantworte)\w*"
    rf"|{_DE_NOTHING}"
    rf"|\bkeine (?:\w+ )?(?:informationen?|angaben?|hinweise?|antwort|auskunft)\b{_KEPT}"
    r"|\bl(?:ä|ae)sst sich\b[^.]{0,60}\bnicht\b[^.]{0,20}\b(?:beantworten|entnehmen|bestimmen|feststellen|sagen|ermitteln)"
    r"|\b(?:(?:kann|konnte|finde|fand|habe) ich|ich (?:kann|konnte|finde|fand|habe))\b[^.]{0,80}\b(?:nicht|nichts|keine\w*)\b"
    r"|\bnicht möglich\b[^.]{0,60}\bzu (?:beantworten|sagen|bestimmen|ermitteln)\b|\bweiß (?:ich|es)?\s?\w* ?nicht\b",
    # French
    rf"\b(?:{_FR_DOC}|contrat|accord|bail|rapport)\b[^.]{{0,30}}\bn(?:e |['\u2019])(?:(?:le|la|les|en|l['\u2019]) ?)?{_FR_TELL}\b"
    rf"|\b{_FR_DOC}\b[^.]{{0,30}}\bn(?:e |['\u2019])(?:contien|fourni|donn|répond)\w*{_GRANT}"
    r"|\bn(?:e |['\u2019])perme\w+ (?:pas|point) (?:de |d['\u2019])(?:répondre|détermin|savoir|conclure|dire|connaître|établir)"
    r"|\b(?:pas|jamais|non) (?:mentionnée?s?|précisée?s?|indiquée?s?|spécifiée?s?)\b"
    rf"|\baucune (?:information|mention|indication|réponse|précision)\b{_KEPT}"
    rf"|{_FR_SILENT}"
    r"|\bje ne (?:sais|trouve|peux|parviens)\b|\b(?:pas |im)possible de (?:le |la |les |l['\u2019])?(?:répondre|détermin|savoir|"
    r"trouver[^.]{0,20}(?:réponse|information))",
    # Spanish
    rf"\b(?:{_ES_DOC}|contrato|acuerdo|informe)\b[^.]{{0,40}}\b(?:no (?:\w+ )?|nada ){_ES_TELL}\b"
    rf"|\b{_ES_DOC}\b[^.]{{0,40}}\bno (?:\w+ )?(?:contiene|proporciona|incluye|responde|ofrece|da)n?\b{_GRANT}"
    rf"|\bning(?:uno de (?:los|estos)|una de las|ún|una) {_ES_DOC}\b[^.]{{0,30}}\b(?:{_ES_TELL}|contienen?|respond\w+)\b"
    r"|\bno (?:se (?:menciona|especifica|indica|dice|aclara)n?|(?:está )?(?:mencionad|especificad|indicad)[oa]s?)\b"
    rf"|{_ES_UNCLEAR}"
    r"|\bno (?:hay|existe|dispongo de|tengo) (?:\w+ )?(?:información|mención|respuesta|la respuesta)"
    r"|\bno puedo (?:responder|determinar|encontrar|saber)|\bno (?:es posible|se puede) (?:responder|determinar|"
    r"saber|encontrar[^.]{0,20}(?:respuesta|información))|\bno (?:encuentro|encontré|he encontrado)\b|\bno lo sé\b",
    # Italian
    rf"\b(?:{_IT_DOC}|contratto|accordo|rapporto)\b[^.]{{0,40}}\bnon (?:\w+ )?{_IT_TELL}\b"
    rf"|\b{_IT_DOC}\b[^.]{{0,40}}\bnon (?:\w+ )?(?:contiene|contengono|fornisce|forniscono|riporta|risponde)(?:no)?\b{_GRANT}"
    rf"|\bnessun(?:o dei|a delle|o di questi|o|a)? {_IT_DOC}\b[^.]{{0,30}}\b(?:{_IT_TELL}|contiene|riporta)\b"
    r"|\bnon (?:(?:è|sono|viene|vengono) )?(?:menzionat|specificat|indicat|riportat|precisat)[oaie]\b"
    rf"|{_IT_UNCLEAR}"
    rf"|\bnessuna (?:informazione|menzione|risposta|indicazione)\b{_KEPT}|\bnon ci sono informazioni\b|\bnon c['\u2019]è menzione\b"
    r"|\bnon (?:posso|riesco a) (?:\w+ )?(?:rispondere|determinar\w+|trovar\w*|stabilir\w+)"
    r"|\bnon è possibile (?:rispondere|determinar\w+|stabilir\w+|trovar\w*[^.]{0,20}rispost)|\bnon lo so\b",
    # Portuguese
    rf"\b(?:{_PT_DOC}|contrato|acordo|relatório)\b[^.]{{0,40}}\b(?:não (?:\w+ )?|nada ){_PT_TELL}\b"
    rf"|\b{_PT_DOC}\b[^.]{{0,40}}\bnão (?:\w+ )?(?:contém|contêm|fornece|responde|traz)m?\b{_GRANT}"
    rf"|\bnenhum(?:a)?(?: dos| das)? {_PT_DOC}\b[^.]{{0,30}}\b(?:{_PT_TELL}|contém|responde)\b"
    r"|\bnenhuma (?:informação|menção|resposta|indicação) (?:sobre|é (?:dada|fornecida)|foi (?:dada|fornecida|encontrada))\b"
    r"|\bnão (?:(?:é|está|são|foi|foram) )?(?:mencionad|especificad|indicad|informad)[oa]s?\b"
    rf"|{_PT_UNCLEAR}"
    r"|\bnão há (?:\w+ )?(?:informaç|menção|resposta)|\bnão (?:encontrei|encontro|sei)\b"
    r"|\bnão (?:posso|consigo) (?:\w+ )?(?:responder|determinar|encontrar|saber)"
    r"|\bnão é possível (?:responder|determinar|saber|encontrar[^.]{0,20}(?:resposta|informaç))",
    # Dutch
    rf"\b(?:{_NL_DOC}|contract|overeenkomst|rapport)\b[^.]{{0,40}}\b{_NL_TELL}\b[^.]{{0,40}}\b(?:niet|niets|geen)\b"
    rf"|\b{_NL_DOC}\b[^.]{{0,40}}\b(?:bevat(?:ten)?|ge(?:eft|ven))\b[^.]{{0,40}}\b(?:niet|niets|geen)\b{_GRANT}"
    rf"|\bgeen (?:van de(?:ze)? |enkele? )?{_NL_DOC}\b[^.]{{0,30}}\b(?:{_NL_TELL}|bevat|ge(?:eft|ven))\b"
    rf"|{_NL_UNCLEAR}"
    r"|\bniet (?:vermeld|genoemd|aangegeven|gespecificeerd|beschreven)\b"
    rf"|\bgeen (?:informatie|vermelding|antwoord|gegevens)\b{_KEPT}"
    r"|\bniet (?:vinden|te bepalen|te beantwoorden|te vinden|op te maken)\b|\bik weet het niet\b"
    r"|\b(?:kan ik|ik kan)\b[^.]{0,80}\bniet (?:beantwoorden|vinden|bepalen|zeggen)\b",
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
    r"|\bnie (?:podano|określono|wspomniano|wskazano)\b|\bnie (?:jest|są|został\w*) (?:podan|wspomnian|określon|wymienion)\w+|\b(?:nie ma|brak) (?:\w+ )?"
    r"(?:informacji|odpowiedzi|wzmianki)"
    r"|\bnie (?:mogę|można|udało się|da się|jest możliwe) (?:\w+ )?(?:znaleźć|ustalić|odpowiedzieć|określić)|\bnie wiem\b",
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
    r"|(?:没有|未)(?:明确)?(?:提及|提到|说明)|没有关于[^。]{1,15}信息|找不到|无法(?:从|根据|确定|回答|得知|判断|找到)|(?:没有|缺乏|无)(?:任何|足够|相关)"
    r"*的?信息|不知道",
    # Japanese
    r"(?:記載|記述|言及|説明|情報|書かれて|示されて)(?:は|が|も|されて|に)?(?:い|あり|おり|見つかり)?(?:ません|ない)"
    r"|(?:情報|記載|答え|回答)[^。]{0,20}含まれて(?:い|おり)ません|(?:記載|記述|言及|情報)(?:は|が)?(?:なし|無し)|(?:わかり|分かり|答えられ|回答でき|判断でき|特定でき|見つかり|見つけられ)ません(?:でした)?",
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
SILENCE = re.compile("|".join(f"(?:{one})" for one in _LANGUAGES), re.IGNORECASE)
