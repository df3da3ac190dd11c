"""Free notes: facts whose every word may be new, and that nothing but their subject leads to.

The shapes of `facts` are a few sentences with one or two open words; a model that knows only
those answers them from habit, and cannot say back what a person told in other ones.  A note is
longer and looser: signs of the weather, who does what, where a thing stands, what is done when.
The question names its subject; the answer is the note, word for word.
"""

from __future__ import annotations

from models.primer import language as lang
from models.primer.draw import Draw
from models.primer.facts import (
    CITIES,
    COLOURS,
    FOODS,
    GARDENS,
    HOURS,
    ON_DAYS,
    PEOPLE,
    PETS,
    PLACES,
    PLURALS,
    THINGS,
    WEEKLY,
    Fact,
    shape,
)

STANDS = (
    *("стоит", "лежит", "висит", "растёт", "спит", "хранится", "прячется", "живёт", "сохнет"),
    *("остался", "нашёлся", "ждёт тебя"),
)
HOW = (
    *("низко", "высоко", "рано", "поздно", "громко", "тихо", "быстро", "сильно", "ярко", "густо"),
    *("часто", "молча", "весь день", "с утра", "под вечер"),
)
DOES = (
    *("летит", "поёт", "пахнет", "гудит", "блестит", "падает", "дымит", "цветёт", "шумит", "лёг"),
    *("прячется", "кричит", "закрыл ход", "ушёл", "светит", "идёт", "сохнет"),
)
FUTURE = ("будет", "жди", "придёт", "значит", "завтра", "скоро", "к вечеру", "осенью будет")
HANDS = (
    *(("водит", "водишь"), ("чинит", "чинишь"), ("рисует", "рисуешь"), ("строит", "строишь")),
    *(("вырезает", "вырезаешь"), ("собирает", "собираешь"), ("продаёт", "продаёшь")),
    *(("изучает", "изучаешь"), ("красит", "красишь"), ("читает", "читаешь"), ("шьёт", "шьёшь")),
    *(("возит", "возишь"), ("печёт", "печёшь"), ("ищет", "ищешь"), ("слушает", "слушаешь")),
)
"""What somebody does with a thing: he, and you."""
READS = (
    *(("читаю", "читаешь"), ("слушаю", "слушаешь"), ("пишу", "пишешь"), ("учу", "учишь")),
    *(("люблю", "любишь"), ("ищу", "ищешь")),
)
ASIDE = ("и", "или", "без", "вместо", "из", "для", "у", "от", "про", "через")
CASES = {
    "и": "accs",
    "или": "accs",
    "но не": "accs",
    "а не": "accs",
    "про": "accs",
    "через": "accs",
}
TELL = ("Скажи про {}.", "Напомни про {}.", "Что ты знаешь про {}?", "Расскажи про {}.", "Про {}?")


def _noun(draw: Draw, common: tuple[str, ...] = THINGS) -> str:
    return draw.choice(common) if draw.chance(0.3) else draw.thing()


def _described(draw: Draw, noun: str, case: str = "nomn") -> str:
    """Return a noun in a case, one time in three with an adjective before it."""
    if draw.chance(0.65):
        return lang.inflect(noun, case)
    adjective = draw.choice(COLOURS) if draw.chance(0.4) else draw.adjective()
    return f"{lang.agreeing(adjective, noun, case)} {lang.inflect(noun, case)}"


def _beside(draw: Draw) -> str:
    """Return a thing after a word that puts it beside another: `и чашку`, `из дерева`."""
    word = draw.choice(ASIDE)
    return f"{word} {_described(draw, _noun(draw), CASES.get(word, 'gent'))}"


def _about(subject: str) -> tuple[str, ...]:
    return tuple(frame.format(subject) for frame in TELL)


@shape
def _sign(draw: Draw) -> Fact:
    subject, comes = _noun(draw), draw.choice(FUTURE)
    accused = lang.inflect(subject, "accs")
    omen = _described(draw, draw.thing())
    seen = draw.choice(
        (
            f"{subject} {draw.choice(DOES)} {draw.choice(HOW)}",
            f"{lang.agreeing(draw.adjective(), subject)} {subject}",
            f"{subject} {draw.choice(('на', 'в'))} {lang.inflect(draw.thing(), 'loct')}",
            f"{draw.choice(HOW)} {draw.choice(DOES)} {subject}",
        )
    )
    said = f"{seen} — {comes} {omen}"
    return Fact(
        "sign",
        f"примета про {accused}",
        said,
        said,
        (f"какая примета про {accused}", f"какую примету я говорил про {accused}"),
        (
            f"Скажи примету про {accused}.",
            f"Напомни примету про {accused}.",
            f"Знаешь примету про {accused}?",
            f"Назови примету про {accused}.",
        ),
        (subject, omen),
    )


@shape
def _stands(draw: Draw) -> Fact:
    thing = draw.choice(PLURALS) if draw.chance(0.15) else _noun(draw)
    where = draw.choice(PLACES) if draw.chance(0.4) else _near(draw)
    verb = draw.choice(("лежат", "висят", "стоят")) if thing in PLURALS else draw.choice(STANDS)
    it = lang.PRONOUNS[lang.gender(thing)]
    accused = lang.inflect(thing, "accs")
    said = f"{thing} {verb} {where}"
    return Fact(
        "stands",
        thing,
        said,
        said,
        (f"где {thing}", f"{thing} где", f"где мне взять {accused}", f"где {verb} {thing}"),
        (f"Не вижу {accused}. Где {it}?", f"Помоги найти {accused}.", *_about(accused)),
        (thing, where),
    )


def _near(draw: Draw) -> str:
    word = draw.choice(("за", "под", "над", "перед", "рядом с", "между дверью и"))
    return f"{word} {_described(draw, draw.thing(), 'ablt')}"


@shape
def _work(draw: Draw) -> Fact:
    who = draw.choice(PEOPLE) if draw.chance(0.6) else draw.being()
    name = f" {draw.nickname()}" if draw.chance(0.3) else ""
    he, _ = draw.choice(HANDS)
    what = _described(draw, _noun(draw), "accs")
    more = f" {_beside(draw)}" if draw.chance(0.4) else ""
    mine, accused = lang.mine(who), lang.mine(who, "accs")
    return Fact(
        "work",
        f"{mine}{name}",
        f"{mine}{name} {he} {what}{more}",
        f"{lang.yours(who)}{name} {he} {what}{more}",
        (f"что делает {mine}{name}", f"чем занят {mine}{name}", f"{mine}{name} что делает"),
        _about(f"{accused}{name}"),
        (f"{who}{name}", what),
    )


@shape
def _doing(draw: Draw) -> Fact:
    when = draw.choice((*WEEKLY, *ON_DAYS, "вечером", "утром", "в выходные", "в отпуске"))
    _, you = draw.choice(HANDS)
    what, more = _described(draw, _noun(draw), "accs"), _beside(draw)
    told = f"{when} я занят: {what} {more}"
    return Fact(
        "doing",
        f"что я делаю {when}",
        told,
        f"{when} ты {you} {what} {more}",
        (f"что я делаю {when}", f"чем я занят {when}", f"{when} я что делаю"),
        (f"Скажи, чем я занят {when}.", f"Напомни, что я делаю {when}."),
        (when, what),
    )


@shape
def _reading(draw: Draw) -> Fact:
    kind = draw.choice(("книга", "песня", "сказка", "повесть", "статья", "картина", "пьеса"))
    i_do, verb = draw.choice(READS)
    about = _described(draw, _noun(draw), "accs")
    accused = lang.inflect(kind, "accs")
    return Fact(
        "reading",
        lang.mine(kind),
        f"моя {kind} про {about}",
        f"ты {verb} {accused} про {about}",
        (f"про что моя {kind}", f"о чём моя {kind}", f"какую {accused} я {i_do}"),
        (f"Напомни, про что моя {kind}.", *_about(lang.mine(kind, "accs"))),
        (kind, about),
    )


@shape
def _called(draw: Draw) -> Fact:
    thing = _noun(draw, (*THINGS, *PETS)) if draw.chance(0.6) else draw.choice(PEOPLE)
    kin = draw.choice(("тётя", "дядя", "баба", "дед"))
    title = f"«{draw.nickname()}»" if draw.chance(0.5) else f"{kin} {draw.nickname()}"
    mine = lang.mine(thing, "accs")
    return Fact(
        "called",
        lang.mine(thing),
        f"{mine} зовут {title}",
        f"{lang.yours(thing, 'accs')} зовут {title}",
        (f"как зовут {mine}", f"{mine} как зовут", f"как называется {lang.mine(thing)}"),
        (f"Напомни, как зовут {mine}.", f"Ты помнишь, как зовут {mine}?"),
        (thing, title),
    )


@shape
def _appointment(draw: Draw) -> Fact:
    who = draw.choice(PEOPLE) if draw.chance(0.4) else draw.being()
    whom = lang.inflect(who, "datv")
    day, hour = draw.choice(ON_DAYS), draw.choice(HOURS)
    return Fact(
        "appointment",
        f"когда мне к {whom}",
        f"к {whom} мне {day} {hour}",
        f"к {whom} тебе {day} {hour}",
        (f"когда мне к {whom}", f"во сколько мне к {whom}", f"к {whom} мне когда"),
        (f"Напомни, когда мне к {whom}.",),
        (who, hour),
    )


@shape
def _lives(draw: Draw) -> Fact:
    who = draw.choice(PEOPLE) if draw.chance(0.6) else draw.being()
    name = f" {draw.nickname()}" if draw.chance(0.5) else ""
    place = f"в {_described(draw, draw.thing(), 'loct')}"
    where = draw.choice(CITIES) if draw.chance(0.3) else place
    more = f" у {lang.inflect(draw.thing(), 'gent')}" if draw.chance(0.5) else ""
    mine = lang.mine(who)
    return Fact(
        "lives",
        f"{mine}{name}",
        f"{mine}{name} живёт {where}{more}",
        f"{lang.yours(who)}{name} живёт {where}{more}",
        (f"где живёт {mine}{name}", f"{mine}{name} где живёт", f"где теперь {mine}{name}"),
        _about(f"{lang.mine(who, 'accs')}{name}"),
        (f"{who}{name}", where),
    )


@shape
def _list(draw: Draw) -> Fact:
    where = draw.choice(GARDENS)
    goods = [_described(draw, _noun(draw)) for _ in range(draw.number(2, 4))]
    verb, ask = draw.choice(
        (("растут", "что растёт"), ("лежат", "что лежит"), ("стоят", "что стоит"))
    )
    said = f"{where} {verb} {', '.join(goods[:-1])} и {goods[-1]}"
    return Fact(
        "list",
        f"{ask} {where}",
        said,
        said,
        (f"{ask} {where}", f"{where} {ask}", f"{ask} у меня {where}"),
        (f"Напомни, {ask} {where}.", f"Перечисли, {ask} {where}."),
        (where, goods[0]),
    )


@shape
def _taste(draw: Draw) -> Fact:
    what = draw.choice((*FOODS, "чай", "кофе", "кисель", "квас"))
    parts = [lang.inflect(_noun(draw, FOODS), "ablt") for _ in range(draw.number(1, 3))]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} и {parts[-1]}"
    accused = lang.inflect(what, "accs")
    meal = draw.choice(("", "", "на завтрак ", "на ужин ", "в дорогу "))
    kind = lang.agreeing("какой", what, "accs")
    verb = draw.choice(("любишь", "ешь", "пьёшь", "берёшь"))
    i_verb = {"любишь": "люблю", "ешь": "ем", "пьёшь": "пью", "берёшь": "беру"}[verb]
    return Fact(
        "taste",
        f"{kind} {accused} я {i_verb}",
        f"{meal}я {i_verb} {accused} с {listed}",
        f"{meal}ты {verb} {accused} с {listed}",
        (f"{kind} {accused} я {i_verb}", f"с чем я {i_verb} {accused}"),
        (f"Скажи, с чем я {i_verb} {accused}.", f"Назови, {kind} {accused} я {i_verb}."),
        (f"{meal}{what}", listed),
    )
