"""Stock refusals and false names are dropped; honest ignorance and ordinary words stay."""

import re

import pytest

from assets.cleaning import load_policy
from assets.cleaning.refusals import refusal, self_mention
from lake.schemas import Message
from models import stock_phrases

POLICY = load_policy()


@pytest.mark.parametrize(
    "text",
    [
        "Я не могу выполнить этот запрос.",
        "Извините, но как ИИ-ассистент я воздержусь.",
        "Как ИИ, я не испытываю чувств.",
        "Я — языковая модель, обученная отвечать.",
        "Как большая языковая модель, я не имею чувств.",
        "Я не имею личного мнения.",
        "К сожалению, у меня нет доступа к интернету.",
        "Это противоречит моим принципам.",
        "As an AI language model, I have no opinion.",
        "I’m sorry, but I can’t help.",
        "Too many requests in 1 hour. Try again later.",
    ],
)
def test_stock_refusals_are_dropped(text):
    assert refusal(Message("assistant", text), POLICY) == "refusal"


@pytest.mark.parametrize(
    "text",
    [
        "Я — ChatGPT.",
        "Меня зовут Сайга, я помогу.",
        "Я большая модель, созданная компанией OpenAI.",
        "Меня разработала команда Яндекса.",
        "Я всего лишь виртуальный помощник.",
        "I am Vicuna, a language model.",
    ],
)
def test_false_names_are_dropped(text):
    assert self_mention(Message("assistant", text), POLICY) == "self_mention"


@pytest.mark.parametrize(
    "text",
    [
        "Извини, я опоздал.",
        "Я не знаю.",
        "Я этого ещё не знаю. Расскажи мне!",
        "Не могу найти ключи, помоги.",
        "К сожалению, я не могу выполнить этот запрос без более подробной информации.",
        "Не буду ответить, он отвечать не хочет: вопрос сложный.",
        "Извините, ничем не могу помочь: закрыто.",
        "К сожалению, не могу сказать: я этого не видел.",
        "Компьютерная программа считает быстро.",
        "Языковая модель предсказывает следующее слово.",
        "Про ChatGPT и OpenAI пишут в газетах.",
        "ChatGPT создан компанией OpenAI.",
        "Я читал, что ChatGPT обучен на текстах.",
        "Модель Saiga построена на LLaMA.",
        "Как Иисус накормил пять тысяч?",
        "Она выглядит, как модель.",
        "Он сказал sorry и ушёл.",
        "Я виртуальный импотент.",
        "Я ассистент режиссёра.",
    ],
)
def test_ordinary_words_stay(text):
    answer = Message("assistant", text)

    assert [refusal(answer, POLICY), self_mention(answer, POLICY)] == [None, None]


@pytest.mark.parametrize("text", ["Как языковая модель, ты можешь больше?", "Я — ChatGPT!"])
def test_a_persons_own_words_are_no_refusal(text):
    said = Message("user", text)

    assert [refusal(said, POLICY), self_mention(said, POLICY)] == [None, None]


@pytest.mark.parametrize("name", ["refusals.txt", "self_mentions.txt"])
def test_each_line_of_a_list_is_an_expression_of_its_own(name):
    """A missing comma once joined two entries of a well-known list into one that never matched."""
    lines = stock_phrases.phrases(name)

    assert lines
    assert len(set(lines)) == len(lines)
    assert all(line == line.lower().replace("ё", "е") for line in lines)
    assert all(re.compile(line) for line in lines)
