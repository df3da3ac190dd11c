"""What a home hands to its gateway: the tools of each person, over one memory for all."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from lake.errors import DeploymentError, SettingsError
from lake.ids import content_id
from lake.settings import Settings, load
from models.processes import calm_environment
from models.serving import client
from models.testing import over_http
from orchestration import gateway, repairs

SPEC = importlib.util.spec_from_file_location(
    "facts", Path(__file__).parents[1] / "assets" / "facts.py"
)
facts = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(facts)
ANYA, BORYA = content_id("Аня"), content_id("Боря")
ALL = ["search_memory", "sql", "calculator", "date", "clock"]


def test_the_usual_tools_are_those_that_the_embedded_base_knows(chosen: Settings) -> None:
    lent = gateway.tools_of(chosen, gateway.memory_of(chosen, None))

    assert ["calculator", "clock"] == lent.usual
    assert ALL == [tool.name for tool in lent.of(ANYA)]


def test_a_setting_names_others_or_none(chosen: Settings) -> None:
    every = load(home=chosen.home, serving={"own_tools": ", ".join(reversed(ALL))})
    none = load(home=chosen.home, serving={"own_tools": ""})

    assert set(ALL) == set(gateway.tools_of(every, gateway.memory_of(every, None)).usual)
    assert [] == gateway.tools_of(none, gateway.memory_of(none, None)).usual


def test_a_tool_that_there_is_not_is_told_before_anybody_asks(chosen: Settings) -> None:
    wrong = load(home=chosen.home, serving={"own_tools": "calculator, abacus"})

    with pytest.raises(SettingsError, match=r"(?s)`abacus`.*search_memory, sql"):
        gateway.tools_of(wrong, gateway.memory_of(wrong, None))


def test_a_search_finds_ones_own_memories_and_notes_their_use(chosen: Settings) -> None:
    facts.remember(chosen, ANYA, "твою собаку зовут Буран")
    memory = gateway.memory_of(chosen, None)
    lent = gateway.tools_of(chosen, memory)

    def search(person: str) -> str:
        return {tool.name: tool for tool in lent.of(person)}["search_memory"].run(
            {"text": "собака"}
        )

    assert "- факт: твою собаку зовут Буран" == search(ANYA)
    assert "Ничего такого я не помню." == search(BORYA)
    assert ["твою собаку зовут Буран"] == [used.text for used in memory._used.values()]


def test_a_person_has_one_rate_of_statements_through_all_answers(chosen: Settings) -> None:
    few = load(home=chosen.home, serving={"sql_per_minute": 1})
    lent = gateway.tools_of(few, gateway.memory_of(few, None))

    def ask(person: str) -> str:
        tools = {tool.name: tool for tool in lent.of(person)}  # bound anew for every answer
        return tools["sql"].run({"statement": "from dialogues"})

    told = [ask(ANYA), ask(ANYA), ask(BORYA)]
    assert "Ошибка: Запросов SQL больше 1 в минуту." == " ".join(told[1].split()[:7])
    assert ["Строк нет.", "Строк нет."] == [told[0], told[2]]


# --- one gateway a home -------------------------------------------------------------------------


def note(chosen: Settings, url: str) -> Path:
    """Note a gateway as that of a home; its process is 1."""
    path = chosen.home / "serving" / "server.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": 1, "url": url}))
    return path


def test_a_gateway_that_waits_for_what_decodes_is_there(chosen: Settings) -> None:
    app = FastAPI()
    app.get("/health")(lambda: JSONResponse({"status": "down", "deployed": "base"}, 503))
    with over_http(app) as url:
        path = note(chosen, url)
        found = client.running(chosen)
        (finding,) = repairs._server(chosen, repair=True)

    assert found is not None
    assert (url, False) == (found.url, found.is_up())
    assert not finding.healthy
    assert path.exists()
    assert client.running(chosen) is None


def test_a_second_gateway_of_a_home_ends_with_a_hint_and_leaves_the_first_alone(
    chosen: Settings,
) -> None:
    path = note(chosen, "http://127.0.0.1:9")
    before = path.read_text()
    with gateway.only_one(chosen.home):
        ended = subprocess.run(
            [sys.executable, "-m", "orchestration.gateway"],
            env={**calm_environment(), "STEPPE_HOME": str(chosen.home)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert 1 == ended.returncode
    assert "Another gateway of this home" in ended.stderr
    assert "hint: `steppe chat`" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert before == path.read_text()


def test_a_home_is_free_again_once_its_gateway_ended(chosen: Settings, monkeypatch) -> None:
    monkeypatch.setattr(gateway, "ENDING_SECONDS", 0.1)
    with (
        gateway.only_one(chosen.home),
        pytest.raises(DeploymentError, match="hint:"),
        gateway.only_one(chosen.home),
    ):
        pass
    with gateway.only_one(chosen.home):
        pass


def test_a_gateway_takes_only_its_own_note_away(chosen: Settings) -> None:
    path = note(chosen, "http://127.0.0.1:9")
    gateway._take_state_away(path)
    assert path.exists()

    gateway._write_state(path, "127.0.0.1", 9)
    gateway._take_state_away(path)
    gateway._take_state_away(path)
    assert not path.exists()
