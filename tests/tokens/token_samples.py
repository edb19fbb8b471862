"""Short texts of our own in many scripts: what the characters-per-token estimate is measured on."""

SAMPLES: dict[str, str] = {
    "english": """Thank you for getting in touch about the parcel that arrived yesterday. The outer box was wet, so we
would like to see two photographs before we decide whether the kettle has to come back to us. If the seal on the inner
carton is still closed, you may keep it for another week and try it once the plug has dried. Please do not use it while
the base is damp. We will send a new one on Monday at the latest, and you will not have to pay for the return.""",
    "english chat": """Hi! Yes, that works for me. Could you call after lunch? I'm in a meeting until two, but I'll have
my phone with me. If it rings and I don't pick up, just leave a message and I'll get back to you. By the way, did Anna
tell you that we've moved? It's the same street, only a few doors down, next to the bakery with the green sign.""",
    "german": """Vielen Dank für Ihre Nachricht zum Paket, das gestern angekommen ist. Der äußere Karton war feucht,
deshalb brauchen wir zwei Fotos, bevor wir entscheiden können, ob der Wasserkocher zurückgeschickt werden muss. Ist das
Siegel der inneren Verpackung noch geschlossen, dürfen Sie das Gerät eine weitere Woche behalten. Bitte benutzen Sie es
nicht, solange der Boden nass ist. Spätestens am Montag schicken wir Ihnen kostenlos ein neues Gerät.""",
    "french": """Merci de nous avoir écrit au sujet du colis arrivé hier. Le carton extérieur était humide, nous
aimerions donc voir deux photos avant de décider si la bouilloire doit nous être renvoyée. Si le scellé intérieur est
encore fermé, vous pouvez la garder une semaine de plus et l'essayer quand la prise sera sèche. Ne l'utilisez pas tant
que le socle est mouillé. Nous vous en enverrons une neuve lundi au plus tard, sans frais de retour.""",
    "spanish": """Gracias por escribirnos sobre el paquete que llegó ayer. La caja exterior estaba mojada, así que nos
gustaría ver dos fotos antes de decidir si el hervidor tiene que volver a nuestro almacén. Si el precinto interior sigue
cerrado, puede quedárselo una semana más y probarlo cuando el enchufe esté seco. No lo utilice mientras la base esté
húmeda. Le enviaremos uno nuevo el lunes a más tardar y no tendrá que pagar la devolución.""",
    "polish": """Dziękujemy za wiadomość w sprawie paczki, która przyszła wczoraj. Zewnętrzny karton był mokry, dlatego
prosimy o dwa zdjęcia, zanim zdecydujemy, czy czajnik trzeba odesłać. Jeśli wewnętrzna plomba jest zamknięta, może go
Pani zatrzymać jeszcze przez tydzień i wypróbować, gdy wtyczka wyschnie. Proszę nie używać go, dopóki podstawa jest
wilgotna. Nowy wyślemy najpóźniej w poniedziałek, a zwrot nic nie kosztuje.""",
    "turkish": """Dün gelen paketle ilgili mesajınız için teşekkür ederiz. Dış kutu ıslanmış, bu yüzden su ısıtıcısının
geri gönderilip gönderilmeyeceğine karar vermeden önce iki fotoğraf görmek istiyoruz. İç mühür hâlâ kapalıysa cihazı bir
hafta daha tutabilir, fiş kuruduktan sonra deneyebilirsiniz. Taban nemliyken lütfen kullanmayın. En geç pazartesi günü
yenisini göndereceğiz ve iade için ücret ödemeyeceksiniz.""",
    "vietnamese": """Cảm ơn bạn đã liên hệ về gói hàng đến hôm qua. Hộp ngoài bị ướt nên chúng tôi muốn xem hai tấm ảnh
trước khi quyết định có cần gửi lại ấm đun nước hay không. Nếu tem bên trong vẫn còn nguyên, bạn có thể giữ thêm một
tuần và dùng thử khi phích cắm đã khô. Xin đừng sử dụng khi đế còn ẩm. Chúng tôi sẽ gửi chiếc mới chậm nhất vào thứ hai
và bạn không phải trả phí hoàn hàng.""",
    "russian": """Спасибо, что написали нам о посылке, которая пришла вчера. Наружная коробка была мокрой, поэтому мы
хотели бы увидеть две фотографии, прежде чем решать, нужно ли возвращать чайник. Если внутренняя пломба цела, вы можете
оставить его ещё на неделю и попробовать, когда вилка высохнет. Пожалуйста, не включайте его, пока подставка влажная.
Новый мы отправим не позднее понедельника, платить за возврат не придётся.""",
    "ukrainian": """Дякуємо, що написали нам про посилку, яка надійшла вчора. Зовнішня коробка була мокрою, тому ми хотіли б
побачити дві фотографії, перш ніж вирішувати, чи треба повертати чайник. Якщо внутрішня пломба ціла, ви можете залишити
його ще на тиждень і спробувати, коли вилка висохне. Будь ласка, не вмикайте його, доки підставка волога. Новий ми
надішлемо не пізніше понеділка, платити за повернення не доведеться.""",
    "greek": """Σας ευχαριστούμε που μας γράψατε για το δέμα που έφτασε χθες. Το εξωτερικό κουτί ήταν βρεγμένο, γι' αυτό θα
θέλαμε να δούμε δύο φωτογραφίες πριν αποφασίσουμε αν ο βραστήρας πρέπει να επιστραφεί. Αν η εσωτερική σφραγίδα είναι
κλειστή, μπορείτε να τον κρατήσετε άλλη μία εβδομάδα και να τον δοκιμάσετε όταν στεγνώσει το φις. Μην τον
χρησιμοποιείτε όσο η βάση είναι υγρή. Θα στείλουμε καινούργιο το αργότερο τη Δευτέρα.""",
    "arabic": """شكرا لأنكم كتبتم إلينا عن الطرد الذي وصل أمس. كانت العلبة الخارجية مبللة، لذلك نود أن نرى صورتين قبل أن نقرر
ما إذا كان يجب إعادة الغلاية إلينا. إذا كان الختم الداخلي لا يزال مغلقا فيمكنكم الاحتفاظ بها أسبوعا آخر وتجربتها بعد
أن يجف القابس. من فضلكم لا تستعملوها ما دامت القاعدة رطبة. سنرسل واحدة جديدة يوم الاثنين على أبعد تقدير ولن تدفعوا
شيئا مقابل الإرجاع.""",
    "hebrew": """תודה שכתבתם לנו על החבילה שהגיעה אתמול. הקופסה החיצונית הייתה רטובה, ולכן נרצה לראות שתי תמונות לפני שנחליט אם
צריך להחזיר אלינו את הקומקום. אם החותם הפנימי עדיין סגור, אפשר לשמור אותו עוד שבוע ולנסות אותו אחרי שהתקע יתייבש. נא לא
להשתמש בו כל עוד הבסיס לח. נשלח אליכם קומקום חדש לכל המאוחר ביום שני, ולא תצטרכו לשלם על ההחזרה.""",
    "hindi": """कल पहुँचे पार्सल के बारे में हमें लिखने के लिए धन्यवाद। बाहर का डिब्बा गीला था, इसलिए हम यह तय करने से पहले दो तस्वीरें
देखना चाहेंगे कि केतली वापस भेजनी होगी या नहीं। अगर अंदर की सील अभी बंद है तो आप उसे एक हफ़्ते और रख सकते हैं और प्लग
सूखने पर आज़मा सकते हैं। जब तक आधार नम है, कृपया उसका उपयोग न करें। हम अधिक से अधिक सोमवार तक नई केतली भेज देंगे।""",
    "thai": """ขอบคุณที่ติดต่อเราเรื่องพัสดุที่มาถึงเมื่อวานนี้ กล่องด้านนอกเปียก เราจึงอยากดูรูปถ่ายสองรูปก่อนตัดสินใจว่าต้องส่งกาต้มน้ำคืนหรือไม่
ถ้าซีลด้านในยังปิดอยู่ คุณเก็บไว้ได้อีกหนึ่งสัปดาห์และลองใช้เมื่อปลั๊กแห้งแล้ว กรุณาอย่าใช้ขณะที่ฐานยังชื้น
เราจะส่งเครื่องใหม่ให้อย่างช้าวันจันทร์ และคุณไม่ต้องจ่ายค่าส่งคืน""",
    "chinese": """感谢您来信说明昨天收到的包裹。外箱已经受潮,所以我们想先看两张照片,再决定是否需要把水壶寄回来。如果里面的封条仍然完好,
您可以再保留一个星期,等插头干了以后试用。底座还潮湿的时候请不要使用。我们最迟在星期一寄出新的水壶,退货的费用不需要您承担。
如果还有其他问题,请随时联系我们的客服人员,我们会尽快回复您。""",
    "japanese": """昨日届いた荷物についてご連絡いただき、ありがとうございます。外箱が濡れていたとのことですので、ケトルを返送していただくかどうか
を決める前に、写真を二枚見せていただけますか。内側のシールがまだ閉じていれば、もう一週間お手元に置いて、プラグが乾いてからお試しください。
台が湿っている間は使わないでください。新しい商品は遅くとも月曜日に発送いたします。返送料はかかりません。""",
    "korean": """어제 도착한 소포에 대해 연락해 주셔서 감사합니다. 바깥 상자가 젖어 있었다고 하시니 주전자를 돌려받아야 할지 결정하기 전에 사진 두
장을 보고 싶습니다. 안쪽 봉인이 아직 닫혀 있다면 일주일 더 가지고 계시다가 플러그가 마른 뒤에 써 보셔도 됩니다. 받침대가 젖어 있는 동안에는
사용하지 마세요. 늦어도 월요일까지 새 제품을 보내 드리며 반품 비용은 받지 않습니다.""",
    "code": '''def overdue(loans, today, *, grace=3):
    """Return the loans whose due date is more than `grace` days ago, oldest first."""
    late = [loan for loan in loans if (today - loan.due).days > grace]
    for loan in sorted(late, key=lambda item: item.due):
        if loan.reader is None:
            continue
        fee = min(loan.book.price, 0.25 * (today - loan.due).days)
        print(f"{loan.reader.name:<20} {loan.book.title[:30]:<30} {fee:>6.2f}")
    return late
''',
    "json": """{"order": {"id": "A-20931", "placed": "2026-03-14", "items": [{"sku": "KTL-100", "name": "Kettle", "count": 1,
"price": 34.90}, {"sku": "CUP-007", "name": "Cup", "count": 4, "price": 6.50}], "ship_to": {"street": "Mill Lane 4",
"city": "Leeds", "zip": "LS1 4AB"}, "gift": false, "note": null}}""",
    "markdown table": """| month | orders | returned | share |
|---|---|---|---|
| January | 1204 | 37 | 3.1 % |
| February | 1188 | 41 | 3.5 % |
| March | 1390 | 29 | 2.1 % |
| April | 1275 | 52 | 4.1 % |
""",
}
