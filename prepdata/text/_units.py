"""Units as texts write them, with what they measure and their size. Written for this project.

Factors are those of the SI brochure (BIPM, 9th edition, 2019) and of NIST SP 811 (2008) for inches, pounds and the
like; a month is a twelfth of a year of 365.25 days.
"""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """A unit.

    Args:
        kind: what it measures; quantities of other kinds are never equal.
        name: what it is called here.
        factor: its size in the unit of its kind that has the factor 1; 0.0 where units of a kind are not converted.
    """

    kind: str
    name: str
    factor: float


_DEGREES = "° degree degrees grad degré degrés grado grados gradi graus graden градус градуса градусов 度 도 डिग्री"
"""Degrees of any scale."""
# fmt: off
_TABLE: dict[str, dict[tuple[str, float], str]] = {
    "time": {
        ("second", 1): "s sec secs second seconds sekunde sekunden sek seconde secondes segundo segundos secondo"
        " secondi seconden sekund sekundy sekunder секунда секунды секунд сек giây saniye detik ثانية ثواني सेकंड"
        " 秒 秒钟 초",
        ("minute", 60): "min mins minute minutes minuten minuto minutos minuti minut minuty minuter minutter"
        " λεπτό λεπτά λεπτών dakikadır"
        " минута минуты минут мин хвилин phút dakika menit دقيقة دقائق मिनट 分钟 分 分間 분",
        ("hour", 3600): "h hr hrs hour hours std stunde stunden heure heures hora horas ora ore uur uren timme"
        " timmar timer godzina godziny godzin hodina hodiny hodin час часа часов годин година saat jam giờ ساعة"
        " ساعات घंटा घंटे 小时 個小時 个小时 時間 시간 saattir ώρα ώρες ωρών",
        ("day", 86400): "day days tag tage tagen jour jours jornada día días dia dias giorno giorni dag dagen"
        " dagar dager dage dzień dni dnia den dny dní день дня дней днів дні сутки суток gün hari ngày يوم أيام"
        " يوما दिन 天 日 日間 일 gündür ημέρα ημέρες ημερών μέρα μέρες μερών",
        ("week", 604800): "week weeks woche wochen semaine semaines semana semanas settimana settimane weken"
        " vecka veckor uge uger uke uker tydzień tygodni tygodnie týden týdny týdnů неделя недели недель тиждень"
        " тижнів hafta minggu tuần أسبوع أسابيع सप्ताह हफ्ते 周 週間 星期 个星期 주"
        " haftadır εβδομάδα εβδομάδες εβδομάδων",
        ("fortnight", 1209600): "fortnight fortnights quinzaine",
        ("month", 2629800): "month months monat monate monaten mois mes meses mês mese mesi maand maanden månad"
        " månader måned måneder miesiąc miesiące miesięcy měsíc měsíce měsíců месяц месяца месяцев місяць місяців"
        " ay bulan tháng شهر أشهر شهرا شهور महीना महीने महीनों माह 月 个月 個月 か月 ヶ月 カ月 ヵ月 ケ月 개월 달"
        " aydır μήνας μήνα μήνες μηνών",
        ("year", 31557600): "yr yrs year years jahr jahre jahren ans année années año años ano anos anno anni"
        " jaar jaren år rok lata lat roku roky let год года лет рік роки років yıl tahun năm سنة سنوات عام साल"
        " वर्ष 年 年間 岁 歳 년 세 살 yıldır χρόνος χρόνο χρόνια χρόνων έτος έτη ετών",
    },
    "length": {
        ("mm", 0.001): "mm millimetre millimetres millimeter millimeters millimetern millimètre millimètres"
        " milímetro milímetros millimetro millimetri мм миллиметр миллиметра миллиметров milimetr 毫米 ミリ"
        " 밀리미터 मिमी ملم",
        ("cm", 0.01): "cm centimetre centimetres centimeter centimeters zentimeter zentimetern centimètre"
        " centimètres centímetro centímetros centimetro centimetri см сантиметр сантиметра сантиметров 厘米 公分"
        " センチ 센티미터 सेमी سم",
        ("m", 1): "m metre metres meter meters metern mtr mètre mètres metro metros metri метр метра метров м"
        " metr metry metrów metrů mét 米 公尺 メートル 미터 मीटर متر أمتار",
        ("km", 1000): "km kms kilometre kilometres kilometer kilometers kilometern kilomètre kilomètres kilómetro"
        " kilómetros quilômetro quilômetros chilometro chilometri км километр километра километров 公里 千米"
        " キロメートル 킬로미터 किमी किलोमीटर كم",
        ("inch", 0.0254): "inch inches zoll pouces pulgadas polegadas pollici дюйм дюймов 英寸 インチ 인치",
        ("foot", 0.3048): "ft foot feet",
        ("yard", 0.9144): "yd yard yards",
        ("mile", 1609.344): "mile miles meile meilen milles miglia millas",
    },
    "mass": {
        ("mg", 1e-06): "mg milligram milligrams milligramm мг 毫克 ミリグラム",
        ("g", 0.001): "g gr gram grams gramme grammes gramm gramo gramos grama gramas grammo grammi г грамм"
        " грамма граммов 克 グラム 그램 ग्राम جرام غرام",
        ("kg", 1): "kg kgs kilo kilos kilogram kilograms kilogramme kilogrammes kilogramm kilogramo kilogramos"
        " quilo quilos quilograma quilogramas chilo chilogrammi кг килограмм килограмма килограммов кило 公斤"
        " 千克 キロ キログラム 킬로그램 किलो किलोग्राम किग्रा كجم كغ كيلوغرام",
        ("t", 1000): "t tonne tonnes ton tons tonnen tonelada toneladas tonnellate тонн тонна тонны 吨 噸 トン 톤",
        ("lb", 0.45359237): "lb lbs pound pounds",
        ("oz", 0.028349523125): "oz ounce ounces unze unzen",
    },
    "volume": {
        ("ml", 0.001): "ml millilitre millilitres milliliter milliliters millilitri мл 毫升 ミリリットル 밀리리터"
        " मिली مل",
        ("cl", 0.01): "cl centilitre centilitres",
        ("dl", 0.1): "dl decilitre decilitres",
        ("l", 1): "l litre litres liter liters litern litro litros litri л литр литра литров litrów litry litrů"
        " lít 升 公升 リットル 리터 लीटर لتر لترا",
        ("m³", 1000): "m³ m3 cbm kubikmeter",
        ("gallon", 3.785411784): "gal gallon gallons",
    },
    "area": {
        ("m²", 1): "m² m2 qm sqm quadratmeter 平方米 平米 제곱미터",
        ("km²", 1e+06): "km² km2",
        ("ha", 10000): "ha hectare hectares hektar",
        ("sq ft", 0.09290304): "sqft",
        ("acre", 4046.8564224): "acre acres",
    },
    "speed": {
        ("km/h", 1): "km/h kmh kph км/ч 公里/小时",
        ("mph", 1.60934): "mph",
        ("m/s", 3.6): "m/s м/с",
    },
    "power": {
        ("w", 1): "W watt watts vatios Вт ватт 瓦 ワット 와트 वाट واط",
        ("kw", 1000): "kW KW kilowatt kilowatts кВт 千瓦 キロワット",
        ("mw", 1e+06): "MW megawatt megawatts МВт",
        ("hp", 735.49875): "hp PS horsepower",
    },
    "energy": {
        ("wh", 1): "Wh",
        ("kwh", 1000): "kWh KWh kwh кВтч",
    },
    "charge": {
        ("mah", 1): "mAh mah",
        ("ah", 1000): "Ah",
    },
    "current": {
        ("a", 1): "A amp amps ampere amperes amperios ampère ampères 安",
        ("ma", 0.001): "mA",
    },
    "voltage": {
        ("v", 1): "V volt volts voltios В вольт 伏 ボルト 볼트",
        ("kv", 1000): "kV",
        ("mv", 0.001): "mV",
    },
    "pressure": {
        ("bar", 1): "bar bars бар バール",
        ("pa", 1e-05): "Pa pascal",
        ("kpa", 0.01): "kPa kpa кПа",
        ("mpa", 10): "MPa mpa МПа",
        ("psi", 0.0689475729): "psi",
    },
    "sound": {
        ("db", 0): "dB db dBA decibel decibels dezibel decibelios дБ децибел",
    },
    "frequency": {
        ("hz", 1): "Hz hz hertz Гц",
        ("khz", 1000): "kHz khz",
        ("mhz", 1e+06): "MHz Mhz mhz",
        ("ghz", 1e+09): "GHz Ghz ghz",
    },
    "data": {
        ("b", 1): "byte bytes octets",
        ("kb", 1000): "KB kB kb kilobyte kilobytes ko Ko KiB",
        ("mb", 1e+06): "MB Mb mb megabyte megabytes meg megs Mo MiB мб Мб МБ",
        ("gb", 1e+09): "GB Gb gb gigabyte gigabytes gig gigs Go GiB гб Гб ГБ",
        ("tb", 1e+12): "TB Tb tb terabyte terabytes To TiB тб ТБ",
    },
    "rate": {
        ("mbit/s", 1): "Mbit/s mbit/s Mbps mbps Mb/s",
        ("gbit/s", 1000): "Gbit/s gbit/s Gbps gbps Gb/s",
    },
    "image": {
        ("mp", 0): "MP megapixel megapixels",
    },
    "temperature": {
        ("celsius", 0): f"{_DEGREES} °C °c C celsius",
        ("fahrenheit", 0): f"{_DEGREES} °F °f F fahrenheit",
        ("kelvin", 0): f"{_DEGREES} kelvin",
    },
    "share": {
        ("%", 0): "% percent pct prozent procent procento procenta procentov processi procenten percento"
        " percentuale porcento процент процента процентов відсотків yüzde persen proc パーセント 퍼센트"
        " 프로 प्रतिशत بالمئة",
    },
    "points": {
        ("points", 0): "prozentpunkt prozentpunkte prozentpunkten procentenheter procentpoint 百分点 個百分点 个百分点",
    },
    "money": {
        ("eur", 0): "€ EUR eur euro euros евро evro ευρώ 欧元 ユーロ 유로 यूरो يورو",
        ("usd", 0): "$ USD usd US$ dollar dollars dólar dólares dollari доллар доллара долларов 美元 美金 ドル"
        " 달러 डॉलर دولار",
        ("gbp", 0): "£ GBP gbp quid pound pounds sterling 英镑 ポンド",
        ("jpy", 0): "¥ JPY yen 円 日元 엔",
        ("cny", 0): "CNY RMB yuan 元 块 人民币",
        ("krw", 0): "₩ KRW 원",
        ("inr", 0): "₹ INR Rs rs rupee rupees रुपये रुपए रुपया",
        ("rub", 0): "₽ RUB руб рубль рубля рублей р",
        ("chf", 0): "CHF chf franken Fr",
        ("sek", 0): "SEK NOK DKK CZK kr kronor kroner korun Kč",
        ("pln", 0): "PLN zł złotych złote złoty",
        ("try", 0): "TRY TL lira",
        ("cent", 0): "cent cents centimes centavos centesimi ct",
    },
}
# fmt: on

CASED = frozenset("A V W C F В р м г л Fr Go To Mo Ko Pa PS MP".split())  # noqa: SIM905
"""Spellings that are units only as they are written here: "100 A", not "100 a year"."""


def _spellings() -> dict[str, tuple[Unit, ...]]:
    found: dict[str, tuple[Unit, ...]] = {}
    for kind, units in _TABLE.items():
        for (name, factor), words in units.items():
            unit = Unit(kind, name, float(factor))
            for word in dict.fromkeys(words.split()):
                for form in {word, word if word in CASED else word.casefold()}:
                    if unit not in found.get(form, ()):
                        found[form] = (*found.get(form, ()), unit)
    several = {
        "per cent": "%", "pour cent": "%", "por ciento": "%", "por cento": "%", "per cento": "%",
        "square metres": "m²", "square metre": "m²", "square meters": "m²", "metros cuadrados": "m²",
        "mètres carrés": "m²", "metri quadrati": "m²", "квадратных метров": "m²", "square kilometres": "km²",
        "square feet": "sqft", "sq ft": "sqft", "cubic metres": "m³", "cubic meters": "m³",
        "kilometres per hour": "km/h", "kilometers per hour": "km/h", "km per hour": "km/h", "miles per hour": "mph",
        "kilometer pro stunde": "km/h", "kilomètres par heure": "km/h", "kilómetros por hora": "km/h",
        "km в час": "km/h", "километров в час": "km/h", "metres per second": "m/s",
        "degrees celsius": "°C", "degree celsius": "°C", "grad celsius": "°C", "degrés celsius": "°C",
        "grados celsius": "°C", "graus celsius": "°C", "gradi celsius": "°C", "градусов цельсия": "°C",
        "degrees fahrenheit": "°F", "grad fahrenheit": "°F", "degrees c": "°C", "degrees f": "°F", "fl oz": "oz",
        "percentage point": "百分点", "percentage points": "百分点", "percent points": "百分点",
        "points de pourcentage": "百分点", "puntos porcentuales": "百分点", "punti percentuali": "百分点",
        "pontos percentuais": "百分点", "процентных пункта": "百分点", "процентных пунктов": "百分点",
    }  # fmt: skip
    return found | {words: found[one] for words, one in several.items()}


SPELLINGS = _spellings()
"""Spelling -> the units that it may stand for: "pounds" weigh or pay."""
FIRST = frozenset(word.partition(" ")[0] for word in SPELLINGS if " " in word)
"""First words of units that have several."""
STEMS = {
    word[:5]: units for word, units in SPELLINGS.items() if len(word) > 4 and word.isalpha() and not word.isascii()
}
"""Beginning -> units, of long words beyond ASCII, whose ends change with their place in a sentence ("градусах")."""
LONGEST = max(len(word) for word in SPELLINGS if word >= "\u3040")
"""Characters of the longest unit in a script without spaces."""

SCALES = {
    word: scale
    for scale, words in {
        1e3: "k thousand tausend tsd mila тысяч тысячи тыс mil",
        1e4: "万 萬 만",
        1e6: "mn mio million millions millionen millones milhões milioni миллион миллиона миллионов млн",
        1e8: "亿 億 억",
        1e9: "bn billion billions mrd milliarden milliarde milliards milliard miliardi миллиард миллиарда миллиардов"
        " млрд",
    }.items()
    for word in words.split()
}
"""Words between a number and its unit that make it larger."""

SHARES = {
    word: share
    for share, words in {
        50.0: "half hälfte moitié mitad metade metà helft hälften połowa половина половины половину"
        " 一半 半数 半分 절반",
        100 / 3: "drittel tiers tercio terço terzo third треть трети 三分之一",
        25.0: "quarter viertel quart cuarto quarto kwart четверть четверти 四分之一",
        75.0: "three-quarters dreiviertel",
        200.0 / 3: "two-thirds",
    }.items()
    for word in words.split()
}
"""Words that stand for a share, in per cent."""

TIMES = {
    "fortnight": (14.0, "days"), "quinzaine": (14.0, "days"), "half an hour": (30.0, "min"),
    "half-hour": (30.0, "min"), "halbe stunde": (30.0, "min"), "halben stunde": (30.0, "min"),
    "demi-heure": (30.0, "min"), "media hora": (30.0, "min"), "mezz'ora": (30.0, "min"), "полчаса": (30.0, "min"),
    "半小时": (30.0, "min"), "anderthalb stunden": (90.0, "min"), "hour and a half": (90.0, "min"),
    "heure et demie": (90.0, "min"), "half a year": (6.0, "months"), "halbes jahr": (6.0, "months"),
    "半年": (6.0, "months"), "year and a half": (18.0, "months"), "anderthalb jahre": (18.0, "months"),
}  # fmt: skip
"""Words that stand for a time, with what they say in numbers."""

ONES = frozenset(
    """a an one ein eine einen einem einer un une una uno um uma een één один одна одно одного en ett et jeden
    jedna""".split()  # noqa: SIM905
)
"""Words for one, which count only before a unit."""

LABELS = frozenset(
    """version release edition model article item part section chapter page figure table step room line platform bus
    number no nr box lot type size class level grade day gate port option form box building floor row seat track
    modell artikel typ kapitel seite abbildung tabelle schritt raum zimmer linie gleis nummer klasse stufe teil
    modèle chapitre étape salle ligne numéro modelo artículo sección capítulo página paso sala línea número
    versión versione modello articolo capitolo pagina passo stanza linea numero versão seção etapa linha
    wersja rozdział strona numer verze модель версия артикул глава страница шаг номер раздел пункт 第 型号 版本 型番
    """.split()  # noqa: SIM905
)
"""Words before a number that make it a name: "Version 25"."""
