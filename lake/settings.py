"""Every setting, in one place: where things lie and what they run with.

Order of precedence: arguments, environment, `steppe.toml` in the working directory (or the file
that `STEPPE_CONFIG` names), defaults.  A table of the file is JSON in the environment.  An unknown
name is an error in the file *and* in the environment, with the nearest spelling.  What an
experiment is (rank, rate, epochs) is not here but in a recipe, which is hashed into the adapter's
lineage.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, SecretStr, ValidationError

from lake.errors import SettingsError

CONFIG_VARIABLE = "STEPPE_CONFIG"
TEST_VARIABLES = frozenset({"STEPPE_SCREENSHOTS", "STEPPE_TEST_DATA", "STEPPE_TEST_MODELS"})
"""Read by tests only."""

Consent = Literal["granted", "explore"]  # `explore`: read and counted, never trained on


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonalDataSettings(_Section):
    """What of people is replaced by placeholders when dialogues are cleaned."""

    enabled: bool = Field(default=True, description="replace phones, addresses, numbers, mail")
    names: bool = Field(default=False, description="replace names of people too; slower")


class ConsentSettings(_Section):
    """What may be trained on, and what may be explored only."""

    default: Consent = Field("granted", description="of dialogues nothing else is said of")
    sources: dict[str, Consent] = Field({}, description='by source, as in `{telegram = "explore"}`')
    people: dict[str, Consent] = Field(
        {}, description='by name or pseudonym, as in `{"Аня" = "explore"}`'
    )


class SourcesSettings(_Section):
    """How exports are read where their format leaves something open."""

    nexus_dates: Literal["", "dmy", "mdy", "ymd"] = Field(
        "", description="order of a Nexus note's slashed dates; empty: only what has one reading"
    )
    chatgpt_branches: bool = Field(
        default=False,
        description="every branch of a ChatGPT or Claude conversation, not only the shown",
    )
    telegram_assistant: str = Field(
        "", description="who in Telegram speaks as the assistant: a name or an id"
    )
    telegram_gap_hours: float = Field(
        8.0, gt=0, description="silence that ends a dialogue in a Telegram chat"
    )
    oasst_paths: Literal["best", "ranked"] = Field(
        "best", description="the best path through an OASST tree, or one to every ranked answer"
    )
    sharegpt_max_characters: int = Field(
        0, ge=0, description="longer ShareGPT dialogues are split between pairs; 0 for never"
    )


class TrainingSettings(_Section):
    """Where adapters are trained, and when by themselves."""

    backend: Literal["local", "ray"] = Field("local", description="who lends the GPU")
    devices: str = Field("0", description="device indices that may be leased, comma-separated")
    ray_address: str = Field("http://127.0.0.1:8265", description="Ray's job server")
    wait_seconds: float = Field(3600.0, description="how long to wait for a free device")
    processes: int = Field(
        1, ge=1, description="processes that share a training, each with a device of its own"
    )
    launch: str = Field(
        "",
        description="how several are started: `ddp`, `fsdp_qlora`, or a path to a file of "
        "`accelerate launch`; empty: `ddp`",
    )
    enough_new_dialogues: int = Field(
        20, ge=1, description="new dialogues that start a training, once automation is on"
    )


class SelfChatSettings(_Section):
    """Who talks with itself, by which methods, and what of it may be kept."""

    methods: dict[str, NonNegativeInt] = Field(
        {"paraphrase": 2, "baize_two_call": 1, "constitution": 1},
        description="draws of every seed by method, see docs/self_chat.md; 0 for none",
    )
    practice: int = Field(
        0, ge=0, description="questions of the base's own schooling that join a day's dialogues"
    )
    backend: Literal["embedded", "vllm", "openai"] = Field(
        "embedded", description="what runs the model: this process, vLLM on a GPU, or an API"
    )
    url: str = Field("", description="of the API, without `/v1`")
    model: str = Field("", description="its name there")
    api_key: SecretStr | None = Field(None, description="its bearer token")
    policy: Path | None = Field(
        None, description="a TOML file of values over the shipped `models/self_chat/policy.toml`"
    )
    bounds: Path | None = Field(
        None, description="a TOML file of values over the shipped `models/self_chat/bounds.toml`"
    )
    seeds_per_session: int = Field(
        24, ge=1, description="dialogues that one run by itself talks over"
    )
    tokens_per_session: int = Field(20_000, ge=1, description="written in one run, about")
    tokens_per_day: int = Field(200_000, ge=0, description="written by itself in a day; 0 for none")
    seconds_per_day: float = Field(3600.0, ge=0, description="of runs by itself in a day")
    idle_load: float = Field(
        0.5, gt=0, description="load a core above which the machine is not idle"
    )
    moderation: Path | None = Field(
        None, description="a file of expressions, one a line, that no generated text may hold"
    )
    moderation_hook: str = Field(
        "", description="`module:function` from a text to the reason why it may not be taught"
    )


class MemorySettings(_Section):
    """What is remembered of people, and what of it is called to mind."""

    reader: Literal["auto", "rules", "model"] = Field(
        "auto",
        description="who reads facts out of dialogues: rules, or the model, which also writes "
        "summaries and reflections; `auto` is rules for a base grown here",
    )
    strangers: str = Field(
        "oasst,baize,saiga,alpaca,rsg",
        description="sources whose people are not yours, comma-separated: nothing is remembered",
    )
    limit: int = Field(5, ge=1, le=50, description="memories called to mind for one answer")
    candidates: int = Field(20, ge=1, le=1000, description="found by a search before scoring")
    turns: bool = Field(default=True, description="search a person's turns beside the memories")
    recency: float = Field(0.01, ge=0, description="weight of how lately a memory was used")
    importance: float = Field(0.01, ge=0, description="weight of how much it matters")
    relevance: float = Field(1.0, ge=0, description="weight of how near it is to what was said")
    decay_per_hour: float = Field(0.995, gt=0, le=1, description="recency left after an hour")
    least_similarity: float = Field(
        0.2, ge=0, le=1, description="cosine below which nothing is called to mind"
    )
    summary_turns: int = Field(
        4, ge=0, description="turns of a person from which a dialogue is summed up; 0 for never"
    )
    reflection_importance: int = Field(
        150, ge=0, description="summed importance of memories that is reflected on; 0 for never"
    )


class JudgeSettings(_Section):
    """Who compares a challenger's answers with the champion's; it is told, and decides nothing."""

    kind: Literal["none", "rubric", "openai"] = Field(
        "rubric", description="the base's own likelihoods, or a model behind an OpenAI API"
    )
    url: str = Field("", description="of the API, without `/v1`")
    model: str = Field("", description="its name there")
    api_key: SecretStr | None = Field(None, description="its bearer token")
    questions: int = Field(40, ge=1, description="compared at most, each in both orders")
    timeout_seconds: float = Field(60.0, gt=0, description="of one opinion")


class ServingSettings(_Section):
    """The served assistant and the two other pages of `steppe ui`."""

    host: str = Field("127.0.0.1", description="anything but loopback needs keys")
    port: int = Field(8010, ge=0, le=65535, description="the assistant; 0 for any free one")
    dagster_port: int = Field(3000, ge=1, le=65535, description="the Dagster UI")
    mlflow_port: int = Field(5000, ge=1, le=65535, description="the MLflow UI")
    api_key: SecretStr | None = Field(None, description="a key that opens everything to the owner")
    max_batch: int = Field(16, ge=1, description="requests the embedded server decodes at once")
    max_request_bytes: int = Field(1 << 20, ge=1024, description="a larger request is refused")
    max_at_once: int = Field(512, ge=1, description="requests under way; one more is told to wait")
    requests_per_minute: int = Field(600, ge=1, description="of one person; a key may have its own")
    answer_cache: int = Field(0, ge=0, description="answers kept for the same question; 0 for none")
    own_tools: str = Field(
        "calculator,clock",
        description="tools that the assistant has in a chat, comma-separated; empty for none",
    )
    sql_per_minute: int = Field(6, ge=1, description="statements of one person through their tools")
    upstream_url: str = Field("", description="a vLLM server's address; empty: the embedded server")
    upstream_key: SecretStr | None = Field(None, description="its `--api-key`")
    adapters_url: str = Field("", description="an object store with the adapters, for Ray Serve")
    upstream_base: str = Field("base", description="its `--served-model-name` of the base")


class Settings(_Section):
    """What a run may be told; see the module's docstring for where from."""

    home: Path = Field(Path(".steppe"), description="where every byte lives")
    profile: Literal["embedded", "workstation", "cluster"] = Field(
        "embedded", description="a name for the run's size, recorded with every adapter"
    )
    base_model: str = Field(
        "embedded", description="`embedded`, `embedded-quick`, a local directory, or a hub id"
    )
    recipe: str = Field("embedded", description="a name in `models/recipes`, or a TOML file")
    cleaning_policy: Path | None = Field(
        None, description="a TOML file of values that replace those of the shipped cleaning policy"
    )
    encoder: str = Field("hashed", description="`hashed`, or a sentence-transformers model")
    semantic_duplicates: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="cosine from which two dialogues teach the same, 0.8 say; 0 for never",
    )
    owner: str = Field("owner", description="whose dialogues these are; stored as a pseudonym")
    self_chats_per_day: int = Field(
        120, ge=0, description="dialogues of a day that the model talks over; 0 for none"
    )
    sources: SourcesSettings = SourcesSettings()
    personal_data: PersonalDataSettings = PersonalDataSettings()
    consent: ConsentSettings = ConsentSettings()
    training: TrainingSettings = TrainingSettings()
    self_chat: SelfChatSettings = SelfChatSettings()
    memory: MemorySettings = MemorySettings()
    judge: JudgeSettings = JudgeSettings()
    serving: ServingSettings = ServingSettings()

    @property
    def models_dir(self) -> Path:
        """Bases and adapters, by content id."""
        return self.home / "models"

    @property
    def inbox(self) -> Path:
        """What arrived: one folder a day."""
        return self.home / "inbox"


def known_variables() -> set[str]:
    """Return the name of every environment variable that means something to Steppe."""
    names = {CONFIG_VARIABLE, *TEST_VARIABLES}
    for name, info in Settings.model_fields.items():
        names.add(f"STEPPE_{name}".upper())
        section = info.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            names |= {f"STEPPE_{name}__{inner}".upper() for inner in section.model_fields}
    return names


def to_json(settings: Settings) -> str:
    """Return every setting for a child process; secrets stand in clear, so it goes by a pipe."""

    def plain(value: Any) -> Any:
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    return json.dumps(settings.model_dump(mode="python"), default=plain)


def from_json(text: str) -> Settings:
    """Return the settings that `to_json` told; environment and file change none of them."""
    return Settings(**json.loads(text))


def load(**arguments: Any) -> Settings:
    """Return the settings; `SettingsError` names what is unknown, wrong, and the nearest name."""
    _refuse_unknown_variables()
    try:
        return Settings(**_deep_merge(_from_file(), _from_environment(), arguments))
    except ValidationError as error:
        raise _explained(error) from None


@cache
def settings() -> Settings:
    """Return this process's settings, with `home` absolute; read once, at first use."""
    found = load()
    if found.home == Path():
        raise SettingsError("`home` is empty.", hint="set STEPPE_HOME to a folder, or unset it")
    home = found.home.expanduser().absolute()
    if home.exists() and not home.is_dir():
        raise SettingsError(f"`{home}` is no folder.", hint="set STEPPE_HOME to a folder")
    return found.model_copy(update={"home": home})


def _from_file() -> dict[str, Any]:
    named = os.environ.get(CONFIG_VARIABLE)
    path = Path(named or "steppe.toml")
    if not path.exists():
        if named:
            raise SettingsError(
                f"`{CONFIG_VARIABLE}` names `{named}`, which does not exist.",
                hint="correct the path, or unset the variable",
            )
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(
            f"`{path}` is not TOML: {error}.", hint="`steppe settings --example` prints a valid one"
        ) from None


def _from_environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable in sorted(known_variables() - TEST_VARIABLES - {CONFIG_VARIABLE}):
        if variable in os.environ:  # a section stands before its parts, which replace what it has
            name, _, inner = variable.removeprefix("STEPPE_").lower().partition("__")
            value = _value(variable, _annotation(name, inner))
            found = _deep_merge(found, {name: {inner: value} if inner else value})
    return found


def _annotation(name: str, inner: str) -> Any:
    """Return the type of a setting, or of a part of one."""
    section = Settings.model_fields[name].annotation
    if not inner:
        return section
    parts: dict[str, Any] = section.model_fields  # type: ignore[union-attr]  # a section
    return parts[inner].annotation


def _value(variable: str, kind: Any) -> Any:
    """Return what a variable says: text, or the table that its JSON is."""
    said = os.environ[variable]
    if get_origin(kind) is not dict and not (isinstance(kind, type) and issubclass(kind, _Section)):
        return said
    try:
        table = json.loads(said)
    except (ValueError, RecursionError) as error:
        problem = str(error)
    else:
        if isinstance(table, dict):
            return table
        problem = f"it is {json.dumps(table)[:40]}"
    raise SettingsError(
        f"The environment variable `{variable}` is no table in JSON: {problem}.",
        hint=f"""write it as `{variable}='{{"name": 1}}'`, or as a table of `steppe.toml`: """
        "`steppe settings --example` shows each",
    )


def _deep_merge(*layers: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = _deep_merge(merged[key], value) if both else value
    return merged


def _refuse_unknown_variables() -> None:
    known = known_variables()
    for name in sorted(os.environ):
        if name.upper().startswith("STEPPE_") and name not in known:
            raise SettingsError(
                f"The environment variable `{name}` is no setting of Steppe.",
                hint=_nearest(name.upper(), known) or "`steppe settings` lists every one",
            )


def _explained(error: ValidationError) -> SettingsError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = {v.removeprefix("STEPPE_").lower().replace("__", ".") for v in known_variables()}
        hint = _nearest(name, known) or "`steppe settings` lists every one"
        return SettingsError(f"There is no setting `{name}`.", hint=hint)
    return SettingsError(
        f"The setting `{name}` cannot be {first['input']!r}: {first['msg']}.",
        hint="`steppe settings` shows every setting with its meaning",
    )


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""
