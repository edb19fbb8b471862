"""What stands before the answer to a task, and how people say that an answer will be graded. Written for this project.

Phrases are in lower case; what is called a pattern is a regular expression, matched in any case.
"""

from __future__ import annotations

_KNOWN = ("expected", "correct", "reference", "gold", "golden", "ground truth", "target", "model", "right", "official")
_TEXTS = ("output", "response", "solution", "translation", "label", "summary", "completion")
KEYS: tuple[str, ...] = (
    *(f"{known} answer" for known in _KNOWN),
    *(f"{known} {text}" for known in ("expected", "correct", "reference", "gold", "ground truth") for text in _TEXTS),
    "ground truth", "answer key", "solution key", "true answer", "true label", "model solution", "official solution",
    "expected result", "correct result",
    # German
    "erwartete antwort", "richtige antwort", "korrekte antwort", "erwartete lösung", "richtige lösung",
    "korrekte lösung", "erwartete ausgabe", "erwartetes ergebnis", "richtiges ergebnis", "musterlösung",
    "musterantwort", "musterübersetzung", "lösungsschlüssel", "referenzantwort", "referenzlösung",
    # French
    "bonne réponse", "réponse attendue", "réponse correcte", "réponse exacte", "réponse juste",
    "réponse de référence", "solution attendue", "traduction de référence", "corrigé",
    # Spanish
    "respuesta correcta", "respuesta esperada", "respuesta de referencia", "solución correcta", "solución esperada",
    "solucionario",
    # Portuguese
    "resposta correta", "resposta esperada", "resposta certa", "resposta de referência", "solução esperada", "gabarito",
    # Italian
    "risposta corretta", "risposta attesa", "risposta giusta", "risposta esatta", "soluzione attesa",
    # Dutch, Polish, Czech, Swedish, Turkish, Vietnamese, Indonesian
    "juiste antwoord", "verwachte antwoord", "correcte antwoord", "prawidłowa odpowiedź", "poprawna odpowiedź",
    "oczekiwana odpowiedź", "správná odpověď", "očekávaná odpověď", "rätt svar", "förväntat svar", "facit",
    "doğru cevap", "beklenen cevap", "doğru yanıt", "đáp án đúng", "đáp án", "jawaban benar", "jawaban yang benar",
    "kunci jawaban",
    # Russian, Ukrainian
    "правильный ответ", "ожидаемый ответ", "верный ответ", "эталонный ответ", "эталонное решение",
    "правильна відповідь", "очікувана відповідь",
    # Chinese, Japanese, Korean, Arabic, Hindi
    "参考答案", "标准答案", "正确答案", "预期答案", "期望答案", "參考答案", "標準答案", "正確答案", "参考回答",
    "标准回答",
    "期望回答", "预期输出", "期望输出", "参考译文", "参考解答", "正解", "模範解答", "正しい答え", "期待される回答",
    "期待される出力", "参考訳", "정답", "모범 답안", "모범답안", "예상 답변", "기대 답변", "الإجابة الصحيحة",
    "الإجابة النموذجية", "الإجابة المتوقعة", "सही उत्तर", "अपेक्षित उत्तर",
)  # fmt: skip
"""What only an answer key says. Between the words there may be an underscore."""

ANSWERS: tuple[str, ...] = (
    "answer", "solution", "label", "gold", "reference", "antwort", "lösung", "ergebnis", "réponse", "respuesta",
    "solución", "resposta", "solução", "risposta", "soluzione", "antwoord", "odpowiedź", "odpověď", "svar", "cevap",
    "yanıt", "jawaban", "ответ", "решение", "відповідь", "答案", "答", "解答", "回答", "答え", "답", "الإجابة",
    "الجواب",
    "उत्तर",
)  # fmt: skip
"""What an answer key says, and so do the slot for an answer and the examples of a prompt."""

_GRADED = r"(?:graded|scored|marked|evaluated|assessed|judged|rated|ranked)"
_SAID = (" graded", " scored", " marked", " evaluated", " assessed", " judged", " rated", " ranked")
_WORKS = (
    r"(?:answers?|responses?|solutions?|outputs?|repl(?:y|ies)|submissions?|completions?|performance|summar(?:y|ies)|"
    r"explanations?|code|essay|work)"
)
_JUDGE = ("evaluator", "grader", "judge", "examiner", "rater")
_ASPECTS = ("criteria", "rubric", "scheme", "guide", "guidelines", "instructions", "rules")
GRADING: tuple[tuple[tuple[str, ...], str], ...] = (
    (_SAID, (rf"\b(?:you will|you'll|you are going to|you shall) be (?:\w+ly )?{_GRADED} (?:on|by|based|according"
            r"|against|using|out of|from \d|for (?:accuracy|correct|how|your|the))")),
    (_SAID, rf"\byour (?:\w+ )?{_WORKS} (?:will be|is|are|gets?|is going to be|shall be) (?:\w+ly )?{_GRADED}\b"),
    (_SAID, (r"(?:^|[.!?] )(?:all |the )?(?:answers|responses|outputs|submissions) (?:will be|are) (?:\w+ly )?"
             rf"{_GRADED}"
            r"\b")),
    (tuple(f"{judge} will" for judge in _JUDGE),
     (rf"\b(?:an?|the) (?:\w+ )?(?:{'|'.join(_JUDGE)}) will "
      r"(?:check|grade|score|judge|rate|evaluate|assess|mark|compare)"
     r"\b")),
    (("point for", "points for", "point if", "points if", "point per", "points per", "mark for", "marks for",
      "mark if", "marks if", "mark per", "marks per"),
     (r"\byou (?:will |can |'ll )?(?:lose|get|earn|receive|gain|score) (?:up to )?\d+ "
      r"(?:point|mark)s? (?:for|if|per)\b")),
    (tuple(f"{kind} {aspect}" for kind in ("grading", "scoring", "marking", "evaluation", "assessment")
           for aspect in _ASPECTS),
     rf"^[^\w\n]{{0,9}}(?:grading|scoring|marking|evaluation|assessment) (?:{'|'.join(_ASPECTS)})\W{{0,5}}:"),
    (("rubric",), r"^[^\w\n]{0,9}rubric\W{0,5}:"),
    (("rubric", "criteria", "scale"),
     (r"\b(?:scored?|graded?|rated?|marked)\b[^.\n]{0,20}\b[01] ?(?:to|-|–) ?\d+ (?:by|according to|using|based on) "
     r"(?:the |this )?(?:following )?(?:rubric|criteria|scale)\b")),
    # German
    (("bewertet", "benotet"),
     (r"\b(?:(?:deine|ihre|eure) (?:antwort|lösung|ausgabe)(?:en)? (?:wird|werden)|du wirst) (?:[\w,]+ ){0,8}"
     r"(?:bewertet|benotet)\b")),
    (("bewertungs", "erwartungshorizont"),
     r"^[^\w\n]{0,9}(?:bewertungs(?:kriterien|raster|schema|schlüssel)|erwartungshorizont)\W{0,5}:"),
    # French
    (("notée", "évaluée", "jugée", "serez noté", "serez évalué", "seras noté", "seras évalué"),
     (r"\b(?:(?:votre|ta) réponse sera (?:\w+ )?(?:notée|évaluée|jugée)|(?:vous serez|tu seras) "
     r"(?:notée?s?|évaluée?s?) (?:sur|selon|en fonction))\b")),
    (("notation", "d'évaluation", "barème"),
     r"^[^\w\n]{0,9}(?:critères (?:de notation|d'évaluation)|barème|grille de notation)\W{0,5}:"),
    # Spanish, Portuguese, Italian
    (("respuesta será", "serás evaluad", "serás calificad"),
     (r"\b(?:(?:tu|su) respuesta será (?:\w+ )?(?:evaluada|calificada|puntuada)|serás (?:evaluad|calificad)[oa] (?:por"
     r"|según|en))\b")),
    (("criterios de", "rúbrica"),
     r"^[^\w\n]{0,9}(?:criterios de (?:evaluación|calificación|puntuación)|rúbrica)\W{0,5}:"),
    (("resposta será",), r"\b(?:sua|tua) resposta será (?:\w+ )?(?:avaliada|pontuada|corrigida)\b"),
    (("critérios de",), r"^[^\w\n]{0,9}critérios de (?:avaliação|correção|pontuação)\W{0,5}:"),
    (("risposta sarà", "risposta verrà"),
     r"\b(?:tua|sua|vostra) risposta (?:sarà|verrà) (?:\w+ )?(?:valutata|giudicata)\b"),
    (("criteri di valutazione",), r"^[^\w\n]{0,9}criteri di valutazione\W{0,5}:"),
    # Dutch, Polish, Swedish, Turkish
    (("antwoord wordt",), r"\b(?:je|jouw|uw) antwoord wordt (?:\w+ ){0,8}beoordeeld\b"),
    (("twoja odpowiedź",), r"\btwoja odpowiedź (?:będzie|zostanie) (?:oceniana|oceniona)\b"),
    (("ditt svar",), r"\bditt svar (?:kommer att )?(?:bedömas|betygsättas|bedöms)\b"),
    (("cevabın", "yanıtın"), r"\b(?:cevabın|yanıtın)(?:ız)? (?:\w+ ){0,6}(?:değerlendirilecek|puanlanacak)"),
    # Russian
    (("ответ будет",), r"\b(?:ваш|твой) ответ будет (?:\w+ )?(?:оцен\w+|провер\w+)"),
    (("критерии",), r"^[^\w\n]{0,9}критерии (?:оценки|оценивания)\W{0,5}:"),
    # Chinese, Japanese, Korean, Arabic, Hindi
    (("评分", "打分", "评估",
    "评判"), r"(?:你|您)的(?:回答|答案|输出|作文)(?:将|会)被?[^。\n]{0,12}(?:评分|打分|评估|评判)"),
    (("答对", "答错"), r"(?:答对|答错)[^。\n]{0,4}(?:得|扣)\s*\d+\s*分"),
    (("评分", "打分", "評分"), r"(?:评分|打分|評分)(?:标准|细则|规则|標準)\s*[：:]"),
    (("採点され", "評価され"), r"(?:回答|解答)は[^。\n]{0,20}(?:採点|評価)され"),
    (("採点基準", "評価基準"), r"(?:採点|評価)基準\s*[：:]"),
    (("채점",
    "평가"), r"(?:답변|응답|답안)[은는이가]? [^.\n]{0,20}(?:채점|평가)(?:됩니다|될|되며)|(?:채점|평가) ?기준\s*[:：]"),
    (("إجابتك",), r"سيتم (?:تقييم|تصحيح) إجابتك"),
    (("आपके उत्तर का मूल्यांकन",), r"आपके उत्तर का मूल्यांकन"),
)  # fmt: skip
"""How a prompt says that the answer to it will be graded: (phrases, pattern); one of them is in every match."""

JUDGES: tuple[str, ...] = (
    r"\byou(?: are|'re) (?:an?|the) (?:[\w-]+ ){0,3}(?:grader|judge|evaluator|examiner|rater|assessor|marker)\b",
    r"\b(?:act|serve) as (?:an?|the) (?:[\w-]+ ){0,3}(?:grader|judge|evaluator|examiner|rater|assessor|marker)\b",
    r"\byou (?:mark|grade|evaluate|score|rate|judge|assess)\b",
    (r"(?:^|[.!?:;,\n\"(] ?|\bplease |\bto |\bmust |\bshould |\band |\bthen )(?:grade|evaluate|assess|score|rate|judge"
    r"|mark|compare|critique) (?:the|this|these|each|every|whether|if|how|both|an?|my|their|it\b|student|response"
    r"|answer|essay)"),
    (r"\b(?:student|pupil|candidate|assistant|learner|user|model's|model(?= (?:response|output)))(?:'s)? "
    r"(?:[ab]\b|answer|response|solution|output|submission|essay)"),
    r"\b(?:response|answer) (?:a|b|1|2)\b", r"\bproposed (?:answer|solution)", r"^[^\w\n]{0,9}verdict\W{0,5}:",
    r"\b(?:(?:bewerte|beurteile|benote|korrigiere)\b|schülerantwort)",
    r"\b(?:évalue|corrige)[rz]?\b|\bnote[rz]? (?:la|cette)",
    r"\b(?:evalúa|califica|puntúa|corrige)\b|respuesta del (?:estudiante|alumno)", r"\b(?:avalie|corrija)\b|do aluno\b",
    r"\b(?:valuta|correggi)\b|dello studente\b", r"\b(?:beoordeel|oceń|bedöm|değerlendir)\b",
    r"\b(?:оцени|оцените|проверь|проверьте)\b|ответ (?:студента|ученика|модели)",
    r"(?:请|給|给)[^。\n]{0,20}(?:打分|评分|评判)|(?:评价|评判|批改|评估)(?:下面|以下|这|该|学生)|学生(?:的)?(?:答案|回答)",
    r"(?:採点|評価)して|(?:学生|生徒)の(?:回答|解答|答え)", r"(?:채점|평가)(?:하세요|해|하시오)|학생의 답",
)  # fmt: skip
"""How a prompt asks the model to grade."""

ABOUT: tuple[str, ...] = (
    r"\bwhy\b", (r"\b(?:explain|justify|prove|derive|verify|check|confirm|decide|rewrite|rephrase|reword|paraphrase"
    r"|translate|convert|combine|extract|summari[sz]e|critique|flashcard|distractors?|hints?|rationale|feedback)\b"),
    r"\b(?:wrong|incorrect|false|other|alternative|plausible) (?:options?|answers?|choices?)\b",
    r"\b(?:generate|create|write|make|give|compose) (?:[\w-]+ ){0,4}(?:questions?|options|choices)\b",
    r"\bis (?:it|this|that|he|she) (?:right|correct|true)\b", r"\bwhether\b", r"\bquiz\b",
    r"\b(?:warum|erkläre|begründe|formuliere|übersetze|prüfe)\b",
    r"\b(?:pourquoi|expliqu|justifi|reformul|tradui|vérifi)",
    r"\b(?:por qué|explica|justifica|reescrib|reformula|traduc|verifica)",
    r"\b(?:por que|explique|justifique|reescreva)",
    r"\b(?:perché|spiega|riscrivi|giustifica)",
    r"\b(?:waarom|leg uit|dlaczego|wyjaśnij|neden|açıkla|varför|förklara)\b",
    r"\b(?:почему|объясн|перефраз|переведи|обоснуй)", r"解释|为什么|改写|翻译|理由|验证|说明原因",
    r"なぜ|説明して|書き換え|理由|訳して",
    r"왜|설명|이유",
)  # fmt: skip
"""What is asked about an answer that is known."""
