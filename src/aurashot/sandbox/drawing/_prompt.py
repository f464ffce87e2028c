"""Parse prompts, with a table of English and Chinese words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.sandbox.drawing._primitives import Colour

Kind: TypeAlias = Literal["scene", "light", "clothes", "colour", "backdrop", "other", "smile"]

COLOURS: Final[Mapping[str, Colour]] = MappingProxyType(
    {
        "red": (186, 44, 46),
        "orange": (222, 120, 44),
        "yellow": (228, 188, 66),
        "gold": (204, 160, 76),
        "green": (58, 122, 78),
        "teal": (40, 122, 126),
        "blue": (48, 92, 162),
        "navy": (34, 46, 82),
        "purple": (110, 72, 148),
        "pink": (222, 132, 158),
        "brown": (118, 82, 56),
        "beige": (206, 186, 156),
        "black": (38, 38, 44),
        "grey": (126, 130, 138),
        "white": (236, 234, 228),
    }
)

# kind -> meaning -> words; Chinese words need no spaces around them
_VOCABULARY: Final[Mapping[Kind, Mapping[str, str]]] = MappingProxyType(
    {
        "scene": {
            "cafe": "cafe|café|coffee|coffeehouse|restaurant|bistro|bakery|tea house|咖啡|咖啡馆|咖啡厅|餐厅|茶馆",
            "rooftop": "rooftop|rooftop bar|roof|terrace|bar|balcony|天台|屋顶|酒吧|阳台|露台",
            "beach": "beach|sand|island|tropical|sea|ocean|lake|沙滩|海滩|海边|岛|海|大海|海洋|湖",
            "city": "city|street|downtown|tokyo|new york|paris|skyline|cyberpunk|城市|街|街道|都市|上海|东京|北京",
            "forest": "forest|wood|jungle|tree|森林|树林|丛林|树",
            "park": "park|garden|meadow|field|flower|picnic|公园|花园|草地|田野|花",
            "stage": "stage|concert|theater|theatre|spotlight|live show|singing|舞台|演唱会|音乐会|剧场",
            "office": "office|desk|meeting|boardroom|workplace|coworking|办公室|会议|公司",
            "home": "home|room|bedroom|living room|kitchen|sofa|couch|apartment|家|卧室|客厅|厨房|房间",
            "studio": "studio|portrait|headshot|plain|passport|摄影棚|影棚|证件照|肖像",
        },
        "light": {
            "night": "night|midnight|evening|nighttime|neon|moonlight|moonlit|夜|夜晚|晚上|夜里|霓虹|月光",
            "sunset": "sunset|dusk|twilight|sundown|日落|夕阳|黄昏|傍晚|晚霞",
            "golden": "golden hour|warm|afternoon|sunlit|candlelight|cozy|温暖|午后|下午|暖",
            "dawn": "dawn|sunrise|morning|日出|清晨|早晨|早上|黎明",
            "day": "day|daylight|sunny|noon|midday|bright|sunshine|白天|阳光|晴|中午",
            "overcast": "overcast|cloudy|fog|foggy|mist|misty|阴天|多云|雾",
        },
        "clothes": {
            "suit": "suit|tuxedo|blazer|business attire|formal|jacket and tie|西装|正装|礼服|西服",
            "dress": "dress|gown|evening dress|skirt|裙|裙子|连衣裙|晚礼服",
            "hoodie": "hoodie|hooded sweatshirt|sweatshirt|streetwear|tracksuit|卫衣|帽衫|运动服",
            "shirt": "shirt|blouse|button-up|linen|衬衫|衬衣",
            "sweater": "sweater|jumper|pullover|turtleneck|cardigan|毛衣|针织衫|高领",
            "jacket": "jacket|leather jacket|denim|biker|coat|parka|overcoat|夹克|皮衣|牛仔|大衣|外套|羽绒服",
            "casual": "casual|t-shirt|tee|tshirt|outfit|clothes|clothing|休闲|便装|衣服|服装|T恤|t恤",
        },
        "colour": {
            "red": "red|crimson|scarlet|红|红色",
            "orange": "orange|橙|橙色|橘色",
            "yellow": "yellow|黄|黄色",
            "gold": "gold|golden|金|金色",
            "green": "green|emerald|olive|绿|绿色",
            "teal": "teal|turquoise|cyan|青|青色",
            "blue": "blue|azure|蓝|蓝色",
            "navy": "navy|navy blue|藏青|深蓝",
            "purple": "purple|violet|lavender|紫|紫色",
            "pink": "pink|magenta|rose|粉|粉色|粉红",
            "brown": "brown|chocolate|棕|棕色|褐色",
            "beige": "beige|cream|camel|khaki|米色|卡其",
            "black": "black|黑|黑色",
            "grey": "grey|gray|silver|灰|灰色|银色",
            "white": "white|白|白色",
        },
        "backdrop": {"": "background|backdrop|wall|scene|sky|背景|墙|天空"},
        "other": {"": "hair|haired|eye|lip|lipstick|头发|发|眼|唇"},
        "smile": {"": "smile|smiling|happy|laughing|cheerful|joyful|微笑|笑|开心|高兴"},
    }
)
_NEAR: Final = 18  # the most characters between a colour and its noun


@dataclass(frozen=True, slots=True)
class ParsedPrompt:
    """What a prompt asks for; None if it does not mention it."""

    scene: str | None = None
    light: str | None = None
    clothes: str | None = None
    clothes_colour: Colour | None = None
    scene_colour: Colour | None = None
    smiling: bool = False

    @property
    def changes_scene(self) -> bool:
        """Whether the prompt asks for a new background."""
        return self.scene is not None or self.scene_colour is not None

    @property
    def changes_clothes(self) -> bool:
        """Whether the prompt asks for other clothes."""
        return self.clothes is not None or self.clothes_colour is not None


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    kind: Kind
    meaning: str


def parse_prompt(prompt: str) -> ParsedPrompt:
    """Parse a prompt: the first word of each kind counts, and a colour belongs to the noun next to it."""
    words = [
        _Word(match.start(), match.end(), *_meanings()[match["latin"] or match["other"]])
        for match in _pattern().finditer(prompt.lower())
    ]
    first: dict[Kind, str] = {}
    for word in words:
        first.setdefault(word.kind, word.meaning)
    colours: dict[Kind, Colour] = {}
    for word in words:
        if word.kind == "colour":
            colours.setdefault(_described(word, words), COLOURS[word.meaning])
    return ParsedPrompt(
        scene=first.get("scene"),
        light=first.get("light"),
        clothes=first.get("clothes"),
        clothes_colour=colours.get("clothes"),
        scene_colour=colours.get("backdrop"),
        smiling="smile" in first,
    )


def _described(colour: _Word, words: list[_Word]) -> Kind:
    """Return the kind of the noun that a colour describes: the next one if it is near, else the previous one."""
    nouns = [word for word in words if word.kind in {"clothes", "backdrop", "scene", "other"}]
    after = [word for word in nouns if 0 <= word.start - colour.end <= _NEAR]
    before = [word for word in nouns if 0 <= colour.start - word.end <= _NEAR]
    kind: Kind = after[0].kind if after else before[-1].kind if before else "backdrop"
    return "backdrop" if kind == "scene" else kind


@cache
def _meanings() -> Mapping[str, tuple[Kind, str]]:
    """Return each word with its kind and meaning."""
    return MappingProxyType(
        {
            word: (kind, meaning)
            for kind, meanings in _VOCABULARY.items()
            for meaning, words in meanings.items()
            for word in words.lower().split("|")
        }
    )


@cache
def _pattern() -> re.Pattern[str]:
    """Return a pattern that finds the words, longest first: Latin words must be whole, with an optional plural."""
    words = sorted(_meanings(), key=len, reverse=True)
    latin = "|".join(re.escape(word) for word in words if word[0].isascii())
    other = "|".join(re.escape(word) for word in words if not word[0].isascii())
    return re.compile(rf"(?<![a-z])(?P<latin>{latin})(?:e?s)?(?![a-z])|(?P<other>{other})")
