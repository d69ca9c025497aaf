"""Which encoding a text without a mark is in: the one in which it reads most like the language that is written so.

Each candidate decodes the bytes; letters that are frequent where it is used speak for it, signs that nobody writes
there speak against it. On cells of a few words this is right where statistics of long texts
(charset-normalizer) are not.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

SAMPLE = 64 * 1024
"""Bytes that are looked at, of lines that are not ASCII."""
_ALONE = frozenset("²³½¼¾±ºª¿¡¥£¹×")
_SIGNS = frozenset("€§°©®™«»“”„‘’–—…·•№、。，！？：；（）【】「」『』・ー～％＋／　￥×")
_HANZI = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都"
    "同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由"
    "问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真"
    "红色黑白蓝绿黄灰粉紫棕女男童装鞋包裙衣裤连春夏秋冬款季皮革棉麻丝羊毛短袖长袖卫外套衬衫袜帽品牌价格标题商描述图片颜尺码茶杯盘碗壶桌椅灯柜床毯枕表镜链戒环镯伞笔书玩具货号类目主套装搭配潮流"
    "紅藍綠黃紫裝鞋裙褲連東個們這來國時會對發後裡經過現當沒動進樣無與長機將兩間問應戰頭體見產業關點員聲錶價格標題圖顏壺燈盤鏡號類皮衣帽襪品牌商描述名稱"
)
_HANGUL = (
    "이다는가의에을은도고지스리를한로하기사자어아인시정대수나그서있일들나라주보상부전만해비여마조동면과원성구"
    "오선제신장소미공안유치경영연우무피드화트티셔츠가방바빨간파란검은흰색여름남여품명격이지미신발원피스명브랜설"
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    frequent: frozenset[str]
    script: tuple[str, ...]
    """Beginnings of the Unicode names of its letters."""


def _latin(name: str, letters: str) -> _Candidate:
    return _Candidate(name, frozenset(letters), ("LATIN",))


_CANDIDATES = (
    _latin("cp1252", "äöüßÄÖÜéèêëàâáãåçñóòôøæíìîïúùûÉÈÀÁÅÇÑÓØÆÍÚœ"),
    _latin("cp1250", "ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽäôľöüőűŐŰÖÜăâîş"),
    _latin("cp1254", "çğıöşüÇĞİÖŞÜâî"),
    _Candidate("cp1251", frozenset("оеаинтсрвлкмдпуяыьгзбйх"), ("CYRILLIC",)),
    _Candidate("koi8_r", frozenset("оеаинтсрвлкмдпуяыьгзбйх"), ("CYRILLIC",)),
    _Candidate("cp1253", frozenset("αοιετσνηυρπκμλωδγχθφβξζψάέίόήύώς"), ("GREEK",)),
    _Candidate("cp1255", frozenset("אבגדהוזחטיכלמנסעפצקרשתםןךףץ"), ("HEBREW",)),
    _Candidate("cp1256", frozenset("ابتثجحخدذرزسشصضطظعغفقكلمنهويةأإىئؤء"), ("ARABIC",)),
    _Candidate("gb18030", frozenset(_HANZI), ("CJK UNIFIED",)),
    _Candidate("big5", frozenset(_HANZI), ("CJK UNIFIED",)),
    _Candidate("cp932", frozenset(map(chr, range(0x3041, 0x30FB))), ("CJK UNIFIED", "HIRAGANA", "KATAKANA")),
    _Candidate("euc_jp", frozenset(map(chr, range(0x3041, 0x30FB))), ("CJK UNIFIED", "HIRAGANA", "KATAKANA")),
    _Candidate("cp949", frozenset(_HANGUL), ("HANGUL",)),
)


def guess_encoding(lines: bytes) -> str:
    """The most plausible encoding of some lines that are not UTF-8; Windows-1252 where nothing speaks for another."""
    high = b"\n".join(line for line in lines.split(b"\n") if not line.isascii())[:SAMPLE]
    high = high[: high.rfind(b"\n")] if len(high) == SAMPLE and b"\n" in high else high
    scores = [_score(high.decode(one.name, errors="replace"), one) for one in _CANDIDATES]
    best = max(scores)
    return _CANDIDATES[scores.index(best)].name if best > 0 else "cp1252"


def is_nearly_utf8(lines: bytes) -> bool:
    """Whether all but some wrong bytes are UTF-8: at least four letters of several bytes for each wrong byte."""
    text = lines.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    return sum(not sign.isascii() for sign in text) - wrong >= 4 * wrong


def _score(text: str, one: _Candidate) -> float:
    """Mean worth of the signs that are not ASCII: 1 for a frequent letter, below 0 for what nobody writes."""
    total, count = 0.0, 0
    for run in re.finditer(r"[^\x00-\x7f]+", text):
        word, before, after = run[0], text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
        count += len(word)
        total += sum(_worth(sign, one) - (sign in _ALONE and len(word) > 1) for sign in word)
        total -= _oddity(word, before, after, one)
    return total / count if count else 0.0


def _oddity(word: str, before: str, after: str, one: _Candidate) -> float:
    """What speaks against a run of signs by what stands around it."""
    odd = 0.0
    is_latin = one.script == ("LATIN",)
    if is_latin and len(word) > 2:  # three letters with marks in a row are another script
        odd += 1.5 * sum(sign.isalpha() for sign in word)
    if len(one.script) == 1 and one.script[0] in {"CYRILLIC", "GREEK", "HEBREW", "ARABIC"}:
        odd += 2.0 * ((before.isalpha() and word[0].isalpha()) + (after.isalpha() and word[-1].isalpha()))
    if before.isalpha() and not word[0].isalpha() and word[0] not in "’®™…":
        odd += 1
    if after.isalpha() and not word[-1].isalpha() and word[-1] not in "’¿¡«„“‘":
        odd += 1
    if is_latin and (after.isdigit() or before.isdigit()) and word[-1].isalpha():
        odd += 1
    letters = before + word + after
    return odd + sum(a.islower() and b.isupper() for a, b in pairwise(letters))


def _worth(sign: str, one: _Candidate) -> float:
    """What one sign says for a candidate."""
    if sign in one.frequent:
        return 1.0
    if sign in _SIGNS or sign in _ALONE:
        return 0.5
    if sign.lower() in one.frequent:
        return 0.6
    if sign == "\ufffd" or unicodedata.category(sign) in {"Cc", "Cn", "Co"}:
        return -3.0
    return 0.1 + len(one.script) / 10 if unicodedata.name(sign, "").startswith(one.script) else -1.0
