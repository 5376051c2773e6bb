"""Names for groups of texts: the words that set each apart from the others, by c-TF-IDF (Grootendorst 2022).

Our own counting: a group's word counts once for each of its texts, so that one text that says a word often names nothing.
Korean words lose their particles without a tokenizer, by what else the texts say: 은행이 and 은행에서 are 은행, 고양이 stays.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from services.embeddings.numbers.taking_turns import in_turn
from services.embeddings.records import Ints

LOOKED_AT = 2_000
"""Characters of a text from which its words are taken."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_HANGUL = re.compile(r"[가-힣]+")
_SURE = ("에서는", "에서", "에게", "한테", "으로", "까지", "부터", "을", "를", "에", "로")
_DOUBTFUL = (
    "은",
    "는",
    "이",
    "가",
    "에",
    "의",
    "로",
    "와",
    "과",
    "도",
    "만",
    "나",
    "라도",
    "처럼",
    "보다",
    "마다",
    "이나",
)
_PARTICLES = sorted((*_SURE, *_DOUBTFUL), key=len, reverse=True)
_PREDICATES = (
    "니다", "니까", "어요", "아요", "해요", "세요", "네요", "나요", "까요", "지요", "죠", "돼요", "워요", "져요", "예요", "에요",
    "다", "었고", "았고", "했고", "하고", "되고", "지만", "는데", "은데", "니까", "면서", "어서", "아서", "해서", "려고", "하면",
    "으면", "되면", "하게", "하는", "되는", "있는", "없는", "않는", "한다", "했던", "하기", "않고", "없이", "지도", "는지",
)  # fmt: skip
_STOP_KOREAN = """
    그리고 그런데 그러나 하지만 너무 정말 아주 매우 아직 이미 다시 계속 모두 모든 어떤 어떻게 무엇 언제 어디 우리 저희 제가 저는
    나는 내가 것이 것은 것을 있다 없다 같은 같이 대한 대해 위해 때문 때문에 경우 동안 이후 이전 오늘 어제 내일 지금 조금 많이
    가장 더욱 바로 함께 다른 여러 이번 지난 그래서 또는 혹은 역시 있어 없어 있고 없고 한다 된다 하나 매일 항상 자주 약간
    그것 이것 저것 여기 거기 새로 새로운 좋은 통해 따라 대신 정도 전에 때는 때까지 가는 거의 직접 천천히
"""
_STOP_ENGLISH = "like just does did got get say says said really want use used using make makes made"


@in_turn
def name_clusters(texts: Sequence[str], labels: Ints, *, words: int = 4) -> tuple[str, ...]:
    """A name for each cluster from 0 to the highest label, no two alike; texts of label -1 say nothing.

    A cluster without a word of its own is called “Cluster 3”, counted from 1. The names are parts of the texts.
    """
    count = int(labels.max(initial=-1)) + 1
    said = [(int(label), _words(text)) for text, label in zip(texts, labels, strict=True) if label >= 0]
    stem = _stems({word for _, found in said for word in found})
    counted: list[Counter[str]] = [Counter() for _ in range(count)]
    for label, found in said:
        counted[label].update({kept for word in found if (kept := stem(word))})
    everywhere: Counter[str] = Counter()
    for one in counted:
        everywhere.update(one)
    return _unlike([_ranked(one, everywhere, count) for one in counted], words)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text[:LOOKED_AT].lower()))


def _ranked(own: Counter[str], everywhere: Counter[str], clusters: int) -> list[str]:
    """Its words, the most telling first; those of a single text last."""
    average = sum(everywhere.values()) / clusters

    def telling(word: str) -> tuple[bool, float, str]:
        return own[word] < 2, -own[word] * math.log(1 + average / everywhere[word]), word

    return sorted(own, key=telling)


def _unlike(ranked: Sequence[list[str]], words: int) -> tuple[str, ...]:
    """The first words of each; more of them where others have the same, and a number where that is not enough."""
    names: list[str] = []
    for number, own in enumerate(ranked, 1):
        longer = (", ".join(own[:length]) for length in range(min(words, len(own)) or 1, len(own) + 1))
        name = next((name for name in longer if name and name not in names), "")
        beginning = ", ".join(own[:words])
        names.append(name or (f"{beginning} ({number})" if own else f"Cluster {number}"))
    return tuple(names)


def _stems(vocabulary: Iterable[str]) -> Callable[[str], str]:
    """What a word counts as; empty for one that names nothing."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    stop = ENGLISH_STOP_WORDS.union(_STOP_ENGLISH.split(), _STOP_KOREAN.split())
    endings: dict[str, set[str]] = defaultdict(set)
    for word in vocabulary:
        if _HANGUL.fullmatch(word):
            endings[word].add("")
            base, particle = _split(word)
            endings[base].add(particle)

    @cache
    def stem(word: str) -> str:
        if _HANGUL.fullmatch(word):
            found = _korean(word, endings)
            return "" if word in stop or found in stop else found
        bare = re.split("['’]", word)[0]
        negated = bare != word and word.endswith("t")  # don't, isn't: neither of their halves is a word
        return "" if negated or len(bare) < 2 or bare in stop else bare

    return stem


def _korean(word: str, endings: dict[str, set[str]]) -> str:
    """Without its particle, where it surely or by what else is said has one; empty for a predicate, or a syllable."""
    if word.endswith(_PREDICATES):
        return ""
    base, particle = _split(word)
    kept = base if particle and (particle in _SURE or len(endings[base]) > 1) else word
    return kept if len(kept) > 1 else ""


def _split(word: str) -> tuple[str, str]:
    """A Korean word and the longest particle it may end with; whole, where that would leave a syllable."""
    particle = next((particle for particle in _PARTICLES if word.endswith(particle)), "")
    base = word.removesuffix(particle)
    return (base, particle) if particle and len(base) > 1 else (word, "")
