"""Small words and letters of languages, for `prepdata.text.language`. Written for this project by hand.

A word that several languages have counts for each with its share. Order within a line means nothing.
"""

from __future__ import annotations

_LATIN: dict[str, str] = {
    "en": """he per ten end plus man men come size pet due son me am may him it's two three four five six week
        day month year today time people work works the of and to a in is that it for you was on are with as i
        his they be at one have this from or had by but what all were when we there can an your which their said
        if do will each about how up out them then she many some so these would other into has more her like see
        could no make than been its who now did get my over any where after back only our under why don't i'm
        what's you're doesn't can't isn't does should because through while between here also just very much
        most such being well please write give explain list describe name create tell following question answer
        sentence hello thanks thank sorry help need want know find using use without let first show yes not""",
    "de": """zwei drei vier fünf sechs woche tag monat jahr heute uhr zeit jahre funktioniert wurde wurden
        worden sätzen beschreibe fasse welches viel viele etwas mal wann ob also doch ihren stadt wäre der die
        das und ist nicht ein eine zu den von mit sich des auf für im dem dass er sie es an werden aus bei ich
        wir ihr auch als wie noch nach so einen einem einer eines hat haben sind war wird kann können aber oder
        wenn was wer wo warum man mein dein sein ihre ihrem diese dieser dieses durch über unter zwischen nur
        mehr sehr schon zum zur vom beim um gegen ohne bis weil damit dann hier dort gibt bitte danke hallo
        schreibe erkläre nenne mir dir uns ihnen kein keine nein ja welche welcher soll sollte muss müssen
        möchte habe am hätte lautet folgende folgenden heißt guten""",
    "fr": """deux trois quatre cinq six semaine jour mois année aujourd hui heure temps gens décris quels fois
        ai as avons avez ont suis es sommes sera avais faut le la les de des un une et est en que qui dans pour
        pas sur au aux avec ce cette ces il elle ils elles nous vous je tu on ne se sa son ses leur leurs mais
        ou où par plus être avoir fait sont était été comme si tout tous toute même bien peut aussi très sans
        sous entre après avant chez quand comment pourquoi quel quelle quelles qu j n c d l s mon ma mes votre
        vos notre nos merci bonjour oui non donc alors ainsi peux pouvez écris expliquez donnez suivante suivant
        faire veuillez ça cela""",
    "es": """dos tres cuatro cinco seis semana día mes año hoy hora tiempo gente ha han he hemos sido debería
        frases funciona favor pasada pasado días años vez el la los las de del un una unos unas y en que es por
        para con no se su sus lo al como más pero este esta estos estas ese esa eso esto o si ya cuando muy sin
        sobre también me hay donde quien desde todo todos nos durante uno les ni contra otros él ella ellos ante
        algunos qué cuál cuáles cómo dónde cuándo quién porque entre ser son fue era está están tiene tienen
        puede pueden hacer gracias hola sí usted mi tu te le escribe explica cada así siguiente puedo puedes
        quiero tengo estoy""",
    "pt": """dois duas três quatro cinco seis semana dia mês ano hoje hora tempo pessoas foram deve deveria
        frases funciona favor passada passado anos vez à sido tenho sei descreva resuma da seja o a os as de do
        dos das um uma uns umas e em no na nos nas que é por para com não se seu sua seus suas ao aos às como
        mais mas este esta esse essa isso isto ou já quando muito sem sobre também me há onde quem desde todo
        todos pelo pela entre ser são foi era está estão tem têm pode podem fazer obrigado obrigada olá você
        vocês ele ela eles elas nós eu meu minha qual quais porque até depois antes lhe escreva explique
        seguinte sim só então cada quero posso estou""",
    "it": """due tre quattro cinque sei settimana giorno mese anno oggi ora tempo gente stato stata dovrebbe
        frasi funziona favore scorsa scorso anni volta ho hai abbiamo avete descrivi il lo la i gli le di del
        dello della dei degli delle un uno una e è in nel nella nei nelle che non per con su sul sulla si da dal
        dalla come più ma o se anche questo questa questi queste quello quella sono era erano ha hanno può
        possono essere avere fare quando dove chi cosa perché quale quali molto senza tra fra dopo prima io tu
        lui lei noi voi loro mio tuo suo sua suoi grazie ciao sì dell nell all al alla ai alle agli cui ogni
        tutto tutti così scrivi spiega seguente puoi vorrei buongiorno ci ne mi ti vi""",
    "nl": """twee drie vier vijf zes week dag maand jaar vandaag uur tijd mensen zinnen werkt beschrijf heb hebt
        elke iemand weten gaat doen maken de het een en van is in dat op te zijn met voor niet aan er die om als
        ook maar bij uit dan nog naar wat heeft hebben wordt worden kan kunnen zou door over tot je jij u ik hij
        zij ze wij we hun haar mijn jouw deze dit waar wie hoe waarom wanneer omdat geen veel meer al wel werd
        was waren of onder tussen tegen zonder alstublieft dank bedankt hallo ja nee schrijf geef welke moet
        moeten mag zal zullen alle iets onze ons volgende wil graag""",
    "sv": """två tre fyra fem sex vecka dag månad år idag tid människor förra fick meningar beskriv hos varje
        några något någon gör göra borde vilja bli blev och att det som en på är av för med till den har de inte
        om ett han men var jag sig från vi så kan när under också efter eller nu sin där vid mot ska skulle
        kommer ut får finns vara hade alla andra mycket än här då sedan över bara blir vad vem hur varför vilken
        vilket vilka du ni oss mig dig er min din denna detta dessa utan mellan genom tack hej ja nej skriv
        förklara följande måste vill inom många""",
    "da": """to tre fire fem seks uge dag måned år idag tid mennesker beskriv hos hver hvert hvad hvornår gøre
        gør vil gerne når jeg sidste fik mange og at det som en på er af for med til den har de ikke om et han
        men var sig fra vi så kan under også efter eller nu sin hvor ved mod skal ville kommer ud får findes
        være havde alle andre meget end her da siden over bare bliver hvem hvordan hvorfor hvilken hvilket
        hvilke du os mig dig jer min din denne dette disse uden mellem gennem tak hej ja nej skriv forklar
        følgende må blev blevet nogle noget""",
    "no": """to tre fire fem seks uke dag måned år idag tid mennesker beskriv hos hver hvert hva når gjøre gjør
        vil gjerne jeg forrige fikk mange skjer og at det som en på er av for med til den har de ikke om et han
        men var seg fra vi så kan under også etter eller nå sin hvor ved mot skal ville kommer ut får finnes
        være hadde alle andre mye enn her da siden over bare blir hvem hvordan hvorfor hvilken hvilket hvilke du
        oss meg deg dere min din denne dette disse uten mellom gjennom takk hei ja nei skriv forklar følgende må
        ble blitt noen noe fram""",
    "fi": """kaksi kolme neljä viisi kuusi viikko päivä kuukausi vuosi tänään aika ihmiset saimme viime haluan
        kuvaile toimii kuinka milloin aina ja on ei että se oli hän mutta ovat tai kun niin myös kuin sen hänen
        jos mitä mikä missä miten miksi kuka joka jotka ole olla olen olet olemme sitä tämä tämän nämä ne he me
        te minä sinä minun sinun voi voit voin voidaan vain vielä nyt sitten kanssa ennen jälkeen ilman kaikki
        hyvin enemmän kiitos hei kyllä kirjoita selitä anna seuraava mukaan välillä sekä koska vai eivät ollut
        jossa jonka ilmaiseksi""",
    "pl": """dwa trzy cztery pięć sześć tydzień tygodniu dzień miesiąc rok dziś dzisiaj czas ludzie chcę jest bo
        więc opisz działa każdy kiedyś dwóch w i na nie z się do to że o jak za od po ale czy dla co przez tym
        są był była było tego jego jej ich ten ta te tej tych może można tylko już jeszcze tak gdy kiedy gdzie
        kto dlaczego jaki jaka jakie który która które lub oraz przed bardzo bez pod nad między ja ty on ona my
        wy oni mnie cię mi ci nas was proszę dziękuję cześć napisz wyjaśnij podaj jako być mam masz ma mają
        sobie także więcej""",
    "cs": """dva dvě tři čtyři pět šest týden den měsíc rok dnes čas lidé chci které jsme popiš funguje každý
        protože minulý dostali a se v na je že s z do o k i to jako za by ale po si od jsou byl byla bylo pro
        tak jak jeho její jejich ten ta který která nebo když kde kdo proč co jaký jaká jaké už ještě jen může
        mohou při před bez pod nad mezi já ty on ona my vy oni mě tě nám vám prosím děkuji ahoj dobrý napiš
        vysvětli uveď být mám máš má mají také více ve ke ze podle této toto tento není jsem jste""",
    "sk": """dva dve tri štyri päť šesť týždeň deň mesiac rok dnes čas ľudia chcem ktoré sme opíš funguje každý
        pretože lebo minulý dostali hlavné aké a sa v na je že s z do o k i to ako za by ale po si od sú bol
        bola bolo pre tak jeho jej ich ten tá ktorý ktorá alebo keď kde kto prečo čo aký aká už ešte len môže
        môžu pri pred bez pod nad medzi ja ty on ona my vy oni ma ťa nám vám prosím ďakujem ahoj dobrý napíš
        vysvetli uveď byť mám máš má majú tiež viac vo ku zo podľa tejto toto tento nie som ste""",
    "hr": """dva dvije tri četiri pet šest tjedan dan mjesec godina danas vrijeme ljudi želim jer što opiši radi
        svaki koji glavni prošli i u je se na da su za od s a o kao koja koje ili ali iz po do bi sam si smo ste
        biti bio bila bilo ima nema može mogu kako zašto gdje kada tko ovaj ova ovo taj ta to njegov njezin
        njihov vrlo samo već još bez pod nad između prije nakon ja ti on ona mi vi oni molim hvala zdravo napiši
        objasni više također ne li""",
    "ro": """doi două trei patru cinci șase săptămâna zi lună an azi astăzi timp oameni vreau cum fiecare toate
        toți descrie trecută și de la în a pe cu că nu este un o să din mai pentru care ce se au fost sunt era
        ar fi dar sau dacă unde când cine cât această acest acesta aceasta acestea aceste lui ei lor al ale ai
        cea cel cei cele doar foarte fără sub între după înainte prin eu tu el ea noi voi îmi îți vă te mă
        mulțumesc bună salut da scrie explică poate pot avea are am fie spre următoarea""",
    "hu": """kettő két három négy öt hat hét nap hónap év ma idő emberek szeretném kérjük írja működik minden
        mely melyet ebben abban a az és hogy nem is egy ez azt de ha van volt csak meg mint már még el ki be
        vagy mert olyan akkor lehet kell mi mit hol mikor miért hogyan melyik milyen ezt ennek annak ezek azok
        aki ami amely ő ők én te ti nagyon sok több között alatt után előtt nélkül szerint köszönöm szia igen
        kérem írj írd magyarázd legyen lesz vannak voltak nincs való során""",
    "tr": """iki üç dört beş altı hafta gün ay yıl bugün zaman insanlar istiyorum nedir neresidir cümle çalışır
        ilk geçen yapmak ve bir bu da de için ile ne çok daha gibi olarak var en ama o ki kadar sonra mi mı mu
        mü değil olan her ben sen biz siz onlar şu hangi nasıl neden nerede kim kimi kaç yok ya veya ancak ise
        olduğu oldu olur tarafından göre önce arasında üzerinde altında lütfen teşekkürler merhaba evet hayır
        yaz açıkla bana sana ona bize size benim senin onun bizim sizin şey hiç bütün tüm bazı diye eğer çünkü""",
    "vi": """hai ba bốn năm sáu tuần ngày tháng hôm giờ thời gian người muốn mô tả hoạt động mỗi gì là của và có
        không được cho một các trong những với này khi đã để từ cũng về đến như nhưng thì đó ra tôi bạn anh chị
        em nó họ chúng ta ở vào nhiều rất hơn lại còn sẽ đang hay hoặc nếu vì sao nào ai đâu bao nhiêu thế hãy
        viết giải thích cảm ơn xin chào vâng làm phải theo trên dưới giữa sau trước việc nên""",
    "id": """dua tiga empat lima enam minggu hari bulan tahun waktu orang ingin kerja setiap apakah kalimat lalu
        beli sedang adakah yang dan di ini itu dengan untuk tidak dari dalam akan pada juga ke karena tersebut
        bisa ada mereka lebih sudah atau saat oleh sebagai adalah apa kami kita saya anda dia kamu mu nya telah
        dapat menjadi harus hanya seperti jika agar tetapi namun bagi secara antara setelah sebelum siapa
        bagaimana mengapa kapan dimana mana tolong terima kasih halo iya bukan tulis jelaskan berikan sebutkan
        berikut sangat semua banyak tanpa para""",
    "ca": """dos dues tres quatre cinc sis setmana dia mes any avui hora temps gent vull descriu funciona
        passada cada el la els les de del dels un una i en que és per amb no es seu seva al als com més però
        aquest aquesta aquests aquestes o si quan molt sense sobre també hi ha on qui des tot tots què quin
        quina quins quines perquè entre ser són era està estan té tenen pot poden fer gràcies hola sí vostè meu
        meva jo tu ell ella nosaltres escriu explica doncs fins després abans""",
    "tl": """dalawa tatlo apat lima anim linggo araw buwan taon ngayon oras tao ang ng sa na mga ay at ni hindi
        si ko mo niya ka ito iyon para kung ano paano bakit saan kailan sino may mayroon wala din rin lang po
        opo ako ikaw siya kami tayo kayo sila namin natin nila aking iyong kanyang dahil ngunit pero o kapag
        habang upang gusto salamat kumusta isang pang pa""",
}

_OTHER: dict[str, dict[str, str]] = {
    "Cyrillic": {
        "ru": """и в не на что с как это по для от из то но у за к же вы мы я он она они так его её был была
            было быть или если чем при когда где кто почему какой какая какие мне вам нас только ещё уже очень
            может можно есть нет до после пожалуйста спасибо напиши объясни без также чтобы""",
        "uk": """і в не на що з як це по для від із та але у за до ви ми я він вона вони так його її був була
            було бути або якщо ніж при коли де хто чому який яка які мені вам нас тільки ще вже дуже може можна
            є немає після будь ласка дякую напиши поясни без також щоб й""",
        "bg": """и в не на че с как това по за от из то но у към вие ние аз той тя те така него нея беше бяха да
            или ако при кога къде кой защо какъв каква какви ми ви само още вече много може има няма до след
            моля благодаря напиши обясни без също се са е ще който която които""",
        "sr": """и у не на да с као ово по за од из то али к ви ми ја он она они тако његов њен је био била су
            или ако када где ко зашто који која које само још већ врло може има нема до после молим хвала без
            такође се шта како што""",
        "mk": """и во не на дека со како ова по за од то но ние јас тој таа тие така беше се или ако кога каде
            кој зошто која кои само уште веќе многу може има нема до после ве молам благодарам без исто е да ќе
            што""",
        "be": """і ў не на што з як гэта па для ад але у за да вы мы я ён яна яны так яго яе быў была было быць
            або калі дзе хто чаму які якая якія мне вам нас толькі яшчэ ужо вельмі можа ёсць няма пасля дзякуй
            без таксама""",
        "kk": """және бұл мен үшін бір де да не осы ол біз сіз бар жоқ қалай неге қайда кім емес болып керек
            туралы""",
    },
    "Arabic": {
        "ar": """من في على إلى أن هذا هذه التي الذي ما لا مع عن كان كانت هو هي أو إذا كيف لماذا أين متى ماذا هل
            كل بعد قبل بين لكن ثم قد لم لن إن أنا أنت نحن هم شكرا اكتب اشرح يمكن غير""",
        "fa": """و در به از که این را با است برای آن یک خود تا کرد بر هم نیز می شود شد دارد بود چه چرا چگونه کجا
            کی آیا من تو ما شما آنها اما یا اگر همه بعد قبل لطفا بنویس توضیح نمی های کنید""",
        "ur": """کے میں کی ہے اور سے کا کو اس پر نے یہ ہیں وہ ایک نہیں تھا تھی کر بھی لیے کیا کیوں کیسے کہاں کب
            ہو آپ ہم تم جو تو گیا گئی براہ کرم لکھیں""",
        "ps": "او په د چې دا له ته یو کې نه هم څه ولې څنګه چیرته زه تاسو موږ",
        "ku": "و لە بۆ کە ئەم ئەو بە لەگەڵ چی چۆن بۆچی من تۆ ئێمە",
    },
    "Devanagari": {
        "hi": """है में की के का और से को पर यह हैं एक नहीं था थी कि भी लिए क्या क्यों कैसे कहाँ कब आप हम जो तो
            गया गई ने कर या हो वह इस अपने कृपया लिखें लिखिए बताइए करें मैं मुझे है। हैं।""",
        "mr": """आहे आणि मध्ये या च्या ते हे की एक कोणती कोणता कोणते कसा कशी आहेत. नाही होते होता साठी काय का
            कसे कुठे केव्हा तुम्ही आम्ही जे तर ला चे ची चा किंवा आहेत आहे. मी मला कृपया लिहा करा""",
        "ne": """छ र मा को का की लाई छन् यो हो एक छैन थियो पनि लागि के किन कसरी कहाँ कहिले तपाईं हामी जो गर्न वा
            भने छ। हो। म मलाई कृपया लेख्नुहोस्""",
        "sa": "च अस्ति इति न तु एव सः सा तत् किम् कथम् भवति अपि यत्",
    },
}  # fmt: skip

_LETTERS: dict[str, str] = {
    "de": "ßäöü",
    "fr": "éèêëàâçîïôûùœ",
    "es": "ñ¿¡áéíóú",
    "pt": "ãõçáâéêíóôú",
    "it": "èàìòùé",
    "sv": "åäö",
    "da": "æøå",
    "no": "æøå",
    "fi": "äö",
    "pl": "łąęśźżńćó",
    "cs": "řěůšžčýáíé",
    "sk": "ľĺŕôäťďňšžčýáíé",
    "hr": "đšžčć",
    "ro": "șțăâîşţ",
    "hu": "őűáéíóöúü",
    "tr": "ğışçöü",
    "vi": "ơưđăâêôạảấầẩậắằẳặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "ca": "·àèéíòóúçï",
    "nl": "ëï",
}


ONE = 1000
"""Weight of a word that one language has for itself. Weights are whole numbers, so that no order of adding matters."""


def _owners(words: dict[str, str]) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return for each word its languages, each with a weight: `ONE` for a word of one language, less for shared."""
    found: dict[str, list[str]] = {}
    for language, text in words.items():
        for word in set(text.split()):
            found.setdefault(word, []).append(language)
    return {word: tuple((name, _weight(word, len(names))) for name in names) for word, names in found.items()}


_IN_NAMES = frozenset({"los", "las", "san", "del", "la"})
"""Words that names of places have in any language."""


def _weight(word: str, languages: int) -> int:
    weak = word in _IN_NAMES or (len(word) == 1 and word.isascii())
    share = 0.4 if weak else 1.0
    return int(ONE * share / languages**0.7 + 0.5)


OWNERS = _owners(_LATIN)
"""Small word in Latin letters -> its languages and weights."""

OWNERS_OTHER = {name: _owners(words) for name, words in _OTHER.items()}
"""Script -> small word -> its languages and weights."""

_ENDINGS: dict[str, str] = {
    "en": "ing ght ted ful ess",
    "de": "ung hen ich sch ert tät eit ßen cht",
    "fr": "que eux ais ait eur tte ées oir aux",
    "es": "ión ció dad ado ida ndo les nes ble ías",
    "pt": "ção ões ade nha ura ndo eis ado gem ável",
    "it": "one tto gli zza ità tti are ere chi",
    "nl": "ijk eid gen ijf tje aan ing den aar",
    "sv": "rna ade het ens tet gar ter",
    "da": "ede hed ens tet ger ter sel",
    "no": "ede ene het ens tet ger ter sjon",
    "fi": "sta ssa lla ksi een aan lle iin nen tta",
    "pl": "ego ych ość nie wie cji ymi ają",
    "cs": "ého ých ost ení ost ému ová ích",
    "sk": "ého ých osť nie iam ová ých",
    "hr": "ije nje ost cij ima iti ati ila",
    "ro": "rea ții ile ului lor ări eze ează",
    "hu": "nak nek ban ben tól ról hoz val vel ság ség ott unk",
    "tr": "lar ler dan den yor mak mek nın nin dır dir",
    "id": "kan nya ang ung han aan",
    "ca": "ció tat eix ats ent nys",
}

ENDINGS: dict[str, tuple[tuple[str, int], ...]] = {}
"""Last three letters of longer words -> languages, with weights; asked only where the small words do not decide."""
for _ending in sorted(set(" ".join(_ENDINGS.values()).split())):
    _names = [name for name, own in _ENDINGS.items() if _ending in own.split()]
    ENDINGS[_ending] = tuple((name, round(0.4 * ONE / len(_names))) for name in _names)

LETTERS = {
    char: tuple(
        (name, round(0.7 * ONE / sum(char in own for own in _LETTERS.values())))
        for name, own in _LETTERS.items()
        if char in own
    )
    for char in sorted(set("".join(_LETTERS.values())))
}
"""Letter beyond ASCII -> languages that use it much, with weights."""

_CODE = """from where and or not in is as on by for if else while with import class this do all any each of to case when
    then select set use using get let const show create find name list into has"""
CODE_WORDS = frozenset(_CODE.split())
"""English words that programming languages use too."""

ENGLISH_ONLY = frozenset(w for w, owners in OWNERS.items() if owners[0][0] == "en" and len(owners) == 1) - CODE_WORDS
FOREIGN_ONLY = frozenset(w for w, owners in OWNERS.items() if len(w) > 1 and all(name != "en" for name, _ in owners))
