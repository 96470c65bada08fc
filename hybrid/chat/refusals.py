"""Whether a model's reply says that the documents do not answer.

A refusal speaks of the documents, or of what whoever answers can find in them: "The text does not mention it", "I
cannot find it". A correct negative speaks of the subject, and is an answer: "Water is not available after 22:00". So is
what a contract does not grant or contain: "The contract does not include parking". Only where a contract does not say
something is it silent; a clause of it that is named has been read. The sentence that the prompt agrees on is looked for
first; the rest is for models that use words of their own, in their language. Where both would fit it is an answer: a
reader can judge a text that is shown.
"""

# ruff: noqa: E501 - a pattern is one line for each way of saying it

from __future__ import annotations

import re

ABSTAIN = "NOT IN THE DOCUMENTS"
LONGEST = 600  # characters of a refusal in a model's own words

_CITES = re.compile(r"[\[\u3010\u3014\uff3b]\s*(?:\^|text|source|passage|doc\w*)?\s*\d+", re.IGNORECASE)
_FRAME = re.compile(r"[*_`#>\"'“”„«»\u2018\u2019\s]+")  # Markdown and quotation marks around a reply
# Replies that say nothing but that nothing is known, maybe after "Answer:"; what stands in marks of code is a value
_LONE = re.compile(
    r"(?:(?:the )?answer(?: is)?|antwort|réponse|respuesta|risposta|resposta|antwoord|odpowiedź|ответ|答案|回答|cevap)?[\s:：]*"
    r"(?:[-\u2013\u2014]{1,3}|\?{1,3}|…|\.{3}|n/a|n\.\s?a|n/d|n\.\s?d|k\.\s?a|b\.\s?d|unknown|unclear|unspecified|undetermined|not known|"
    r"not (?:found|provided|given|listed|disclosed|available)|no (?:answer|data|idea)|unbekannt|unklar|nicht bekannt|inconnue?|"
    r"se desconoce|desconocid[oa]|sin (?:información|datos)|no disponible|sconosciut[oa]|non disponibile|desconhecid[oa]|"
    r"sem (?:informaç(?:ão|ões)|dados)|onbekend|nieznan[yae]|brak danych|неизвестно|нет данных|невідомо|bilinmiyor|未知|不详|"
    r"不明(?:です)?|미상|불명|غير (?:معروف|مذكور|محدد|متوفر)|अज्ञात)[.!。\s]*",
    re.IGNORECASE,
)
# What follows tells something all the same: "does not mention a penalty, but clause 4 sets a deposit"
_YET = re.compile(
    r"[,;:]?\s*\b(?:but(?! not\b)|however|though|although|in fact|instead|aber|jedoch|mais|cependant|pero|sin embargo|però|tuttavia|mas|porém|"
    r"maar|echter|ale|jednak|но|однако|ancak|fakat|लेकिन),?\s+\S+\s+\S+\s+\S+"
    # or what follows from the silence: ", so it runs from month to month"
    r"|[,;:.\u2013\u2014]\s*(?:and |und |et |y |e |en )?(?:so|therefore|thus|hence|which means|meaning|also|daher|deshalb|"
    r"somit|folglich|donc|par conséquent|por lo que|por lo tanto|así que|por tanto|quindi|perciò|pertanto|dunque|portanto|"
    r"por isso|de modo que|logo|dus|daarom|więc|dlatego|поэтому|следовательно|bu nedenle|dolayısıyla|इसलिए)\b\s+\S+\s+\S+"
    r"|:\s*(?:it|they|he|she|we|you|the|this|es|er|sie|der|die|das|il|ils|elles?|le|la|les|el|los|las|lo|o|a|os|as|"
    r"het|de|hij|zij|ze)\s+\S+\s+\S+"
    # the same where no blanks part words, or where the word stands at the end of the first half
    r"|[，,。]\s*(?:因此|所以|故|但是?|不过|然而|ただし|しかし).{4}|(?:ため|ので|が|から)、.{4}|(?:므로|때문에|지만),?\s.{4}"
    r"|(?:\bلذلك|\bلذا|\bوبالتالي|\bو?لكن)\s+\S+\s+\S+",
    re.IGNORECASE,
)
_CORRECTS = re.compile(r"[.;]\s+(?:in fact|instead|rather), (?!no )", re.IGNORECASE)
# that the documents speak of something near is no answer: "However, it does mention a deposit"
_NEAR = re.compile(
    r"however,? (?:\w+ ){0,3}(?:it|they|documents?|texts?|passages?|chunks?|excerpts?|paper|report) "
    r"(?:(?:do|does|also|only) )?(?:mention|state|discuss|describe|focus|cover|note|talk|refer|say|emphasize|highlight|provide|give)e?s?\b",
    re.IGNORECASE,
)
_FRONTED = re.compile(  # a reason that stands first: "As the lease names no end, it runs on"
    r"(?:because|since|as|given that|weil|da|comme|puisque|como|dado que|puesto que|poiché|siccome|uma vez que|aangezien|omdat|"
    r"ponieważ|skoro|поскольку|так как|由于|因为)\b",
    re.IGNORECASE,
)
_NO_MORE = re.compile(  # the silence again, as in ", so the answer is unknown", or advice where to look
    r"\b(?:unknown|unclear|no answer|no conclusion|not? (?:possible|known)|can(?:not|['\u2019]t)|impossible|unbekannt|"
    r"unklar|unmöglich|inconnu|desconocid[oa]|sconosciut[oa]|desconhecid[oa]|onbekend|onduidelijk|неизвестн\w*|bilinmiyor|"
    r"you (?:can|may|might|could|should|would) (?:want|need|wish|like|try|check|find|look|contact|consult|refer|ask|provide|share)|"
    r"i(?: can| could|['\u2019]d| would)? (?:help|assist|look|try|be|need|recommend|suggest)|please|feel free|"
    r"(?:do|does|did)(?:n['\u2019]t| not)|no (?:\w+ )?(?:mention|information|details?|indication)|"
    r"only (?:\w+ )?(?:cover|discuss|describe|mention|deal|talk|contain|provide|refer|relate|say|speak)\w*|"
    r"bitte|wenden sie|empfehle|veuillez|n['\u2019]hésitez|recommande|consulte[rz]?|contacte[rz]?|contactar|recomiendo|"
    r"sugiero|consiglio|contattare|recomendo|entre em contato|neem contact|proszę|skontakt\w*|рекомендую|обратитесь)\b|"
    r"不明|未知|建议|お問い合わせ|문의",
    re.IGNORECASE,
)
_SORRY = re.compile(  # a first sentence that says nothing yet
    r"(?:(?:i(?:['\u2019]m| am) )?(?:very |so )?sorry|(?:my )?apologies|unfortunately|(?:es )?tut mir leid|entschuldigung|"
    r"(?:je suis )?désolée?|lo siento|mi dispiace|desculpe|sinto muito|het spijt me|przepraszam|przykro mi|извините|простите|"
    r"üzgünüm|عذرًا|क्षमा करें|(?:很)?抱歉|对不起|申し訳(?:ありません|ございません)|すみません|죄송합니다)\s*[.!。！।]\s*",
    re.IGNORECASE,
)
_SAYS_WHICH = re.compile(  # answers a question of yes or no
    r"(?:no|nein|non|não|nee|nie|нет|hayır|yes|ja|oui|sí|sì|sim|tak|да|evet)\s*[,;:\u2013\u2014-]|(?:不|不是|是的?|いいえ|はい|아니요|네|لا|"
    r"نعم|नहीं|हाँ)\s*[,，、،]",
    re.IGNORECASE,
)
# A part of a document that is named has been read: what it leaves out is told
_PART = re.compile(
    r"(?:§+|\b(?:clauses?|sections?|articles?|paragraphs?|annex(?:es)?|schedules?|appendix|exhibits?|chapters?|recitals?|ziffer|"
    r"artikel|absatz|abschnitt|anhang|anlage|klausel|kapitel|annexe|cláusula|artículo|sección|anexo|clausola|articolo|"
    r"sezione|allegato|artigo|seção|bijlage|artykuł|załącznik|punkt|пункт|стать|раздел|приложени|madde|المادة|البند|धारा)\w*\.?)"
    r"\s*(?:no\.?\s*|nr\.?\s*)?(?:[\d٠-٩०-९]|(?-i:[IVX]+|[A-Z])\b)"
    r"|\b(?:final|last|first|second|third|opening|closing|preceding|letzten?|ersten?|dernier\w*|premi\w+|últim[oa]|primer[oa]?|"
    r"ultim[oa]|prim[oa]|laatste|eerste) (?:clause|section|article|paragraph|sentence|annex|chapter|recital|absatz|abschnitt|"
    r"klausel|satz|phrase|frase|cláusula|clausola|párrafo|paragrafo|parágrafo|alinea|alinéa)\w*"
    r"|第[\d一二三四五六七八九十]+[条章节節款項项]|제\s?\d+\s?[조항장]",
    re.IGNORECASE,
)
# Somebody else says so, it is the reason for what is said first, or the case in which that holds
_REPORTED = re.compile(
    r"(?<!\bi )(?<!\bwe )\b(?:(?:states?|says?|said|notes|reports|finds|found|concludes|(?:stat|not|report|conclud|explain|admitt|"
    r"claim|testifi|warn)ed|explains|claims|warns) that|(?:sagt|sagte|erklärt|erklärte|berichtet|angab|fest), dass|"
    r"(?:indique|dit|déclare|affirme|constate|conclut) qu|(?:indica|dice|dijo|afirma|señala|concluye|declaró) que|"
    r"(?:afferma|dichiara|conclude) che|(?:afirma|declara|conclui|diz) que|(?:zegt|zei|meldt|stelt|verklaart) dat|"
    r"(?:stwierdza|mówi|podaje), że|(?:указано|говорится|сообщает|утверждает), что)",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"^(?!(?:i|we|ich|je|sorry|unfortunately|lo siento|mi dispiace|desculpe|niestety|к сожалению)\b)[^,]*\S\s+\S+, (?:but|although|though|aber|"
    r"mais|pero|ma|mas|maar|ale|но)\b|\S\s+\S+,?\s+(?:because|since|as (?:it|they|the|no)|weil|da|car|parce que|puisque|porque|ya que|puesto que|perché|poiché|pois|omdat|"
    r"want|ponieważ|bo|потому что|так как|поскольку|çünkü)\b|.{3}因为",
    re.IGNORECASE,
)
_CASE = re.compile(
    r"\S\s+\S+\s+(?:(?:if|unless|whenever|wenn|falls|sofern|jeśli|если)\b|when (?:\w+ ){1,2}(?:is|are|was|were|can)$)",
    re.IGNORECASE,
)
_RULE = re.compile(  # what must not be told
    r"\b(?:(?:must|may|shall|should) (?:not|never) be|darf|dürfen|durften?|soll(?:en|te)?|doi(?:t|vent)|deben?|dev(?:e|ono|em)|mag|"
    r"mogen|nie (?:wolno|może|mogą|powinn\w+)|не должн\w*)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“„«][^\"“”„«»]*$")  # somebody's own words
_ALONE = re.compile(r"\W*(?:\w+ ){0,2}unilateral", re.IGNORECASE)  # what one side may not determine
_GRANT = (  # what a contract does not grant is told
    r"(?![^.]{0,40}\b(?:rights?|permission|consent|licen[cs]e|authority|entitle\w*|claim|access|recht\w*|anspruch|erlaubnis|"
    r"befugnis|droits?|autorisation|derechos?|permiso|diritt[oi]|direitos?|toestemming)\b)"
)
_KEPT = (  # what is done with information, other than telling it
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
_EN_SPOKEN = (  # what a contract says of itself in these words is that it is silent
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
_ANY_DOC = re.compile(rf"\b(?:{'|'.join((_EN_DOC, _DE_DOC, _FR_DOC, _ES_DOC, _IT_DOC, _PT_DOC, _NL_DOC))})\b", re.I)
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
_REFUSAL = re.compile("|".join(f"(?:{one})" for one in _LANGUAGES), re.IGNORECASE)


def abstains(reply: str) -> bool:
    """Whether a model's reply says that the documents do not answer.

    The agreed sentence at the beginning of a reply, or anywhere in a short one; a reply like "N/A"; else a refusal in the
    first sentence of a short reply that cites nothing and does not go on to tell something all the same.
    """
    flat = " ".join(reply.split())
    plain = _FRAME.sub(" ", flat).strip().upper()
    if not plain:
        return True
    if plain.startswith(ABSTAIN) or (ABSTAIN in plain and len(flat) < 4 * len(ABSTAIN)):
        return True
    if _LONE.fullmatch(re.sub(r"\s*\[\d+\]|[*_]{2}", "", flat)):
        return True
    if len(flat) >= LONGEST or _CITES.search(flat):
        return False
    said = _SORRY.sub("", flat.lstrip("*_\"' "))
    if not said:
        return True
    first = re.split(r"(?<=[.!?])\s|(?<=[。！？])", said, maxsplit=1)[0]
    found = _REFUSAL.search(first)
    if found is None or _tells(first, found, flat[: flat.index(first)]):
        return False
    return not _goes_on(said[found.end() :], fronted=_FRONTED.match(first) is not None)


def _tells(sentence: str, found: re.Match[str], lead: str) -> bool:
    """Whether a sentence with words of a refusal tells something of the subject all the same.

    Args:
        lead: what stands before the sentence.
    """
    before, clause = sentence[: found.start()], re.split("[,;，]", sentence[: found.end()])[-1]
    of_subject = _SAYS_WHICH.match(sentence) or _PART.search(sentence) or _QUOTED.search(lead + before)
    if of_subject and not _ANY_DOC.search(_PART.sub("", sentence)):
        return True
    if (
        _REPORTED.search(before)
        or _RULE.search(clause)
        or _ALONE.match(sentence[found.end() :])
        or _CASE.search(re.split("[,;]", before)[-1].rstrip())
    ):
        return True
    return _REASON.search(before) is not None and not _NO_MORE.search(before)


def _goes_on(rest: str, *, fronted: bool) -> bool:
    """Whether what follows a refusal tells something all the same, and is no refusal again.

    Args:
        fronted: the refusal is a reason, behind which the sentence begins in earnest.
    """
    if _CORRECTS.search(rest):
        return True
    yet = _YET.search(rest) or (re.search(r",\s+\S+\s+\S+\s+\S+|，.{4}", rest) if fronted else None)
    if yet is None:
        return False
    after = re.split(r"(?<=[.!?])\s|(?<=[。！？])", rest[yet.start() :].lstrip(" ."), maxsplit=1)[0]
    return not (_REFUSAL.search(after) or _NO_MORE.search(after) or _NEAR.search(after))
