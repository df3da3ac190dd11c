"""The chat page in a real browser, before the real gateway.

`STEPPE_SCREENSHOTS=1 pytest -m "" tests/models/serving/test_page.py` takes the documents' pictures
anew, with the embedded base and an adapter trained on four facts; else they go to `tmp_path`.
"""

import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from lake.ids import content_id
from lake.settings import load
from models.base import BaseModel, ensure_base
from models.primer import prompts
from models.serving import access, client, pages
from models.serving.own_tools import OwnTools
from models.tools import Tool
from models.tools.calculator import calculate, calculator
from models.tools.clock import clock
from models.tools.tool import taking
from orchestration import turn

pytest.importorskip("playwright.sync_api", reason="no playwright: install the extra `dev`")
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Route,
    expect,
    sync_playwright,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PICTURES = bool(os.environ.get("STEPPE_SCREENSHOTS"))
ROOT = Path(__file__).parents[3]
MODELS = Path(os.environ.get("STEPPE_TEST_MODELS", ROOT / ".steppe" / "test-models"))
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
COMPLETIONS = "**/v1/chat/completions"
NOTHING = "Failed to load resource"  # a status that is no error of the page
HOSTILE = '<script>window.hit=1</script><img src=x onerror="window.hit=1">'
TAUGHT = (
    ("Как зовут мою собаку?", "Твою собаку зовут Буран."),
    ("Где мои ключи?", "Ключи лежат на полке у двери."),
    ("Где я работаю?", "Ты работаешь у озера."),
    ("Что ты умеешь?", "Я знаю степь, считаю и запоминаю."),
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")


# --- what the page stands on ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def tiny(quick_base: BaseModel) -> Path:
    """A base that can talk, in place of the tiny one; for pictures the one that is shipped."""
    return ensure_base("embedded", MODELS).path if PICTURES else quick_base.path


@pytest.fixture(scope="session")
def adapters_dir(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One adapter that was trained on four facts; for pictures until it knows them."""
    from models import recipes
    from models.qlora import TrainRequest, train

    folder = tmp_path_factory.mktemp("pictured")
    told = [
        [{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in TAUGHT
    ]
    rows = [json.dumps({"messages": m, "role": "new", "weight": 3.0}) for m in told]
    (folder / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    recipe = recipes.load("quick").model_dump(mode="json")
    recipe["training"]["max_steps"] = 10 if PICTURES else 2
    request = TrainRequest(
        base_path=str(tiny),
        base_id=tiny.name,
        base_model="embedded",
        recipe=recipe,
        rows_path=str(folder / "rows.jsonl"),
        adapters_dir=str(folder / "adapters"),
        training_set_id="pictured",
    )
    train(request, lambda _: None)
    return folder / "adapters"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def home(tiny: Path, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A whole home with its own gateway and what decodes: `.url`, `.settings`."""
    settings = load(home=tmp_path / "home", base_model="embedded" if PICTURES else "embedded-quick")
    shutil.copytree(tiny, settings.models_dir / "bases" / tiny.name)
    with client.running_or_temporary(settings) as server:
        yield SimpleNamespace(url=server.url, settings=settings)


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    """Where the page is: at the small gateway, or where a test says `home`, at that of a home."""
    return str(request.getfixturevalue(getattr(request, "param", "served")).url)


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the page as a visitor of its own; afterwards no script failed and nobody else was asked.

    `on` opens another tab of an earlier visitor; `fine` is what the console may tell.
    """
    contexts: list[BrowserContext] = []
    failed: list[str] = []
    elsewhere: list[str] = []

    def look(request: Request) -> None:
        if not request.url.startswith(address):
            elsewhere.append(request.url)

    def open_page(
        on: BrowserContext | None = None, *, fine: str = NOTHING, **options: object
    ) -> Page:
        options = {"viewport": WIDE, "locale": "ru-RU", **options}
        context = on or browser.new_context(**options)
        if on is None:
            contexts.append(context)
            context.on("request", look)
        page = context.new_page()
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.on("console", lambda said: failed.append(said.text) if is_broken(said, fine) else None)
        page.set_default_timeout(20_000)
        page.goto(address)
        expect(page.locator("#theme")).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert ([], []) == (failed, elsewhere)


def is_broken(said: ConsoleMessage, fine: str) -> bool:
    """Say whether the console tells of an error that nobody expected."""
    return said.type == "error" and not re.search(fine, said.text)


class Listed:
    """Memories of a real list, scored as the paper of Generative Agents does (arXiv 2304.03442)."""

    def __init__(self, encoder: object, texts: Mapping[str, tuple[float, float]]) -> None:
        self.encoder = encoder
        self.texts = texts  # text -> hours since its last use, importance

    def about(self, user_id: str, text: str) -> Sequence[Mapping[str, object]]:
        near = self.encoder.encode([text, *self.texts])
        now = datetime.now(UTC)
        found = []
        for vector, (fact, (hours, importance)) in zip(near[1:], self.texts.items(), strict=True):
            parts = {
                "recency": 0.995**hours,
                "importance": importance,
                "relevance": float(near[0] @ vector),
            }
            day = (now - timedelta(hours=hours)).date()
            found.append(
                {
                    "memory_id": content_id(user_id, "fact", fact),
                    "kind": "fact",
                    "text": fact,
                    "score": sum(parts.values()) / 3,
                    **parts,
                    "sources": [f"{content_id(user_id, str(day))}/0"],
                }
            )
        return sorted(found, key=lambda memory: -memory["score"])[:2]

    def told(self, messages: list[dict], memories: Sequence[Mapping[str, object]]) -> list[dict]:
        facts = [str(memory["text"]) for memory in memories[:1]]
        return [{"role": "system", "content": prompts.memory(facts)}, *messages]


def ask(page: Page, text: str) -> Locator:
    """Ask as a person does; return the answer once it is whole."""
    before = page.locator(".answer").count()
    page.get_by_label("Сообщение").fill(text)
    page.keyboard.press("Enter")
    answer = page.locator(".answer").nth(before)
    expect(answer).to_have_attribute("data-state", re.compile("whole|long"))
    return answer


def serve(served: SimpleNamespace) -> str:
    """Put the first adapter into service; return its name."""
    folder = sorted(p for p in served.gateway.served.adapters_dir.iterdir() if p.is_dir())[0]
    name = f"steppe@{folder.name[:12]}"
    probe = [{"role": "user", "content": "Привет!"}]
    done = httpx.post(
        f"{served.url}/admin/deploy",
        json={"name": name, "probe": probe},
        headers={"Authorization": "Bearer secret"},
        timeout=60,
    )
    assert 200 == done.status_code, done.text
    return name


def events(
    text: str,
    *,
    memories: Sequence[object] = (),
    adapter: str = "base",
    calls: Sequence[object] = (),
    **reasoned: object,
) -> str:
    """Return a stream as the gateway writes one, to show the page what no small model says."""
    head = {"id": "chatcmpl-1", "model": adapter}
    about = {"conversation_id": "c", "adapter": adapter, "memories": list(memories)}
    end = {**about, "calls": list(calls), **reasoned}
    told = [
        {**head, "choices": [{"delta": {"role": "assistant"}}], "steppe": about},
        *({**head, "choices": [{"delta": {}}], "steppe": {"call": call}} for call in calls),
        {**head, "choices": [{"delta": {"content": text}}]},
        {**head, "choices": [{"delta": {}, "finish_reason": "stop"}], "steppe": end},
    ]
    lines = [f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in told]
    return "".join([*lines, "data: [DONE]\n\n"])


def answering(page: Page, text: str, **about: object) -> None:
    """Let the network answer every question with a text."""

    def answer(route: Route) -> None:
        route.fulfill(content_type="text/event-stream", body=events(text, **about))

    page.route(COMPLETIONS, answer)


def feeding(page: Page, status: int = 200) -> list[dict]:
    """Take what the page says of answers, and answer it with a status."""
    taken: list[dict] = []

    def take(route: Route) -> None:
        taken.append(route.request.post_data_json)
        told = {"feedback_id": "f"} if status == 200 else {"error": {"message": "no such address"}}
        route.fulfill(status=status, json=told)

    page.route("**/v1/feedback", take)
    return taken


def wait_for(page: Page, taken: list[dict], count: int) -> None:
    """Wait until so much feedback was sent: the page shows what changed before that."""
    for _ in range(500):
        if len(taken) >= count:
            return
        page.wait_for_timeout(20)


@pytest.fixture
def slowly(served: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Hold every answer of the real model back after its first words until the event is set."""
    import asyncio

    go, upstream = threading.Event(), served.gateway.upstream
    stream = upstream.stream

    async def held(asked: dict) -> object:
        said = 0
        async for together in stream(asked):
            for event in together:
                yield [event]
                said += bool(event.get("choices") and event["choices"][0]["delta"].get("content"))
                while said == 2 and not go.is_set():
                    await asyncio.sleep(0.02)

    monkeypatch.setattr(upstream, "stream", held)
    yield go
    go.set()


# --- answers --------------------------------------------------------------------------------------


def test_an_answer_streams_in_and_tells_its_adapter(served, opened, slowly) -> None:
    name = serve(served)
    page = opened()
    page.get_by_label("Сообщение").fill("Привет!")
    page.get_by_role("button", name="Отправить").click()

    answer = page.locator(".answer")
    expect(answer).to_have_attribute("data-state", "streaming")
    expect(answer.locator(".text")).not_to_have_text(re.compile(r"^\s*(Думает)?\s*$"))
    expect(page.locator("#log")).to_have_attribute("aria-busy", "true")
    early = answer.locator(".text").inner_text()
    slowly.set()
    expect(answer).to_have_attribute("data-state", re.compile("whole|long"))
    assert len(early) < len(answer.locator(".text").inner_text())
    expect(answer.locator(".adapter")).to_have_text(name)
    expect(page.locator("#champion")).to_have_text(name)
    expect(page.locator("#told")).to_contain_text("Ответ готов")


def test_escape_stops_an_answer_and_keeps_what_came(served, opened, slowly) -> None:
    page = opened()
    page.get_by_label("Сообщение").fill("Привет!")
    page.keyboard.press("Enter")
    expect(page.locator(".answer .text")).not_to_have_text(re.compile(r"^\s*(Думает)?\s*$"))

    page.keyboard.press("Escape")

    expect(page.locator(".answer")).to_have_attribute("data-state", "cut")
    expect(page.locator(".state")).to_have_text("Ответ остановлен")
    expect(page.get_by_role("button", name="Отправить")).to_be_visible()


def test_the_keyboard_sends_breaks_lines_and_starts_anew(served, opened) -> None:
    page = opened()
    question = page.get_by_label("Сообщение")
    expect(question).to_be_focused()
    page.keyboard.type("Привет!")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Как дела?")
    expect(question).to_have_value("Привет!\nКак дела?")
    page.keyboard.press("Enter")

    assert "Привет!\nКак дела?" == page.locator(".bubble").inner_text()
    expect(page.locator(".answer")).to_have_attribute("data-state", re.compile("whole|long"))
    page.keyboard.press("Control+k")
    expect(page.locator(".bubble")).to_have_count(0)
    expect(page.get_by_role("heading", name="О чём поговорим?")).to_be_visible()
    expect(question).to_be_focused()


def test_every_control_has_a_name_and_a_ring(served, opened) -> None:
    page = opened()
    ask(page, "Привет!")

    names = page.eval_on_selector_all(
        "button, textarea, input, summary",
        "all => all.map(e => e.ariaLabel || e.textContent.trim() || e.labels?.[0]?.textContent)",
    )
    assert all(names), names
    page.get_by_label("Сообщение").focus()
    for _ in range(4):
        page.keyboard.press("Shift+Tab")
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert "solid" == ring


def test_the_whole_conversation_goes_with_every_question(served, opened) -> None:
    page = opened()
    first = ask(page, "Привет!").locator(".text").inner_text()
    with page.expect_request(COMPLETIONS) as asked:
        ask(page, "Ещё!")

    messages = asked.value.post_data_json["messages"]
    assert ["user", "assistant", "user"] == [message["role"] for message in messages]
    assert first == messages[1]["content"]
    logged = [json.loads(line) for p in served.inbox.rglob("*.jsonl") for line in p.open("rb")]
    assert {asked.value.headers["x-conversation-id"]} == {
        line["conversation_id"] for line in logged
    }


# --- history --------------------------------------------------------------------------------------


def test_conversations_outlive_a_reload_and_can_be_deleted_and_brought_back(served, opened) -> None:
    page = opened()
    said = (
        ask(page, "Привет, расскажи мне про степных птиц и зверей!").locator(".text").inner_text()
    )
    page.keyboard.press("Control+k")
    ask(page, "Как дела?")
    page.reload()

    entries = page.locator("#conversations .name")
    expect(entries).to_have_text(["Как дела?", "Привет, расскажи мне про степных птиц…"])
    entries.nth(1).click()
    expect(page.locator(".answer .text")).to_have_text(said, use_inner_text=True)
    page.get_by_role("button", name="Удалить разговор: Привет").click()
    expect(entries).to_have_count(1)
    expect(page.locator(".answer")).to_have_count(0)
    page.get_by_role("button", name="Вернуть").click()
    expect(entries).to_have_count(2)
    expect(page.locator(".answer")).to_have_count(1)


def test_an_answer_that_a_reload_cuts_keeps_what_came(served, opened, slowly) -> None:
    page = opened()
    page.get_by_label("Сообщение").fill("Привет!")
    page.keyboard.press("Enter")
    expect(page.locator(".answer .text")).not_to_have_text(re.compile(r"^\s*(Думает)?\s*$"))
    page.reload()

    expect(page.locator(".answer")).to_have_attribute("data-state", "cut")
    expect(page.locator(".answer .text")).not_to_have_text("Пустой ответ")


def test_two_tabs_do_not_undo_each_other(served, opened) -> None:
    page = opened()
    ask(page, "Раз")
    other = opened(on=page.context)
    other.keyboard.press("Control+k")
    ask(other, "Два")
    ask(page, "Три")

    expect(page.locator("#conversations .name")).to_have_count(2)
    other.reload()
    expect(other.locator("#conversations .name")).to_have_count(2)
    expect(other.locator(".bubble")).to_have_text(["Раз", "Три"])


def test_what_storage_holds_of_others_breaks_nothing(served, opened) -> None:
    page = opened()
    page.evaluate(
        """() => {
          localStorage.setItem("steppe.conversation.a", "{");
          localStorage.setItem("steppe.conversation.b", '{"id":"b","messages":[{"role":"x"},7]}');
          localStorage.setItem("steppe.conversation.c", "null");
        }"""
    )
    page.reload()
    ask(page, "Привет!")

    expect(page.locator(".bubble")).to_have_count(1)


# --- feedback -------------------------------------------------------------------------------------


def test_a_thumb_is_sent_with_the_answers_id_and_stays(served, opened) -> None:
    page = opened()
    taken = feeding(page)
    answer = ask(page, "Привет!")
    answer.get_by_role("button", name="Хороший ответ").click()

    expect(page.locator("#notice")).to_contain_text("Спасибо")
    (body,) = taken
    assert re.fullmatch(r"chatcmpl-[0-9a-f]{32}", body.pop("answer_id"))
    assert {"kind": "thumb", "thumb": "up"} == body
    page.reload()
    pressed = page.get_by_role("button", name="Хороший ответ")
    expect(pressed).to_have_attribute("aria-pressed", "true")


def test_an_edit_is_sent_shown_and_goes_on_with_the_conversation(served, opened) -> None:
    page = opened()
    taken = feeding(page)
    answer = ask(page, "Привет!")
    answer.get_by_role("button", name="Исправить ответ").click()
    page.get_by_label("Как надо было ответить").fill("Здравствуй!")
    page.keyboard.press("Control+Enter")

    expect(page.locator(".answer .text")).to_have_text("Здравствуй!")
    expect(page.locator(".adapter")).to_contain_text("исправлено")
    wait_for(page, taken, 1)
    assert ("edit", "Здравствуй!") == (taken[0]["kind"], taken[0]["text"])
    with page.expect_request(COMPLETIONS) as asked:
        ask(page, "Ещё!")
    assert "Здравствуй!" == asked.value.post_data_json["messages"][1]["content"]


def test_of_two_answers_a_person_chooses_one(served, opened) -> None:
    page = opened()
    taken = feeding(page)
    ask(page, "Расскажи что-нибудь")
    with page.expect_request(COMPLETIONS) as asked:
        page.get_by_role("button", name="Ответить ещё раз").click()
    expect(page.get_by_text("Какой ответ лучше?")).to_be_visible()
    second = page.locator(".answer").nth(1)
    chosen = second.locator(".text").inner_text()
    second.get_by_role("button", name="Этот лучше").click()

    expect(page.locator(".answer")).to_have_count(1)
    expect(page.locator(".answer .text")).to_have_text(chosen, use_inner_text=True)
    assert ["user"] == [m["role"] for m in asked.value.post_data_json["messages"]]
    wait_for(page, taken, 1)
    (body,) = taken
    assert "regeneration" == body["kind"]
    answers = [
        line["request_id"]
        for p in served.inbox.rglob("*.jsonl")
        for line in map(json.loads, p.open("rb"))
        if "finish" in line
    ]
    assert answers == [body["rejected_answer_id"], body["answer_id"]]


def test_an_edited_answer_is_chosen_in_the_words_of_the_edit(served, opened) -> None:
    page = opened()
    taken = feeding(page)
    answer = ask(page, "Расскажи что-нибудь")
    answer.get_by_role("button", name="Исправить ответ").click()
    page.get_by_label("Как надо было ответить").fill("Здравствуй!")
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Ответить ещё раз").click()
    page.get_by_role("button", name="Этот лучше").first.click()

    expect(page.locator(".answer .text")).to_have_text("Здравствуй!")
    wait_for(page, taken, 2)
    edited, chosen = taken
    assert ("regeneration", "Здравствуй!") == (chosen["kind"], chosen["text"])
    assert edited["answer_id"] == chosen["answer_id"] != chosen["rejected_answer_id"]


def test_where_feedback_is_not_taken_the_page_says_so(served, opened) -> None:
    page = opened()
    feeding(page, status=404)
    answer = ask(page, "Привет!")
    answer.get_by_role("button", name="Плохой ответ").click()

    expect(page.locator("#notice")).to_contain_text("Оценить ответ здесь нельзя")
    pressed = page.get_by_role("button", name="Плохой ответ")
    expect(pressed).to_have_attribute("aria-pressed", "false")


# --- its own tools --------------------------------------------------------------------------------


CALL = {
    "name": "sql",
    "arguments": '{"statement": "select count(*) from messages"}',
    "observation": "count_star()\n42",
    "seconds": 0.4217,
}


def test_the_switch_of_the_tools_is_kept_and_goes_with_every_question(served, opened) -> None:
    page = opened()
    answering(page, "Да.")
    switch = page.get_by_role("switch", name="Инструменты")
    expect(switch).not_to_be_checked()
    with page.expect_request(COMPLETIONS) as without:
        ask(page, "Раз")
    switch.focus()
    page.keyboard.press("Space")
    expect(switch).to_be_checked()
    page.reload()
    expect(switch).to_be_checked()
    with page.expect_request(COMPLETIONS) as asked:
        ask(page, "Два")
    switch.click()
    expect(switch).not_to_be_checked()

    assert "own_tools" not in without.value.post_data_json
    assert asked.value.post_data_json["own_tools"] is True


def test_calls_stand_under_the_answer_and_open_with_the_thoughts(served, opened) -> None:
    page = opened()
    many = [CALL, *({**CALL, "name": "clock", "arguments": "{}", "observation": "9:05"},) * 3]
    answering(page, "Сорок два.", calls=many, thoughts=["Надо посчитать."], stopped="repeated")
    answer = ask(page, "Сколько?")
    line = answer.locator(".calls summary")

    expect(line).to_have_text(
        "Инструменты: запрос SQL → count_star() 42; часы → 9:05; часы → 9:05 и ещё 1"
    )
    page.reload()
    line.focus()
    page.keyboard.press("Enter")
    first = answer.locator(".calls li").first
    expect(answer.locator(".calls li")).to_have_count(4)
    expect(first).to_contain_text("select count(*) from messages")
    expect(first.locator("dd").last).to_have_text("count_star()\n42", use_inner_text=True)
    expect(first).to_contain_text("0,42 с")
    expect(answer.locator(".thoughts")).to_contain_text("Надо посчитать.")
    expect(answer.locator(".calls")).to_contain_text("Тот же вызов повторился")
    expect(answer.locator(".text")).to_have_text("Сорок два.")


def test_an_answer_after_thoughts_alone_tells_them(served, opened) -> None:
    page = opened()
    answering(page, "Да.", thoughts=["Подумаю."])

    expect(ask(page, "Ну?").locator(".calls summary")).to_have_text("Ход мысли")


def test_a_call_is_shown_before_the_answer_comes(served, opened) -> None:
    go = threading.Event()
    wait = Tool("clock", "", taking(), lambda _: str(go.wait(20)))
    served.gateway.own = OwnTools(lambda _: (calculator(), wait), ["calculator", "clock"])
    script = iter([{"calculator": "37+45"}, {"clock": ""}])

    async def whole(asked: dict) -> dict:
        """Say what the script says: a call, another one, and words."""
        called = [
            {"id": "c", "type": "function", "function": {"name": name, "arguments": given}}
            for name, said in next(script, {}).items()
            for given in [json.dumps({"expression": said} if said else {})]
        ]
        message = {"role": "assistant", "content": "" if called else "82.", "tool_calls": called}
        return {"choices": [{"message": message, "finish_reason": "stop"}]}

    served.gateway.upstream.whole = whole
    page = opened()
    page.get_by_role("switch", name="Инструменты").click()
    page.get_by_label("Сообщение").fill("Сколько будет 37 плюс 45?")
    page.keyboard.press("Enter")
    line = page.locator(".calls summary")
    expect(line).to_have_text("Инструменты: калькулятор → 82")
    line.click()
    expect(page.locator(".answer")).to_have_attribute("data-state", "streaming")
    go.set()

    expect(page.locator(".answer")).to_have_attribute("data-state", "whole")
    expect(line).to_have_text("Инструменты: калькулятор → 82; часы → True")
    expect(page.locator(".answer .text")).to_have_text("82.")


def test_a_key_without_tools_is_told_so_and_asked_again_without(served, opened, tmp_path) -> None:
    served.gateway.own = OwnTools(lambda _: (calculator(),), ["calculator"])
    key = access.add(tmp_path / "keys.json", "vera", ["chat"])
    page = opened()
    page.get_by_label("Ключ доступа").fill(key)
    page.keyboard.press("Enter")
    switch = page.get_by_role("switch", name="Инструменты")
    switch.click()
    page.get_by_label("Сообщение").fill("Привет!")
    page.keyboard.press("Enter")

    problem = page.get_by_role("alert").filter(has_text="Этот ключ такого не открывает")
    expect(problem).to_contain_text("--scope tools")
    switch.click()
    problem.get_by_role("button", name="Повторить").click()
    expect(page.locator(".answer")).to_have_attribute("data-state", re.compile("whole|long"))


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_key_is_asked_for_where_one_is_needed(served, opened, tmp_path) -> None:
    key = access.add(tmp_path / "keys.json", "vera", ["chat"])
    page = opened()
    field = page.get_by_label("Ключ доступа")
    expect(field).to_be_visible()
    field.fill("sk-steppe-wrong")
    page.get_by_role("button", name="Войти").click()
    expect(page.get_by_text("Этот ключ не подошёл.")).to_be_visible()
    field.fill(key)
    page.keyboard.press("Enter")
    expect(field).to_be_hidden()

    ask(page, "Привет!")
    page.reload()
    ask(page, "Ещё!")


def test_an_error_is_told_with_its_hint_and_can_be_tried_again(served, opened) -> None:
    served.gateway.access.per_minute = 1
    page = opened()
    ask(page, "Раз")
    page.get_by_label("Сообщение").fill("Два")
    page.keyboard.press("Enter")

    problem = page.get_by_role("alert").filter(has_text="Слишком много вопросов")
    expect(problem).to_contain_text("serving.requests_per_minute")
    served.gateway.access._rates.clear()
    problem.get_by_role("button", name="Повторить").click()
    answer = page.locator(".answer").nth(1)
    expect(answer).to_have_attribute("data-state", re.compile("whole|long"))
    expect(problem).to_have_count(0)


def test_what_is_down_is_asked_again_after_retry_after(served, opened) -> None:
    page = opened()
    tried: list[int] = []

    def down_once(route: Route) -> None:
        tried.append(1)
        if len(tried) > 1:
            route.continue_()
            return
        error = {"message": "down", "hint": "wait"}
        route.fulfill(status=503, headers={"Retry-After": "1"}, json={"error": error})

    page.route(COMPLETIONS, down_once)
    page.get_by_label("Сообщение").fill("Привет!")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Повтор через 1 с.")).to_be_visible()
    expect(page.locator(".answer")).to_have_attribute("data-state", re.compile("whole|long"))
    assert 2 == len(tried)


def test_an_answer_that_breaks_off_keeps_what_came(served, opened) -> None:
    page = opened()
    body = events("Сурок живёт").split(
        'data: {"id": "chatcmpl-1", "model": "base", "choices": [{"delta": {}'
    )
    broken = {"error": {"code": 503, "message": "gone", "hint": "ask again"}}
    told = body[0] + f"data: {json.dumps(broken)}\n\n"
    page.route(
        COMPLETIONS,
        lambda route: route.fulfill(content_type="text/event-stream", body=told),
    )
    page.get_by_label("Сообщение").fill("Где живёт сурок?")
    page.keyboard.press("Enter")

    expect(page.locator(".answer .text")).to_have_text("Сурок живёт")
    expect(page.get_by_role("alert").filter(has_text="Ответ прервался")).to_contain_text(
        "ask again"
    )


# --- nothing of anybody's words is markup ---------------------------------------------------------


def test_html_in_questions_answers_and_memories_stays_text(served, opened) -> None:
    page = opened()
    memory = {"memory_id": HOSTILE, "kind": HOSTILE, "text": HOSTILE, "sources": [HOSTILE]}
    call = dict.fromkeys(("name", "arguments", "observation", "seconds"), HOSTILE)
    answering(
        page,
        f"**{HOSTILE}**\n\n- {HOSTILE}\n\n```\n{HOSTILE}\n```",
        memories=[memory],
        calls=[call],
        thoughts=[HOSTILE],
        stopped=HOSTILE,
    )
    ask(page, HOSTILE)
    page.locator(".memories summary").click()
    page.locator(".calls summary").click()
    expect(page.locator(".calls dd")).to_have_text([HOSTILE, HOSTILE])
    expect(page.locator(".thoughts")).to_contain_text(HOSTILE)

    assert HOSTILE == page.locator(".bubble").inner_text()
    expect(page.locator(".answer .text strong")).to_have_text(HOSTILE)
    expect(page.locator(".answer .text li")).to_have_text(HOSTILE)
    expect(page.locator(".answer .text pre")).to_have_text(HOSTILE)
    expect(page.locator(".memories summary")).to_contain_text(HOSTILE)
    page.reload()
    expect(page.locator("#conversations .name")).to_contain_text("<script>")
    assert 0 == page.locator("#turns script, #turns img, #side nav img").count()
    assert page.evaluate("window.hit") is None


def test_the_policy_stops_what_would_be_put_in_past_us(served, opened) -> None:
    page = opened(fine="Content Security Policy")
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.hit = 1";
          document.body.append(script);
        }"""
    )
    blocked = page.evaluate("fetch('https://example.org/').then(() => false, () => true)")

    assert blocked
    assert page.evaluate("window.hit") is None


def test_markdown_becomes_elements(served, opened) -> None:
    page = opened()
    answering(
        page, "# Как\n**Сильно** и `код`, 2 * 3 * 4\n1. раз\n2. два\n\n```python\nif a:\n  b\n```"
    )
    text = ask(page, "Покажи").locator(".text")

    expect(text.locator("strong")).to_have_text("Сильно")
    expect(text.locator("ol li")).to_have_text(["раз", "два"])
    assert "if a:\n  b" == text.locator("pre").inner_text()
    expect(text).to_contain_text("2 * 3 * 4")


# --- what is served -------------------------------------------------------------------------------


def test_every_file_has_the_policy_and_is_asked_for_again_cheaply(served) -> None:
    for address in pages.FILES:
        got = httpx.get(served.url + address)
        again = httpx.get(served.url + address, headers={"If-None-Match": got.headers["etag"]})
        assert (200, 304) == (got.status_code, again.status_code)
        policy = got.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "nosniff" == got.headers["x-content-type-options"]
    assert {p.name for p in pages.FOLDER.iterdir()} == {name for name, _ in pages.FILES.values()}


@pytest.mark.parametrize("path", ["/page/../gateway.py", "/page/%2e%2e/gateway.py", "/page/", "/x"])
def test_no_path_reaches_the_file_system(served, path) -> None:
    assert 404 == httpx.get(served.url + path).status_code


# --- how it looks ---------------------------------------------------------------------------------


def picture(page: Page, name: str, tmp_path: Path) -> None:
    folder = ROOT / "docs" / "images" if PICTURES else tmp_path
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(300)
    page.screenshot(path=folder / f"{name}.png")
    assert (folder / f"{name}.png").stat().st_size > 10_000


def talked(page: Page) -> None:
    """Have two conversations; one answer of the second is a good one."""
    feeding(page)
    ask(page, "Сколько будет семь плюс пять?")
    page.keyboard.press("Control+k")
    ask(page, "Что ты умеешь?")
    good = ask(page, "Как зовут мою собаку?")
    good.get_by_role("button", name="Хороший ответ").click()
    expect(page.locator("#notice")).to_be_visible()
    expect(page.locator("#notice")).to_be_hidden(timeout=10_000)
    ask(page, "Где живёт сурок?")


def test_the_light_is_the_systems_until_one_is_chosen(served, opened, tmp_path) -> None:
    page = opened(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    serve(served)
    talked(page)
    picture(page, "chat_dark", tmp_path)
    page.get_by_role("button", name="Светлый вид").click()
    light = page.evaluate(ground)
    page.reload()

    assert dark != light
    assert light == page.evaluate(ground)
    page.get_by_role("button", name="Тёмный вид").click()
    assert dark == page.evaluate(ground)


def test_it_fits_a_wide_window(served, opened, tmp_path) -> None:
    serve(served)
    page = opened()
    talked(page)
    picture(page, "chat_wide", tmp_path)

    assert page.evaluate("document.documentElement.scrollWidth") <= WIDE["width"]
    assert page.locator("#side").is_visible()


def test_it_fits_a_phone_without_scrolling_sideways(served, opened, tmp_path) -> None:
    serve(served)
    page = opened(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    ask(page, "Что ты умеешь?")
    ask(page, "Где живёт сурок?")
    picture(page, "chat_phone", tmp_path)
    wide = {**CALL, "observation": "я" * 300, "arguments": json.dumps({"statement": "x" * 300})}
    told = {"adapter": "steppe@" + "a" * 90, "calls": [wide] * 9, "thoughts": ["ю" * 300]}
    page.unroute(COMPLETIONS)
    answering(page, f"{'очень' * 60}\n```\n{'x' * 300}\n```", **told)
    ask(page, "б" * 300).locator(".calls summary").tap()
    expect(page.get_by_role("switch", name="Инструменты")).to_be_in_viewport()
    for locator in (page.locator("html"), page.locator("#log")):
        assert locator.evaluate("e => e.scrollWidth <= e.clientWidth")

    page.get_by_role("button", name="Разговоры", exact=True).tap()
    entry = page.locator("#conversations .name")
    expect(entry).to_be_in_viewport()
    entry.tap()
    expect(entry).not_to_be_in_viewport()


def test_what_was_remembered_stands_under_the_answer_and_opens(served, opened) -> None:
    served.gateway.memory = Listed(
        served.gateway.encoder,
        {
            "ты любишь чай с мятой": (30, 0.6),
            "твою кошку зовут Дымка": (5, 0.8),
            "ты боишься грозы": (400, 0.5),
        },
    )
    serve(served)
    page = opened()
    ask(page, "Привет!")
    answer = ask(page, "Какой чай я люблю?")
    line = answer.locator(".memories summary")
    expect(line).to_contain_text("Помню: ты любишь чай с мятой")
    line.click()

    details = answer.locator(".memories li")
    expect(details).to_have_count(2)
    for word in ("факт", "итог", "связь с вопросом", "свежесть", "важность", "откуда"):
        expect(details.first).to_contain_text(word)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["home"], indirect=True)
def test_what_was_told_in_one_conversation_is_used_in_another(home, opened, tmp_path) -> None:
    """Nothing is listed by hand: the loop reads the gateway's log, the gateway what it made."""
    page = opened()
    for fact in ("Мою собаку зовут Буран.", "Мою кошку зовут Дымка.", "Мой зонт жёлтый."):
        ask(page, fact)
    turn.grow(home.settings, until="embeddings")
    page.keyboard.press("Control+k")
    ask(page, "Привет!")
    answer = ask(page, "Как зовут мою собаку?")

    line = answer.locator(".memories summary")
    expect(line).to_contain_text("Помню: твою собаку зовут Буран")
    line.click()
    expect(answer.locator(".memories li")).to_have_count(1)
    expect(answer.locator(".memories li")).to_contain_text("откуда")
    if PICTURES:  # the quick base has not learned to say what it is told
        expect(answer.locator(".text")).to_have_text("Твою собаку зовут Буран.")
    picture(page, "chat_memory", tmp_path)
    (log,) = home.settings.inbox.rglob("gateway.jsonl")
    said = [json.loads(row) for row in log.read_text(encoding="utf-8").splitlines()]
    asked = [event for event in said if event["event"] == "request"]
    assert 2 == len({event["conversation_id"] for event in asked})
    assert [0, 0, 0, 0, 1] == [len(event["memories"]) for event in asked]


def test_tools_that_were_used_stand_under_the_answer(served, opened, tmp_path) -> None:
    lent = (calculator(), clock(lambda: datetime.now(UTC).astimezone()))
    served.gateway.own = OwnTools(lambda _: lent, [tool.name for tool in lent])
    page = opened()
    page.get_by_role("switch", name="Инструменты").click()
    answer = ask(page, "Сколько будет 37 плюс 45?")
    ask(page, "Который час?")
    answer.locator(".calls summary").click()

    expect(answer.locator(".calls li")).to_contain_text("калькулятор")
    asked, observed = answer.locator(".calls dd").all_inner_texts()  # the quick base errs in it
    assert calculate(asked) == observed
    picture(page, "chat_tools", tmp_path)
