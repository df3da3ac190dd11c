"""Settings: what wins over what, and that nothing unknown passes silently."""

from pathlib import Path

import pytest

from lake.errors import SettingsError
from lake.settings import from_json, known_variables, load, to_json
from orchestration.exploring import example_settings


def test_arguments_win_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "steppe.toml"
    file.write_text('recipe = "quick"\nowner = "file"\n[serving]\nport = 1\nmlflow_port = 2\n')
    monkeypatch.setenv("STEPPE_CONFIG", str(file))
    monkeypatch.setenv("STEPPE_SERVING__PORT", "3")
    monkeypatch.setenv("STEPPE_OWNER", "environment")

    found = load(owner="argument")

    assert ("argument", "quick") == (found.owner, found.recipe)
    assert (3, 2, 3000) == (
        found.serving.port,
        found.serving.mlflow_port,
        found.serving.dagster_port,
    )


def test_a_misspelt_variable_is_an_error_with_the_nearest_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STEPPE_SERVING__PROT", "1")

    with pytest.raises(SettingsError, match=r"STEPPE_SERVING__PROT[\s\S]*STEPPE_SERVING__PORT"):
        load()


@pytest.mark.parametrize("value", ["xx", "", "{", "5", "[1]", '"a"', "[" * 100_000])
@pytest.mark.parametrize("name", ["STEPPE_SELF_CHAT__METHODS", "STEPPE_SELF_CHAT"])
def test_a_table_that_is_no_json_names_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=f"`{name}` is no table") as error:
        load()
    assert f"`{name}='{{" in error.value.hint
    assert len(str(error.value)) < 400


def test_a_table_is_json_in_the_environment_and_its_parts_replace_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STEPPE_SELF_CHAT__METHODS", '{"paraphrase": 3}')
    monkeypatch.setenv("STEPPE_CONSENT__SOURCES", '{"telegram": "explore"}')
    monkeypatch.setenv("STEPPE_SERVING", '{"port": 1, "mlflow_port": 2}')
    monkeypatch.setenv("STEPPE_SERVING__PORT", "3")

    found = load()

    assert {"paraphrase": 3} == found.self_chat.methods
    assert {"telegram": "explore"} == found.consent.sources
    assert (3, 2) == (found.serving.port, found.serving.mlflow_port)


def test_a_wrong_value_inside_a_table_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPPE_SELF_CHAT__METHODS", '{"paraphrase": -1}')

    with pytest.raises(SettingsError, match=r"self_chat\.methods\.paraphrase"):
        load()


def test_a_variable_in_small_letters_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("steppe_serving__port", "1")

    with pytest.raises(SettingsError, match=r"steppe_serving__port[\s\S]*STEPPE_SERVING__PORT"):
        load()


@pytest.mark.parametrize("text", ['recipee = "x"', "[serving]\nportt = 1", "port ="])
def test_a_misspelt_or_broken_file_is_an_error_with_a_hint(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "steppe.toml"
    file.write_text(text)
    monkeypatch.setenv("STEPPE_CONFIG", str(file))

    with pytest.raises(SettingsError, match="hint: "):
        load()


def test_a_wrong_value_names_the_setting() -> None:
    with pytest.raises(SettingsError, match=r"serving\.port"):
        load(serving={"port": 70_000})


def test_a_config_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPPE_CONFIG", "nowhere.toml")

    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        load()


def test_the_example_file_is_what_the_defaults_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STEPPE_HOME")
    file = tmp_path / "steppe.toml"
    file.write_text(example_settings())
    defaults = load()
    monkeypatch.setenv("STEPPE_CONFIG", str(file))

    assert defaults == load()


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPPE_SERVING__API_KEY", "hunter2")

    assert "hunter2" not in repr(load())
    assert "STEPPE_SERVING__API_KEY" in known_variables()


def test_a_child_process_gets_every_setting_secrets_too(monkeypatch, tmp_path) -> None:
    chosen = load(
        home=tmp_path,
        serving={"api_key": "sk-secret", "port": 0},
        consent={"sources": {"oasst": "explore"}},
    )
    monkeypatch.setenv("STEPPE_BASE_MODEL", "another")

    assert chosen == from_json(to_json(chosen))
