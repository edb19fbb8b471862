"""Names of languages, and how prompts ask for one."""

from __future__ import annotations

import re
from functools import cache

LANGUAGES: dict[str, tuple[str, str]] = {
    "en": ("English", "englisch|anglais|inglés|inglês|inglese|engels|английск|angielsk|英语|英文|英語|영어"),
    "de": ("German", "deutsch|allemand|alemán|alemão|tedesco|duits|немецк|niemieck|德语|德文|ドイツ語|독일어"),
    "fr": ("French",
       "französisch|français|francés|francês|francese|frans|французск|francusk|法语|法文|フランス語|프랑스어"),
    "es": ("Spanish",
       "spanisch|espagnol|español|espanhol|spagnolo|spaans|испанск|hiszpańsk|castellano|西班牙语|スペイン語|스페인어"),
    "it": ("Italian", "italienisch|italien|italiano|italiaans|итальянск|włosk|意大利语|イタリア語"),
    "pt": ("Portuguese", "portugiesisch|portugais|portugués|português|portoghese|portugees|португальск|葡萄牙语"),
    "nl": ("Dutch", "niederländisch|néerlandais|neerlandés|holandês|olandese|nederlands|нидерландск|голландск"),
    "pl": ("Polish", "polnisch|polonais|polaco|polacco|pools|польск|polsk"),
    "ru": ("Russian", "russisch|russe|ruso|russo|русск|rosyjsk|俄语|俄文|ロシア語|러시아어"),
    "uk": ("Ukrainian", "ukrainisch|ukrainien|украинск|українськ"),
    "zh": ("Chinese",
       "mandarin|chinesisch|chinois|chino|chinês|cinese|chinees|китайск|chińsk|中文|汉语|漢語|中国語|중국어|普通话"),
    "ja": ("Japanese", "japanisch|japonais|japonés|japonês|giapponese|japans|японск|日本語|日语|日文|일본어"),
    "ko": ("Korean", "koreanisch|coréen|coreano|корейск|한국어|韩语|韓国語"),
    "ar": ("Arabic", "arabisch|arabe|árabe|arabo|арабск|العربية|阿拉伯语"),
    "hi": ("Hindi", "हिंदी|हिन्दी|хинди"),
    "tr": ("Turkish", "türkisch|turc|turco|турецк|türkçe"),
    "sv": ("Swedish", "schwedisch|suédois|sueco|svedese|шведск|svenska"),
    "da": ("Danish", "dänisch|danois|danés|датск|dansk"),
    "no": ("Norwegian", "norwegisch|norvégien|noruego|норвежск|norsk"),
    "fi": ("Finnish", "finnisch|finnois|finlandés|финск|suomeksi|suomen"),
    "cs": ("Czech", "tschechisch|tchèque|checo|чешск|česky|češtin"),
    "sk": ("Slovak", "slowakisch|slovaque|словацк|slovensky"),
    "ro": ("Romanian", "rumänisch|roumain|rumano|румынск|română"),
    "hu": ("Hungarian", "ungarisch|hongrois|húngaro|венгерск|magyar"),
    "el": ("Greek", "griechisch|grec|griego|греческ|ελληνικ"),
    "he": ("Hebrew", "hebräisch|hébreu|hebreo|иврит|עברית"),
    "th": ("Thai", "thailändisch|thaï|тайск|ภาษาไทย"),
    "vi": ("Vietnamese", "vietnamesisch|vietnamien|вьетнамск|tiếng việt|越南语"),
    "id": ("Indonesian", "indonesisch|indonésien|indonesio|bahasa indonesia|индонезийск"),
    "ms": ("Malay", "malaiisch|bahasa melayu"),
    "fa": ("Persian", "farsi|persisch|فارسی|персидск"),
    "ur": ("Urdu", "اردو"),
    "bn": ("Bengali", "বাংলা|bangla"),
    "ta": ("Tamil", "தமிழ்"),
    "te": ("Telugu", "తెలుగు"),
    "bg": ("Bulgarian", "български|болгарск|bulgarisch"),
    "sr": ("Serbian", "српск|serbisch|сербск"),
    "hr": ("Croatian", "kroatisch|hrvatsk|хорватск"),
    "ca": ("Catalan", "katalanisch|català|catalán"),
    "ka": ("Georgian", "ქართულ"),
    "hy": ("Armenian", "հայերեն"),
    "am": ("Amharic", "አማርኛ"),
    "km": ("Khmer", "ខ្មែរ"),
    "mr": ("Marathi", "मराठी"),
    "gu": ("Gujarati", "ગુજરાતી"),
    "kn": ("Kannada", "ಕನ್ನಡ"),
    "ml": ("Malayalam", "മലയാളം"),
    "pa": ("Punjabi", "ਪੰਜਾਬੀ"),
}  # fmt: skip
"""ISO 639-1 code -> English name, and the name in other languages as a regular expression."""

_LATIN_WORD = "A-Za-z\u00c0-\u024f\u0400-\u04ff"
_OTHERS = "Latin|Esperanto|Swahili|Yoruba|Zulu|Hausa|Tagalog|Filipino|Klingon|Sanskrit|multilingual|bilingual"
_TASKS = (
    r"translat|\blanguages?\b|\blingua|\bidiom|\bsprache|tradu[ciz]|\bvertaal|\blocali[sz]|\bsubtitle"
    r"|überset|перев[её]|язык|tłumacz|翻译|翻譯|翻訳|번역|语言|言語|언어|ترجم|لغة|अनुवाद|çevir"
)


def names_language(text: str) -> bool:
    """Return whether a text holds the name of a language, in any of many languages."""
    plain = text.isascii()
    return _named(plain).search(text.lower() if plain else text) is not None


def about_languages(text: str) -> bool:
    """Return whether a text speaks of translating, or of languages."""
    plain = text.isascii()
    return _tasks(plain).search(text.lower() if plain else text) is not None


@cache
def _named(plain: bool) -> re.Pattern[str]:
    """Return the pattern of all names; `plain` for texts in ASCII and in lower case, which it reads far faster."""
    before = "(?<![a-z])" if plain else f"(?<![{_LATIN_WORD}])"
    words = [f"{name.lower()}(?![A-Za-z])" for name, _ in LANGUAGES.values()]
    words += [other for _, others in LANGUAGES.values() for other in others.split("|") if _fits(other, plain)]
    by_letter: dict[str, list[str]] = {}
    for word in words:
        by_letter.setdefault(word[0], []).append(word[1:])
    listed = "|".join(f"{letter}(?:{'|'.join(rest)})" for letter, rest in by_letter.items())
    return re.compile(rf"{before}(?:{listed})|\b(?:{_OTHERS.lower()})\b", 0 if plain else re.IGNORECASE)


@cache
def _tasks(plain: bool) -> re.Pattern[str]:
    words = "|".join(word for word in _TASKS.split("|") if _fits(word, plain))
    return re.compile(words, 0 if plain else re.IGNORECASE)


def _fits(word: str, plain: bool) -> bool:
    return not plain or word.isascii()


_BY_NAME = {english.lower(): code for code, (english, _) in LANGUAGES.items()}
_NAMES = "|".join(_BY_NAME)
_ASKED = (
    rf"\b(?:answer|reply|respond|write(?: (?:it|this|your (?:answer|reply|response)))?|(?:your |the "
    rf")?(?:answer|reply|response)"
    rf"(?: (?:must|should|has to|needs to))?(?: be)?(?: written)?)(?: me)?(?: only)?,? in ({_NAMES})\b"
    rf"|\b(?:answer|reply|respond|explain|summari[sz]e)\b[^.?!\n]{{0,60}} in ({_NAMES})(?: only| "
    rf"please|, please)?\s*[.!?]?\s*(?:$|\n)"
)
_IN_LANGUAGE = rf" in (?:{_NAMES})\b"
_AFTER_IN = re.compile(r" in(?= (\w+))")
_ASKED_OTHER = (
    (re.compile(r"\bantworte\w*\b[^.?!\n]{0,30} auf (deutsch|englisch|französisch|spanisch|italienisch)",
    re.IGNORECASE),
     {"deutsch": "de", "englisch": "en", "französisch": "fr", "spanisch": "es", "italienisch": "it"}),
    (re.compile(r"\br[ée]pon(?:ds|dez|dre)\b[^.?!\n]{0,30} en (français|anglais|allemand|espagnol|italien)",
    re.IGNORECASE),
     {"français": "fr", "anglais": "en", "allemand": "de", "espagnol": "es", "italien": "it"}),
    (re.compile(r"\b(?:responde|contesta|respóndeme)\b[^.?!\n]{0,30} en (español|inglés|francés|alemán)",
    re.IGNORECASE),
     {"español": "es", "inglés": "en", "francés": "fr", "alemán": "de"}),
    (re.compile(r"用(中文|英文|英语|日语|法语|德语)(?:来)?(?:回答|回复|作答|写)"),
     {"中文": "zh", "英文": "en", "英语": "en", "日语": "ja", "法语": "fr", "德语": "de"}),
)  # fmt: skip
_FROM = re.compile(
    r"\btranslat|\bword|\bphrase|\bmean|\bsay\b|\bfrom\b|\bnot in\b|\bdon'?t\b|\bnever\b|\bsentence|\bcalled\b",
    re.IGNORECASE,
)


def may_ask(prompt: str) -> bool:
    """True if a prompt may name a language to answer in; cheap."""
    if " in " in prompt and _in_language(prompt):
        return True
    if " auf " in prompt or " en " in prompt or "用" in prompt:
        return any(p.search(prompt) for p, _ in _ASKED_OTHER)
    return False


def _in_language(prompt: str) -> bool:
    """Return whether a prompt says "in" and the name of a language, in any case."""
    if prompt.isascii():
        return not _BY_NAME.keys().isdisjoint(_AFTER_IN.findall(prompt.lower()))
    return _compiled(_IN_LANGUAGE).search(prompt) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def name_of(code: str) -> str:
    """Return the English name of a language."""
    return LANGUAGES[code][0] if code in LANGUAGES else code


def asked_for(prompt: str) -> str | None:
    """Return the language in which a prompt asks to be answered in so many words, None if it does not."""
    prompt = prompt[:8000]
    lowered = prompt.lower()
    named = (" in " in lowered or not prompt.isascii()) and _in_language(prompt)
    if not named and " auf " not in lowered and " en " not in lowered and "用" not in prompt:
        return None
    asked = _compiled(_ASKED).finditer(prompt) if named else ()
    found = {_BY_NAME[next(filter(None, m.groups())).lower()] for m in asked}
    for pattern, codes in _ASKED_OTHER:
        found |= {codes[m[1].lower()] for m in pattern.finditer(prompt)}
    if len(found) != 1 or _FROM.search(prompt):
        return None
    return found.pop()
