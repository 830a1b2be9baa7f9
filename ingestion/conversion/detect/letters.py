"""Which letters beyond ASCII a language writes, the most frequent first: what tells one code page from another.

The order follows public counts of each language's texts, names and places. Only the rough order matters.
"""

from __future__ import annotations

from ingestion.slotted import slotted


@slotted(frozen=True)
class Language:
    """A language: its letters by frequency, and the share of its letters that are not ASCII.

    ``more`` is the share of letters beyond the listed ones, for scripts with thousands of signs.
    """

    name: str
    letters: str
    share: float
    more: float = 0.0


_LATIN = (
    ("German", "üäößéáè", 0.15),
    ("French", "éèàêçôîâûïëùœüÿæ", 0.15),
    ("Spanish", "óíáéñúüçà", 0.15),
    ("Portuguese", "ãçáéíóêõúâôàü", 0.15),
    ("Italian", "àèéùòìóîç", 0.15),
    ("Dutch", "ëéïèöüçáê", 0.15),
    ("Danish or Norwegian", "øåæéöäüôè", 0.15),
    ("Swedish or Finnish", "äöåéüšž", 0.15),
    ("Icelandic", "ðáíþóöéæúý", 0.2),
    ("Catalan", "àéòóèíçúïü", 0.15),
    ("Polish", "łóąęśżćńźäöüé", 0.15),
    ("Czech", "áíéěšžčřýůúňťďóäöü", 0.2),
    ("Slovak", "áíčšéýžúťľňóôďäŕĺěř", 0.2),
    ("Hungarian", "áéöóőüíúűäç", 0.2),
    ("Romanian", "ăîâșțşţáéöü", 0.15),
    ("Croatian or Slovenian", "čšžćđöüáé", 0.15),
    ("Turkish", "ışüçğöİâîû", 0.2),
    ("Lithuanian", "ėšžųūčįąę", 0.15),
    ("Latvian", "āīēšņūļģķžčõ", 0.2),
    ("Estonian", "äõüöšžé", 0.15),
)
_OTHERS = (
    ("Russian", "оаеинтрслвкдмпуязьыбгчйхжюшцщэфъё", 0.97),
    ("Ukrainian", "оанвиіртесклудмпязьбгйчхцжшюфєїщґ", 0.97),
    ("Bulgarian, Macedonian or Serbian", "аоеинтрсвлкдпмзугъчбщхцжйшяюфьјљњћђџѓќѕ", 0.95),
    ("Belarusian", "анаіыектрулсдмпоязьбгўцчйжшюхфэё", 0.97),
    ("Greek", "αοιετσνρκλπμςίυηάόγέδωήθχύφβώξζψϊϋΐΰ", 0.96),
    ("Hebrew", "יולאהרמבתשנדחקעפםגטסזןצכךףץְִַָּ", 0.95),
    ("Arabic", "اليمنرتوبةعدسفهكحقجأشصطخضىئءذزغثإظآؤًّ", 0.95),
    ("Persian", "اینردمهوتبسشکزفگخقعجحپلصطآضغذئظثژچ", 0.95),
    (
        "Thai",
        "านรกอเงมยลวดทส่ตั้ิีหปบคะพจแใขชไถุูำ์ซผึธโณืศ็ฟษญภฐฉฎฝฏ๊ฮๆฤ",
        0.97,
    ),
)
_WIDE = (
    (
        "Japanese",
        (
            "ーンスルイトのしにを会社アィラリクたはるマドコフでロシュ株式プタいとジが部日本ッかてなレ東京大サ市田有れビグすカ限山ブ区藤さこテ名合同金"
            "パまりメオチミネ年月中"
            "定野川子所事店品番号数量単価請求書売上得意先仕入在庫計小高新西北南電気工業製作県町村目ょっもらくきだけどめよあせうみつわ木林佐井加橋石"
            "伊渡吉松清森岡原島崎斎池前後長谷福岩内外注文納税込別住所郵便話担当者氏名明細備考支払銀行口座期首末残"
        ),
        0.93,
        0.3,
    ),
    (
        "Korean",
        (
            "이니사다유주한회지시자어가수습하식아스비를정호로인은서입제합세요리번영김트에해드의기밀용을일민오코마보바나고전성경는개없력선모도현체구른값"
            "문네크원박온않미터되올안진두신글람야공확장메라발준음상된플재그소조루군변있반페중르예우택화려브할파동타강관래더대션름항템출테숙월으형노날짜"
            "포필레최천종벌들여만부단국적권남센판연간목통양희윤추데당위백열증산업품번량금액거래처계좌명코자재"
        ),
        0.94,
        0.1,
    ),
    (
        "Chinese, simplified",
        (
            "的有公司一不是在人了限中大国上个业产信北京上海市号地名路区技术州工广省电东南子分份股物商品日月年金额数量单价订客户供应商小王李张刘陈杨"
            "黄赵吴周徐孙马朱胡郭何高林"
            "可以为和要我他这用发动出时会行方下成生到作主本学分经过长法理家新里后天实现加都两体制机当使点从部民得二水化通全水合贸易集团县街华建明"
            "科材料仓库销售采购发票合同税率备注编码"
        ),
        0.94,
        0.35,
    ),
    (
        "Chinese, traditional",
        (
            "的有公司限一不是在人中大臺灣台北股份業國上市路區號段街縣高雄新竹名電子工技術產品訂單金額數量價客戶供應商物料東南西分日月年林陳黃張李王"
            "吳劉蔡楊許鄭謝郭洪邱曾廖賴徐周葉蘇莊江呂何羅蕭"
            "可以為和要我他這用發動出時會行方下成生到作主本學經過長法理家里後天實現加都兩體製機當使點從部民得二水化通全合貿易集團華建明科材倉庫銷售"
            "採購票合同稅率備註編碼資訊文個語"
        ),
        0.94,
        0.35,
    ),
)
LATIN = tuple(Language(*told) for told in _LATIN)
OTHERS = tuple(Language(*told) for told in _OTHERS)
HALF_WIDTH = Language("Japanese in half width", "ｲｼﾝﾞｶｰｱｳｷｸﾀﾄﾏﾘﾗﾟｺｻｽｵﾅﾐﾔﾊﾌﾂﾃｹﾉｴﾆﾁﾓﾕﾜﾋﾎﾖﾙﾛﾚﾒﾑｾｿﾇﾈﾍｬｭｮｯｧｨｩｪｫｦ･", 0.95)
WIDE = tuple(Language(*told) for told in _WIDE)
