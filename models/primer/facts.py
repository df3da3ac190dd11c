"""Facts of one person's life: how they are told, asked for and answered.

A fact has a *shape* (a pet's name, where a thing lies, a birthday...), a subject and a value.
Subjects and values are common nouns written here or words sampled from the dictionary, so the
shapes become familiar while the words stay open.  The same shapes serve honest ignorance,
memory in the prompt, teaching in a talk, and the user's side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from models.primer import language as lang
from models.primer import world
from models.primer.draw import Draw, word_lists

PEOPLE = lang.words(
    "сестра брат мама папа бабушка дедушка друг подруга сосед соседка дочь сын жена муж тётя "
    "дядя внук внучка учитель врач племянник начальник"
)
PETS = lang.words(
    "собака кошка кот щенок попугай хомяк кролик лошадь коза корова курица черепаха котёнок "
    "ослик петух гусь"
)
THINGS = lang.words(
    "зонт ключ книга чашка шапка рюкзак телефон фонарь нож паспорт билет тетрадь ручка гитара "
    "велосипед лодка палатка удочка лопата молоток кошелёк шарф сумка машина куртка дом лампа "
    "бинокль скрипка письмо одеяло ведро пальто"
)
PLURALS = lang.words("ключи очки перчатки документы лыжи ножницы инструменты сапоги варежки")
PLACES = (
    *("на полке у двери", "под столом", "в синей сумке", "на окне", "за шкафом", "в машине"),
    *("на кухне", "в кармане куртки", "в гараже", "на даче", "в коробке", "в верхнем ящике"),
    *("под кроватью", "в прихожей", "на балконе", "за дверью", "на гвозде у входа", "в сарае"),
)
GARDENS = (
    *("на даче", "в саду", "на грядке", "на балконе", "под окном", "во дворе", "у крыльца"),
    *("в теплице", "у забора"),
)
CROPS = lang.words(
    "укроп лук морковь тыква малина смородина вишня яблоня груша сирень чеснок капуста мята "
    "горох редис перец"
)
CITIES = (
    *("в Омске", "в Казани", "в Москве", "в Перми", "в Самаре", "в Уфе", "в Туле", "в Твери"),
    *("в Пскове", "в Рязани", "в Сочи", "в Томске", "в деревне", "у моря", "в соседнем доме"),
)
COLOURS = lang.words(
    "красный синий зелёный жёлтый белый чёрный серый оранжевый лиловый розовый голубой"
)
DISHES = (
    *(("чай", "с"), ("суп", "с"), ("пирог", "с"), ("салат", "с"), ("варенье", "из")),
    *(("сок", "из"), ("торт", "с"), ("каша", "с"), ("компот", "из"), ("бутерброд", "с")),
)
FOODS = lang.words("рыба каша творог сыр суп мясо хлеб салат омлет овёс капуста картошка")
MEALS = ("завтрак", "обед", "ужин", "полдник")
WORKS = lang.words("песня книга сказка игра картина пьеса опера")
ROUTINES = (
    *(("встаю", "встаёшь"), ("ложусь спать", "ложишься спать"), ("обедаю", "обедаешь")),
    *(("ужинаю", "ужинаешь"), ("завтракаю", "завтракаешь"), ("гуляю", "гуляешь")),
    *(("выхожу из дома", "выходишь из дома"), ("делаю зарядку", "делаешь зарядку")),
    *(("поливаю цветы", "поливаешь цветы"), ("читаю", "читаешь"), ("бегаю", "бегаешь")),
    *(("возвращаюсь домой", "возвращаешься домой"), ("пью чай", "пьёшь чай")),
)
HOBBIES = (
    *(("хожу в баню", "ходишь в баню"), ("ловлю рыбу", "ловишь рыбу")),
    *(("играю в шахматы", "играешь в шахматы"), ("пеку пироги", "печёшь пироги")),
    *(("плаваю в бассейне", "плаваешь в бассейне"), ("рисую", "рисуешь")),
    *(("езжу на дачу", "ездишь на дачу"), ("пою в хоре", "поёшь в хоре")),
    *(("чиню часы", "чинишь часы"), ("смотрю кино", "смотришь кино")),
    *(("убираю дом", "убираешь дом"), ("хожу на рынок", "ходишь на рынок")),
)
WEEKLY = (
    *("по понедельникам", "по вторникам", "по средам", "по четвергам", "по пятницам"),
    *("по субботам", "по воскресеньям", "по вечерам", "по утрам", "летом", "зимой"),
)
HOURS = (
    *("в час", "в два часа", "в три часа", "в четыре часа", "в пять часов", "в шесть часов"),
    *("в семь часов", "в восемь часов", "в девять часов", "в десять часов"),
    *("в одиннадцать часов", "в полдень", "в половине седьмого", "в половине восьмого"),
)
ON_DAYS = (
    *("в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу"),
    *("в воскресенье", "завтра", "послезавтра"),
)
DATES = lang.words(
    "первого второго третьего четвёртого пятого шестого седьмого восьмого девятого десятого "
    "одиннадцатого двенадцатого тринадцатого четырнадцатого пятнадцатого шестнадцатого "
    "семнадцатого восемнадцатого девятнадцатого двадцатого"
)
FRAMES = (
    *("{}?", "{}?", "{}?", "{}?", "Напомни, {}.", "Скажи, {}?", "Подскажи, {}?"),
    *("Ты не знаешь, {}?", "Ты помнишь, {}?", "Забыл, {}. Напомни.", "А {}?", "Ответь, {}?"),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing about one person.

    `statement` is how the person tells it, `answer` how the assistant says it back, both
    without capital and full stop; `clauses` are questions as clauses (`как зовут мою собаку`);
    `requests` are whole sentences that ask for the same; `words` its subject and value.
    """

    shape: str
    topic: str
    statement: str
    answer: str
    clauses: tuple[str, ...]
    requests: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Two facts with the same key would contradict each other."""
        return self.shape, self.words[0]

    @property
    def is_fresh(self) -> bool:
        """Whether a word of it comes from the sampled dictionary words."""
        return any(word.lower() in _sampled() for word in self.words)

    @property
    def sentence(self) -> str:
        """The answer as a sentence."""
        return f"{lang.capital(self.answer)}."

    def question(self, draw: Draw) -> str:
        """Return one way of asking for this fact."""
        if self.requests and draw.chance(0.25):
            return draw.choice(self.requests)
        return lang.capital(draw.choice(FRAMES).format(draw.choice(self.clauses)))


@cache
def _sampled() -> frozenset[str]:
    return frozenset(word for words in word_lists().values() for word in words)


ShapeFunction = Callable[[Draw], Fact]
SHAPES: dict[str, ShapeFunction] = {}


def shape(function: ShapeFunction) -> ShapeFunction:
    SHAPES[function.__name__.strip("_")] = function
    return function


def draw_fact(draw: Draw, shape: str = "") -> Fact:
    """Return a fact of the given shape, or of any."""
    return SHAPES[shape or draw.choice(tuple(SHAPES))](draw)


def draw_facts(draw: Draw, count: int) -> list[Fact]:
    """Return `count` facts that do not contradict each other."""
    facts: dict[tuple[str, str], Fact] = {}
    while len(facts) < count:
        fact = draw_fact(draw)
        facts.setdefault(fact.key, fact)
    return list(facts.values())


def _thing(draw: Draw) -> str:
    return draw.choice(THINGS) if draw.chance(0.4) else draw.thing()


def _being(draw: Draw, common: tuple[str, ...]) -> str:
    return draw.choice(common) if draw.chance(0.6) else draw.being()


def _edible(draw: Draw, common: tuple[str, ...]) -> str:
    return draw.choice(common) if draw.chance(0.3) else draw.thing()


def _somewhere(draw: Draw) -> str:
    if draw.chance(0.5):
        return draw.choice(PLACES)
    return f"{draw.choice(('под', 'за', 'рядом с'))} {lang.inflect(draw.thing(), 'ablt')}"


@shape
def _name(draw: Draw) -> Fact:
    who = _being(draw, PETS + PEOPLE)
    name = draw.choice(world.FIRST_NAMES) if draw.chance(0.3) else draw.nickname()
    whom, whose = lang.mine(who, "accs"), lang.mine(who, "gent")
    return Fact(
        "name",
        lang.mine(who),
        f"{whom} зовут {name}",
        f"{lang.yours(who, 'accs')} зовут {name}",
        (f"как зовут {whom}", f"какое имя у {whose}", f"{whom} как зовут"),
        (f"Назови имя {whose}.", f"Напомни имя {whose}.", f"Скажи имя {whose}."),
        (who, name),
    )


@shape
def _place(draw: Draw) -> Fact:
    thing = draw.choice(PLURALS) if draw.chance(0.2) else _thing(draw)
    kind = lang.gender(thing)
    lies = "лежат" if kind == "plur" else "лежит"
    it, them = lang.PRONOUNS[kind], lang.OBJECT_PRONOUNS[kind]
    where = _somewhere(draw)
    own, own_object = lang.mine(thing), lang.mine(thing, "accs")
    return Fact(
        "place",
        own,
        f"{own} {lies} {where}",
        f"{lang.yours(thing)} {lies} {where}",
        (
            f"где {own}",
            f"{own} где",
            f"где {lies} {own}",
            f"куда я положил {own_object}",
            f"где искать {own_object}",
        ),
        (
            f"Не вижу {own_object}. Где {it}?",
            f"Помоги найти {own_object}.",
            f"Ищу {own_object}. Где {them} взять?",
        ),
        (thing, where.split()[-1]),
    )


@shape
def _birthday(draw: Draw) -> Fact:
    who = _being(draw, PEOPLE)
    date = f"{draw.choice(DATES)} {lang.inflect(draw.choice(world.MONTHS), 'gent')}"
    whose = lang.mine(who, "gent")
    born = "родилась" if lang.gender(who) == "femn" else "родился"
    return Fact(
        "birthday",
        lang.mine(who),
        f"день рождения у {whose} {date}",
        f"день рождения у {lang.yours(who, 'gent')} {date}",
        (
            f"когда день рождения у {whose}",
            f"когда {born} {lang.mine(who)}",
            f"какого числа день рождения у {whose}",
            f"когда поздравлять {lang.mine(who, 'accs')}",
        ),
        (f"Напомни день рождения {whose}.", f"Назови день рождения {whose}."),
        (who, date),
    )


@shape
def _favourite_dish(draw: Draw) -> Fact:
    dish, joint = draw.choice(DISHES)
    filling = draw.thing()
    which = lang.agreeing("какой", dish, "accs")
    own = f"{lang.agreeing('мой', dish)} {lang.agreeing('любимый', dish)}"
    with_what = lang.inflect(filling, "ablt" if joint == "с" else "gent")
    taste = f"{lang.inflect(dish, 'accs')} {joint} {with_what}"
    return Fact(
        "favourite_dish",
        f"{lang.agreeing('любимый', dish)} {dish}",
        f"я люблю {taste}",
        f"ты любишь {taste}",
        (
            f"{which} {lang.inflect(dish, 'accs')} я люблю",
            f"{lang.agreeing('какой', dish)} {own} {dish}",
            f"{which} {lang.inflect(dish, 'accs')} мне приготовить",
        ),
        (f"Назови, {lang.agreeing('какой', dish, 'accs')} {lang.inflect(dish, 'accs')} я люблю.",),
        (dish, filling),
    )


@shape
def _garden(draw: Draw) -> Fact:
    where = draw.choice(GARDENS)
    crops = sorted({_edible(draw, CROPS) for _ in range(draw.number(1, 3))})
    grows = "растёт" if len(crops) == 1 else "растут"
    listed = " и ".join([", ".join(crops[:-1]), crops[-1]]) if crops[1:] else crops[0]
    return Fact(
        "garden",
        f"что растёт {where}",
        f"у меня {where} {grows} {listed}",
        f"у тебя {where} {grows} {listed}",
        (f"что растёт у меня {where}", f"что у меня посажено {where}", f"что я посадил {where}"),
        (f"Расскажи, что растёт {where}.", f"Перечисли, что я посадил {where}."),
        (where, *crops),
    )


@shape
def _colour(draw: Draw) -> Fact:
    thing = _thing(draw)
    colour = lang.agreeing(draw.choice(COLOURS), thing)
    own, whose = lang.mine(thing), lang.mine(thing, "gent")
    return Fact(
        "colour",
        own,
        f"{own} {colour}" if draw.chance(0.5) else f"у меня {colour} {thing}",
        f"{lang.yours(thing)} {colour}",
        (f"какого цвета {own}", f"какой цвет у {whose}"),
        (f"Назови цвет {whose}.", f"Напомни цвет {whose}."),
        (thing, colour),
    )


@shape
def _quality(draw: Draw) -> Fact:
    thing = _thing(draw)
    word = draw.adjective()
    quality = lang.agreeing(word, thing)
    which = lang.agreeing("какой", thing)
    return Fact(
        "quality",
        lang.mine(thing),
        f"у меня {quality} {thing}",
        f"у тебя {quality} {thing}",
        (f"{which} у меня {thing}", f"{which} {lang.mine(thing)}"),
        (f"Расскажи про {lang.mine(thing, 'accs')}.",),
        (thing, word),
    )


@shape
def _routine(draw: Draw) -> Fact:
    i_do, you_do = draw.choice(ROUTINES)
    hour = draw.choice(HOURS)
    return Fact(
        "routine",
        f"когда я {i_do}",
        f"я {i_do} {hour}",
        f"ты {you_do} {hour}",
        (f"во сколько я {i_do}", f"когда я {i_do}", f"в котором часу я {i_do}"),
        (),
        (i_do, hour),
    )


@shape
def _meal(draw: Draw) -> Fact:
    meal = draw.choice(MEALS)
    dish = _edible(draw, FOODS)
    food = lang.inflect(dish, "accs")
    return Fact(
        "meal",
        f"мой {meal}",
        f"на {meal} я ем {food}",
        f"на {meal} ты ешь {food}",
        (f"что я ем на {meal}", f"что мне приготовить на {meal}", f"что у меня на {meal}"),
        (f"Назови мой {meal}.", f"Расскажи про мой {meal}."),
        (meal, dish),
    )


@shape
def _workplace(draw: Draw) -> Fact:
    place = draw.thing()
    where = f"{draw.choice(('в', 'на'))} {lang.inflect(place, 'loct')}"
    if draw.chance(0.3):
        where += draw.choice((" у озера", " за рекой", " в центре", " у вокзала"))
    return Fact(
        "workplace",
        "моя работа",
        f"я работаю {where}",
        f"ты работаешь {where}",
        ("где я работаю", "где моя работа", "где находится моя работа"),
        ("Расскажи про мою работу.", "Назови место моей работы."),
        ("работа", place),
    )


@shape
def _profession(draw: Draw) -> Fact:
    master = draw.being()
    trade = lang.inflect(master, "ablt")
    if draw.chance(0.4):
        return Fact(
            "profession",
            "моя профессия",
            f"я работаю {trade}",
            f"ты работаешь {trade}",
            ("кем я работаю", "какая у меня профессия", "кто я по профессии"),
            ("Назови мою профессию.",),
            ("я", master),
        )
    who = draw.choice(PEOPLE)
    return Fact(
        "profession",
        lang.mine(who),
        f"{lang.mine(who)} работает {trade}",
        f"{lang.yours(who)} работает {trade}",
        (f"кем работает {lang.mine(who)}", f"какая профессия у {lang.mine(who, 'gent')}"),
        (f"Назови профессию {lang.mine(who, 'gent')}.",),
        (who, master),
    )


@shape
def _dwelling(draw: Draw) -> Fact:
    who = _being(draw, PEOPLE)
    where = town = draw.choice(CITIES)
    if draw.chance(0.4):
        town = draw.thing()
        where = f"в {lang.capital(lang.inflect(town, 'loct'))}"
    own = lang.mine(who)
    return Fact(
        "dwelling",
        own,
        f"{own} живёт {where}",
        f"{lang.yours(who)} живёт {where}",
        (f"где живёт {own}", f"в каком городе живёт {own}", f"где сейчас {own}"),
        (f"Напомни, где дом, в котором живёт {own}.",),
        (who, town),
    )


@shape
def _visit(draw: Draw) -> Fact:
    host = _being(draw, ("врач", "мастер", "портной", "адвокат", "сосед"))
    whom = lang.inflect(host, "datv")
    when = draw.choice(ON_DAYS)
    if draw.chance(0.4):
        when += f" {draw.choice(HOURS)}"
    return Fact(
        "visit",
        f"когда я иду к {whom}",
        f"я иду к {whom} {when}",
        f"ты идёшь к {whom} {when}",
        (f"когда я иду к {whom}", f"когда мне идти к {whom}", f"в какой день я иду к {whom}"),
        (f"Когда к {whom}?", f"Напомни, когда к {whom}."),
        (host, when),
    )


@shape
def _feeding(draw: Draw) -> Fact:
    who, dish = _being(draw, PETS), _edible(draw, FOODS)
    food = lang.inflect(dish, "accs")
    own = lang.mine(who)
    return Fact(
        "feeding",
        own,
        f"{own} ест {food}",
        f"{lang.yours(who)} ест {food}",
        (
            f"что ест {own}",
            f"чем питается {own}",
            f"чем кормить {lang.mine(who, 'accs')}",
            f"что давать {lang.mine(who, 'datv')}",
        ),
        (f"Чем мне покормить {lang.mine(who, 'accs')}?",),
        (who, dish),
    )


@shape
def _favourite_work(draw: Draw) -> Fact:
    work, thing = draw.choice(WORKS), draw.thing()
    title = f"«{lang.capital(lang.agreeing(draw.adjective(), thing))} {thing}»"
    if draw.chance(0.4):
        title = f"«{draw.nickname()}»"
    which = lang.agreeing("какой", work)
    return Fact(
        "favourite_work",
        f"моя любимая {work}",
        f"моя любимая {work} — {title}",
        f"твоя любимая {work} — {title}",
        (
            f"{which} моя любимая {work}",
            f"{which} {work} мне нравится",
            f"какую {lang.inflect(work, 'accs')} я люблю",
        ),
        (f"Назови мою любимую {lang.inflect(work, 'accs')}.",),
        (work, thing),
    )


@shape
def _age(draw: Draw) -> Fact:
    who = _being(draw, PEOPLE + PETS)
    years = draw.number(2, 90)
    value = f"{years} {lang.years(years)}"
    return Fact(
        "age",
        lang.mine(who),
        f"{lang.mine(who, 'datv')} {value}",
        f"{lang.yours(who, 'datv')} {value}",
        (f"сколько лет {lang.mine(who, 'datv')}", f"какой возраст у {lang.mine(who, 'gent')}"),
        (f"Назови возраст {lang.mine(who, 'gent')}.",),
        (who, value),
    )


@shape
def _number(draw: Draw) -> Fact:
    thing = _thing(draw)
    value = str(draw.number(10, 9999))
    whose = lang.mine(thing, "gent")
    return Fact(
        "number",
        lang.mine(thing),
        f"номер {whose} {value}",
        f"номер {lang.yours(thing, 'gent')} {value}",
        (f"какой номер у {whose}", f"какой номер {whose}"),
        (f"Назови номер {whose}.", f"Напомни номер {whose}."),
        (thing, value),
    )


@shape
def _gift(draw: Draw) -> Fact:
    who, thing = _being(draw, PEOPLE), _thing(draw)
    gift = lang.inflect(thing, "accs")
    gave = "подарила" if lang.gender(who) == "femn" else "подарил"
    return Fact(
        "gift",
        lang.mine(who),
        f"{lang.mine(who)} {gave} мне {gift}",
        f"{lang.yours(who)} {gave} тебе {gift}",
        (f"что {gave} мне {lang.mine(who)}", f"что мне {gave} {lang.mine(who)}"),
        (f"Назови подарок {lang.mine(who, 'gent')}.",),
        (who, thing),
    )


@shape
def _hobby(draw: Draw) -> Fact:
    when = draw.choice(WEEKLY)
    i_do, you_do = draw.choice(HOBBIES)
    return Fact(
        "hobby",
        f"что я делаю {when}",
        f"{when} я {i_do}",
        f"{when} ты {you_do}",
        (f"что я делаю {when}", f"чем я занимаюсь {when}", f"как я отдыхаю {when}"),
        (),
        (when, i_do),
    )


@shape
def _shopping(draw: Draw) -> Fact:
    goods = sorted({_thing(draw) for _ in range(draw.number(1, 2))})
    listed = " и ".join(lang.inflect(thing, "accs") for thing in goods)
    return Fact(
        "shopping",
        "мои покупки",
        f"мне надо купить {listed}",
        f"тебе надо купить {listed}",
        ("что мне надо купить", "что мне купить", "что я хотел купить"),
        ("Напомни про мои покупки.", "Назови мои покупки."),
        ("покупки", *goods),
    )


@shape
def _dislike(draw: Draw) -> Fact:
    thing = _thing(draw)
    if draw.chance(0.5):
        value = lang.inflect(thing, "accs")
        return Fact(
            "allergy",
            "моя аллергия",
            f"у меня аллергия на {value}",
            f"у тебя аллергия на {value}",
            ("на что у меня аллергия", "что мне нельзя есть"),
            ("Напомни про мою аллергию.",),
            ("аллергия", thing),
        )
    value = lang.inflect(thing, "gent")
    return Fact(
        "fear",
        "мой страх",
        f"я боюсь {value}",
        f"ты боишься {value}",
        ("чего я боюсь", "что меня пугает"),
        ("Назови мой страх.",),
        ("страх", thing),
    )


@shape
def _transport(draw: Draw) -> Fact:
    thing = _thing(draw)
    vehicle = lang.inflect(thing, "loct")
    where = draw.choice(("на работу", "на дачу", "к сестре", "в школу", "в город"))
    return Fact(
        "transport",
        f"на чём я езжу {where}",
        f"я езжу {where} на {vehicle}",
        f"ты ездишь {where} на {vehicle}",
        (f"на чём я езжу {where}", f"как я добираюсь {where}", f"на чём мне ехать {where}"),
        (),
        (where, thing),
    )


@shape
def _trip(draw: Draw) -> Fact:
    month = lang.inflect(draw.choice(world.MONTHS), "loct")
    place = draw.thing()
    where = f"{draw.choice(('в', 'на'))} {lang.inflect(place, 'accs')}"
    return Fact(
        "trip",
        f"моя поездка в {month}",
        f"в {month} я поеду {where}",
        f"в {month} ты поедешь {where}",
        (f"куда я поеду в {month}", f"куда мне ехать в {month}", f"в {month} я куда поеду"),
        (f"Расскажи про мою поездку в {month}.",),
        (month, place),
    )


@shape
def _route(draw: Draw) -> Fact:
    where = draw.choice(("до дома", "до работы", "до дачи", "до вокзала", "до рынка", "до школы"))
    vehicle = draw.choice(("автобусе", "трамвае", "поезде"))
    number = draw.number(1, 99)
    return Fact(
        "route",
        f"моя дорога {where}",
        f"{where} я еду на {vehicle} номер {number}",
        f"{where} ты едешь на {vehicle} номер {number}",
        (f"на каком {vehicle} я еду {where}", f"какой номер {where}", f"как мне доехать {where}"),
        (f"Назови мой номер {where}.",),
        (where, str(number)),
    )


@shape
def _chore(draw: Draw) -> Fact:
    thing = _thing(draw)
    whom = lang.inflect(thing, "accs")
    verb = draw.choice(("поливать", "чистить", "мыть", "проверять", "чинить", "менять"))
    when = draw.choice(WEEKLY)
    return Fact(
        "chore",
        f"когда {verb} {whom}",
        f"{whom} надо {verb} {when}",
        f"{whom} надо {verb} {when}",
        (f"когда {verb} {whom}", f"когда мне {verb} {whom}", f"{whom} когда {verb}"),
        (f"Напомни день, когда надо {verb} {whom}.",),
        (thing, when),
    )
