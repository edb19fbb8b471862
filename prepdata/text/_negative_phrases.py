"""What people and models say when they decline, ask back, or find nothing in a given text. Written for this project.

All in lower case, with the plain apostrophe; `prepdata.text.negatives` adds capitals and the curly apostrophe.
"""

from __future__ import annotations

DECLINE: dict[str, tuple[str, ...]] = {
    "en": (
        "i can't help", "i cannot help", "i can't assist", "i cannot assist", "i can't provide", "i cannot provide",
        "i can't do that", "i cannot do that", "i can't share", "i cannot share", "i can't give you",
        "i cannot give you", "i can't answer", "i cannot answer", "i can't access", "i cannot access",
        "i can't comply", "i cannot comply", "i can't fulfill", "i cannot fulfill", "i can't fulfil",
        "i cannot fulfil", "i can't perform", "i cannot perform", "i can't recommend", "i cannot recommend",
        "i can't advise", "i cannot advise", "i can't tell you", "i cannot tell you", "i can't engage",
        "i cannot engage", "i can't generate", "i cannot generate", "i can't create", "i cannot create",
        "i can't discuss", "i cannot discuss", "i can't process", "i cannot process", "i can't disclose",
        "i cannot disclose", "i can't order", "i cannot order", "i can't book", "i cannot book", "i can't confirm",
        "i cannot confirm", "i can't verify", "i cannot verify", "i'm unable to", "i am unable to",
        "i'm not able to", "i am not able to", "i won't be able to", "i will not be able to", "i won't help",
        "i will not help", "we can't help", "we cannot help", "we're unable to", "we are unable to",
        "i don't have access", "i do not have access", "i don't have the ability", "i do not have the ability",
        "i don't have the capability", "i do not have the capability", "i don't have the capabilities",
        "i don't have real-time", "i do not have real-time", "i don't have information",
        "i do not have information", "i don't have any information", "i do not have any information",
        "i don't have enough information", "i do not have enough information", "i don't have details",
        "i don't have data", "i don't have personal", "i do not have personal", "i must decline",
        "i have to decline", "i need to decline", "i'd rather not", "i would rather not", "i'm sorry, but i can",
        "i am sorry, but i can", "i'm sorry, but i don't", "i'm sorry, but i do not", "i'm sorry, but as a",
        "i'm sorry, but my current", "i'm sorry, i can't", "i'm sorry, i cannot", "i'm sorry, i don't",
        "sorry, i can't", "sorry, i cannot", "sorry, i don't know", "sorry, but i can't", "sorry, but i cannot",
        "sorry, but i'm", "sorry, but i am", "i apologize, but i", "i apologise, but i", "i'm afraid i can",
        "i am afraid i can", "i'm afraid i don't", "i'm afraid that is", "i'm afraid that's",
        "unfortunately, i can't", "unfortunately, i cannot", "unfortunately, i don't", "unfortunately, i do not",
        "unfortunately, i'm", "unfortunately, i am", "unfortunately i can't", "unfortunately i cannot",
        "i'm not qualified", "i am not qualified", "i can only help with", "i can only assist", "i can only answer",
        "i only help with", "i only answer questions about", "i'm only able to", "i am only able to",
        "i'm not programmed", "i am not programmed", "outside the scope", "out of scope", "outside my scope",
        "outside of my scope", "beyond my scope", "beyond my capabilities", "outside my area", "outside what i can",
        "outside of what i can", "not something i can", "not something we can", "not authorized to",
        "not authorised to", "not allowed to share", "not appropriate for me to", "against our policy",
        "against my guidelines", "can't comply with", "cannot comply with",
    ),
    "de": (
        "kann ich nicht helfen", "kann ich ihnen nicht helfen", "kann ich dir nicht helfen",
        "kann ich leider nicht", "kann ich ihnen leider", "kann ich dir leider", "ich kann leider nicht",
        "ich kann ihnen leider nicht", "ich kann dir leider nicht", "leider kann ich", "ich kann dabei nicht",
        "darf ich nicht", "ich darf ihnen", "ich darf dir nicht", "dazu kann ich keine", "dazu habe ich keine",
        "ich habe keinen zugriff", "ich habe keine informationen", "ich habe keine möglichkeit",
        "tut mir leid, aber ich kann", "tut mir leid, ich kann", "tut mir leid, dabei",
        "tut mir leid, das kann ich", "ich bin nicht in der lage", "ich weiß es nicht", "das weiß ich nicht",
        "gehört nicht zu meinem", "außerhalb meines", "ich kann nur bei",
    ),
    "fr": (
        "je ne peux pas", "je ne suis pas en mesure", "je suis désolé, mais je ne", "je suis désolée, mais je ne",
        "désolé, je ne", "désolée, je ne", "désolé, mais je ne", "malheureusement, je ne",
        "je regrette, mais je ne", "je n'ai pas accès", "je n'ai pas d'information", "je n'ai pas les informations",
        "je ne dispose pas", "je ne sais pas", "ne relève pas de", "en dehors de mon domaine",
        "je ne suis pas autorisé", "je dois refuser",
    ),
    "es": (
        "no puedo ayudar", "no puedo proporcionar", "no puedo dar", "no puedo compartir", "no puedo responder",
        "no puedo hacer eso", "no puedo realizar", "no puedo acceder", "no me es posible", "lo siento, pero no",
        "lo siento, no", "lamentablemente, no", "lamentablemente no puedo", "desafortunadamente, no",
        "no tengo acceso", "no tengo información", "no dispongo de", "no estoy en condiciones",
        "no estoy autorizado", "fuera de mi alcance", "fuera de mi ámbito", "no sé la respuesta",
        "solo puedo ayudar",
    ),
    "pt": (
        "não posso ajudar", "não posso fornecer", "não posso responder", "não posso compartilhar",
        "não posso fazer isso", "não consigo ajudar", "não consigo acessar", "desculpe, mas não", "desculpe, não",
        "sinto muito, mas não", "lamento, mas não", "infelizmente, não", "infelizmente não posso",
        "infelizmente não consigo", "não tenho acesso", "não tenho informações", "não sou capaz de",
        "não estou autorizado", "fora do meu escopo", "não sei a resposta", "só posso ajudar",
    ),
    "it": (
        "non posso aiutar", "non posso fornire", "non posso rispondere", "non posso condividere", "non posso farlo",
        "non sono in grado di", "mi dispiace, ma non", "mi dispiace, non", "spiacente, non", "purtroppo non posso",
        "purtroppo, non", "purtroppo non sono", "non ho accesso", "non ho informazioni", "non dispongo di",
        "non sono autorizzat", "esula dal", "non conosco la risposta", "posso aiutare solo",
    ),
    "nl": (
        "ik kan je niet helpen", "ik kan u niet helpen", "daar kan ik niet", "daar kan ik u niet",
        "daar kan ik je niet", "helaas kan ik", "sorry, maar ik kan", "sorry, ik kan", "het spijt me, maar ik kan",
        "het spijt me, ik kan", "ik heb geen toegang", "ik heb geen informatie", "ik ben niet in staat",
        "ik mag geen", "dat mag ik niet", "dat weet ik niet", "valt buiten",
    ),
    "sv": (
        "jag kan inte hjälpa", "jag kan tyvärr inte", "tyvärr kan jag inte", "det kan jag inte",
        "jag har inte tillgång", "jag har ingen information", "jag är ledsen, men jag kan", "ledsen, jag kan inte",
        "jag får inte", "jag vet inte",
    ),
    "da": (
        "jeg kan ikke hjælpe", "jeg kan desværre ikke", "desværre kan jeg ikke", "det kan jeg ikke",
        "jeg har ikke adgang", "jeg har ingen oplysninger", "jeg beklager, men jeg kan", "det ved jeg ikke",
    ),
    "no": (
        "jeg kan ikke hjelpe", "jeg kan dessverre ikke", "dessverre kan jeg ikke", "jeg har ikke tilgang",
        "jeg har ingen informasjon", "beklager, men jeg kan", "det vet jeg ikke",
    ),
    "fi": (
        "en voi auttaa", "en valitettavasti voi", "valitettavasti en", "pahoittelut, mutta en",
        "minulla ei ole pääsyä", "en osaa vastata", "en pysty auttamaan",
    ),
    "pl": (
        "nie mogę pomóc", "nie mogę w tym pomóc", "nie mogę udzielić", "nie mogę podać", "nie mogę tego zrobić",
        "niestety nie mogę", "niestety, nie mogę", "przykro mi, ale nie", "przepraszam, ale nie", "nie mam dostępu",
        "nie mam informacji", "nie jestem w stanie", "nie wiem", "wykracza poza",
    ),
    "cs": (
        "nemohu pomoci", "nemohu vám", "bohužel nemohu", "omlouvám se, ale nemohu", "je mi líto, ale",
        "nemám přístup", "nemám informace", "s tím vám nepomohu", "nejsem schopen",
    ),
    "ro": (
        "nu pot să ajut", "nu vă pot ajuta", "nu te pot ajuta", "din păcate, nu pot", "din păcate nu pot",
        "îmi pare rău, dar nu", "nu am acces", "nu am informații",
    ),
    "hu": (
        "sajnos nem tudok", "sajnálom, de nem", "nem tudok segíteni", "ebben nem tudok", "nincs hozzáférésem",
        "nincs információm",
    ),
    "tr": (
        "yardımcı olamam", "yardımcı olamıyorum", "üzgünüm, ancak", "üzgünüm, ama", "maalesef bu konuda",
        "maalesef,", "erişimim yok", "bilgim yok", "bunu yapamam", "bu konuda bilgi veremem",
    ),
    "vi": (
        "tôi không thể giúp", "tôi không thể cung cấp", "xin lỗi, tôi không", "xin lỗi, nhưng tôi không",
        "rất tiếc, tôi không", "tôi không có thông tin", "tôi không có quyền", "tôi không biết",
    ),
    "id": (
        "saya tidak dapat membantu", "saya tidak bisa membantu", "maaf, saya tidak", "maaf, tetapi saya tidak",
        "maaf, namun saya", "sayangnya, saya tidak", "saya tidak memiliki akses", "saya tidak memiliki informasi",
    ),
    "ru": (
        "я не могу помочь", "не могу с этим помочь", "не могу помочь", "я не могу предоставить", "я не могу дать",
        "я не могу ответить", "я не могу этого", "к сожалению, я не", "к сожалению, не могу", "извините, но я не",
        "извините, я не", "простите, но я не", "у меня нет доступа", "у меня нет информации", "не имею доступа",
        "я не имею возможности", "я не знаю", "выходит за рамки", "я не вправе",
    ),
    "uk": (
        "я не можу допомогти", "не можу з цим допомогти", "не можу допомогти", "я не можу надати", "на жаль, я не",
        "на жаль, не можу", "вибачте, але я не", "вибачте, я не", "у мене немає доступу", "у мене немає інформації",
        "виходить за межі", "я не знаю",
    ),
    "el": (
        "δεν μπορώ να βοηθήσω", "δεν μπορώ να σας", "λυπάμαι, αλλά δεν", "δυστυχώς, δεν", "δυστυχώς δεν μπορώ",
        "δεν έχω πρόσβαση",
    ),
    "ar": (
        "لا أستطيع مساعدتك", "لا يمكنني مساعدتك", "لا يمكنني تقديم", "لا أستطيع تقديم", "آسف، لا", "عذراً، لا",
        "عذرًا، لا", "عذرا، لا", "للأسف، لا", "ليس لدي معلومات", "لا أملك معلومات", "لا أعرف",
    ),
    "fa": (
        "نمی‌توانم کمک", "نمی توانم کمک", "متأسفم، اما", "متاسفم، اما", "متأسفانه نمی", "دسترسی ندارم",
        "اطلاعاتی ندارم",
    ),
    "he": (
        "אני לא יכול לעזור", "איני יכול לעזור", "לצערי, אני לא", "לצערי איני", "מצטער, אבל", "אין לי גישה",
        "אין לי מידע",
    ),
    "hi": (
        "मैं इसमें मदद नहीं", "मैं मदद नहीं कर", "मैं आपकी मदद नहीं", "क्षमा करें, मैं", "माफ़ कीजिए, मैं", "खेद है",
        "मेरे पास जानकारी नहीं", "मेरे पास इसकी जानकारी",
    ),
    "zh": (
        "我无法", "我不能帮", "我不能提供", "我不能回答", "我没有办法", "抱歉，我无", "抱歉，我不能", "抱歉，我没",
        "抱歉，我不知", "对不起，我不能", "对不起，我不知", "对不起，我无", "对不起，我没", "恐怕我不能",
        "我帮不了", "超出了我的", "不在我的服务范围", "我不知道", "我無法", "抱歉，這", "无法为您", "无法回答",
        "无法提供",
    ),
    "ja": (
        "お答えできません", "お答えできかねます", "お手伝いできません", "対応できません", "対応しておりません",
        "提供できません", "お答えすることができません", "できかねます", "申し訳ありませんが",
        "申し訳ございませんが", "わかりかねます", "分かりかねます", "情報を持っていません", "アクセスできません",
        "範囲外です",
    ),
    "ko": (
        "도와드릴 수 없", "도와 드릴 수 없", "답변드릴 수 없", "답변해 드릴 수 없", "제공할 수 없",
        "제공해 드릴 수 없", "알려드릴 수 없", "죄송하지만", "죄송합니다만", "안타깝게도", "접근할 수 없",
        "정보를 가지고 있지 않", "알 수 없습니다",
    ),
}  # fmt: skip
"""Declines: looked for at the beginning of an answer."""

DONT_KNOW = ("i don't know", "i do not know", "i can't", "i cannot", "i'm sorry", "i am sorry", "sorry,", "no, i can't")
"""English words of a decline that also begin much else: they count only as the very first words of a short answer
that says no more than that."""

SUBJECTS = (
    "the context", "the provided context", "the given context", "the document", "the documents",
    "the provided document", "the passage", "the text", "the provided text", "the article", "the excerpt",
    "the page", "the policy", "the manual", "the source", "the sources", "the guide", "the report",
    "the information provided", "the provided information",
)  # fmt: skip
"""What the text is called that was given; counts together with "does not" and one of `SAYS`."""

SAYS = frozenset({
    "mention", "say", "specify", "state", "contain", "provide", "include", "give", "cover", "explicitly",
    "describe", "address", "answer", "tell", "indicate", "explain", "list", "offer", "discuss", "actually",
    "specifically", "directly",
})  # fmt: skip

NOT_THERE: tuple[str, ...] = (
    "not in the provided context", "not in the given context", "not in the context", "not in the documents",
    "not mentioned in the", "isn't mentioned in the", "not specified in the", "not stated in the",
    "not provided in the", "not covered in the", "not found in the provided", "not contained in the",
    "not available in the provided", "cannot be determined from", "can't be determined from",
    "cannot be answered from", "can't be answered from", "cannot be answered based on",
    "cannot be answered with the", "cannot be inferred from the", "is unanswerable", "not enough information",
    "insufficient information", "no information about", "no information on", "i couldn't find", "i could not find",
    "i can't find", "i cannot find", "we couldn't find", "no mention of", "nothing about that in",
    "documents say nothing", "document says nothing", "pages say nothing", "page says nothing", "context says nothing",
    "text says nothing", "passages say nothing", "passage says nothing", "sources say nothing", "source says nothing",
    "manual says nothing", "policy says nothing", "article says nothing", "nothing in the documents",
    "nothing in the context", "nothing in the text", "nothing in the passages", "nothing in the sources",
    "nothing in the provided", "dazu steht nichts", "dokumente sagen nichts", "unterlagen sagen nichts",
    "documents ne disent rien", "texte ne dit rien", "documentos no dicen nada", "texto no dice nada",
    "documenti non dicono nulla", "testo non dice nulla", "documentos não dizem nada", "texto não diz nada",
    "steht nicht im",
    "steht nicht in", "geht aus dem text nicht", "geht aus dem dokument nicht", "im text nicht erwähnt",
    "wird nicht erwähnt", "keine angaben", "nicht genügend informationen", "enthält keine information",
    "n'est pas mentionné", "ne mentionne pas", "ne précise pas", "ne contient pas d'information",
    "pas assez d'information", "aucune information sur", "no se menciona", "no menciona", "no aparece en el texto",
    "no especifica", "no hay suficiente información", "no contiene información", "não é mencionad", "não menciona",
    "não especifica", "não há informações suficientes", "não contém informações", "non è menzionat", "non menziona",
    "non specifica", "non ci sono abbastanza informazioni", "non contiene informazioni", "wordt niet vermeld",
    "wordt niet genoemd", "onvoldoende informatie", "nämns inte", "framgår inte", "fremgår ikke",
    "nie jest wspomnian", "nie zawiera informacji", "brak informacji", "není uvedeno", "neobsahuje informac",
    "nu este menționat", "metinde belirtilm", "yeterli bilgi yok", "không được đề cập", "không có thông tin về",
    "tidak disebutkan dalam", "tidak ada informasi tentang", "не упоминается", "не указано", "нет информации о",
    "недостаточно информации", "не содержит информации", "не згадується", "не вказано", "недостатньо інформації",
    "لا يذكر النص", "لم يذكر في", "لا توجد معلومات", "غير مذكور في", "पाठ में उल्लेख नहीं", "जानकारी नहीं दी गई",
    "文中没有提到", "文中未提及", "没有提到", "未提及", "没有足够的信息", "没有相关信息", "无法从",
    "記載されていません", "記載がありません", "言及されていません", "情報が不足", "情報はありません",
    "언급되어 있지 않", "나와 있지 않", "정보가 부족", "정보가 없습니다",
)  # fmt: skip
"""Finds nothing in the given text."""

ASK_BACK: tuple[str, ...] = (
    "could you please provide", "could you provide", "could you please clarify", "could you clarify",
    "can you clarify", "can you please clarify", "can you please provide", "can you provide me",
    "can you provide more", "can you provide the", "could you please tell me", "could you tell me",
    "can you tell me", "can you please tell me", "could you please specify", "could you specify", "can you specify",
    "can you please specify", "could you please share", "could you share", "can you share the",
    "can you please share", "could you let me know", "can you let me know", "could you please give",
    "could you give me", "can you give me more", "could you send me", "could you please confirm",
    "could you confirm", "can you confirm", "could you describe", "could you elaborate", "can you elaborate",
    "please clarify", "please specify", "please provide me with", "please provide the", "please provide more",
    "please provide your", "please tell me which", "please tell me your", "please share your", "please share the",
    "please let me know which", "please let me know what", "please let me know the", "may i know",
    "may i have your", "may i ask", "which one do you mean", "do you mean", "did you mean", "what do you mean by",
    "be more specific", "what exactly do you", "what exactly would you", "a bit more information",
    "a little more information", "some more information", "a few more details", "more details about your",
    "before i can help", "what is your order number", "what's your order number", "what's the order number",
    "what is the order number", "which city are you", "which version are you", "which of these do you",
    "which would you like", "what kind of help", "können sie mir bitte", "könnten sie mir", "könnten sie bitte",
    "kannst du mir sagen", "kannst du mir bitte", "könntest du mir", "könntest du bitte", "meinen sie", "meinst du",
    "teilen sie mir bitte", "bitte nennen sie", "bitte teile mir", "welche bestellnummer", "wie lautet ihre",
    "wie lautet deine", "pourriez-vous me", "pourriez-vous préciser", "pouvez-vous me", "pouvez-vous préciser",
    "peux-tu préciser", "voulez-vous dire", "veuillez préciser", "veuillez me fournir", "veuillez me donner",
    "merci de préciser", "quel est votre numéro", "podrías decirme", "podría decirme", "puede decirme",
    "puedes decirme", "podrías aclarar", "podría aclarar", "podrías proporcionar", "podría proporcionar",
    "puede proporcionarme", "podrías especificar", "podría especificar", "te refieres a", "se refiere a cuál",
    "por favor, indícame", "por favor, indique", "poderia me dizer", "você poderia me", "pode me informar",
    "poderia esclarecer", "pode esclarecer", "poderia fornecer", "você quer dizer", "por favor, informe",
    "poderia especificar", "potresti dirmi", "può dirmi", "puoi dirmi", "potrebbe dirmi", "potresti specificare",
    "potrebbe specificare", "puoi specificare", "intendi dire", "potresti fornire", "potrebbe fornire",
    "puoi indicarmi", "kunt u mij vertellen", "kun je me vertellen", "kunt u aangeven", "kun je aangeven",
    "bedoelt u", "bedoel je", "kan du berätta vilken", "kan du ange", "menar du", "kan du oplyse", "mener du",
    "kan du oppgi", "czy możesz podać", "czy może pan", "czy może pani", "czy mógłbyś", "czy chodzi o",
    "proszę podać", "proszę doprecyzować", "můžete mi", "můžete prosím", "máte na mysli", "ați putea să",
    "puteți să-mi", "vă referiți la", "belirtir misiniz", "söyler misiniz", "paylaşır mısınız", "verebilir misiniz",
    "mi demek istediniz", "bạn có thể cho", "bạn có thể cung cấp", "vui lòng cho biết", "vui lòng cung cấp",
    "ý bạn là", "bisakah anda", "dapatkah anda", "mohon berikan", "mohon sebutkan", "apakah maksud anda",
    "уточните, пожалуйста", "не могли бы вы", "могли бы вы", "можете уточнить", "вы имеете в виду",
    "пожалуйста, укажите", "подскажите, пожалуйста", "пожалуйста, уточните", "уточніть, будь ласка",
    "чи могли б ви", "ви маєте на увазі", "θα μπορούσατε να", "μπορείτε να μου πείτε", "هل يمكنك", "هل تقصد",
    "يرجى تحديد", "من فضلك حدد", "می‌توانید بگویید", "منظورتان", "לאיזה", "האם התכוונת", "क्या आप बता सकते",
    "क्या आप कृपया", "कृपया बताएं", "क्या आपका मतलब", "请问您", "请问你", "您能告诉我", "你能告诉我", "您可以提供",
    "请提供", "您是指", "你是指", "能否提供", "请告诉我您的", "请告诉我你的", "请告诉我具体",
    "教えていただけますか", "教えてください", "お聞かせください", "ということでしょうか", "どちらでしょうか",
    "ご教示", "お知らせください", "알려주시겠", "알려 주시겠", "말씀해 주시", "알려주세요", "어떤 것을 말씀",
)  # fmt: skip
"""Asks for what is missing instead of guessing."""

WEAK: tuple[str, ...] = (
    "unfortunately", "i'm not sure", "i am not sure", "i'm not certain", "it depends", "i may be wrong", "cannot",
    "can't", "unable to", "not possible", "leider", "malheureusement", "lamentablemente", "infelizmente",
    "purtroppo", "helaas", "tyvärr", "niestety", "bohužel", "maalesef", "к сожалению", "на жаль", "遗憾", "残念",
    "아쉽게도",
)  # fmt: skip
"""Comes near: shown as examples where nothing better was found, never counted."""

NO_LABEL = frozenset({
    "none", "n/a", "na", "unknown", "other", "others", "irrelevant", "not applicable", "unanswerable", "no answer",
    "not enough info", "not enough information", "insufficient information", "out of scope", "out_of_scope", "oos",
    "out-of-scope", "none of the above", "not sure", "undetermined", "unclear", "cannot answer", "can't say",
    "no_intent", "off-topic", "off topic", "off_topic", "not found", "not_found", "nicht relevant", "unbekannt",
    "sonstiges", "keine", "inconnu", "autre", "aucun", "aucune", "desconocido", "ninguno", "ninguna", "otro",
    "desconhecido", "nenhum", "outro", "sconosciuto", "nessuno", "altro", "onbekend", "geen", "overig", "nieznane",
    "brak", "inne", "неизвестно", "другое", "нет ответа", "未知", "其他", "其它", "不明", "その他", "なし", "기타",
    "알 수 없음",
})  # fmt: skip
"""Labels that say that no other label fits, as the whole answer."""

REFUSING_TOOL = (
    "reject", "refus", "declin", "unsupported", "out_of_scope", "outofscope", "clarif", "ask_user", "askuser",
    "no_tool", "notool", "no_action", "noaction", "fallback", "escalat", "handoff", "hand_off", "cannot_",
    "not_possible", "no_answer",
)  # fmt: skip
"""Pieces of tool names by which an assistant declines, asks back or hands over."""
