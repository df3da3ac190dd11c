"""What the documents say is what the code is; run as a script, it renews what is generated.

Generated blocks stand between `<!-- name:begin -->` and `<!-- name:end -->`.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import sql
from assets import STAGES, cleaning, sources
from assets.cleaning import near_duplicates
from assets.cleaning.filters import DIALOGUE_RULES, MESSAGE_RULES
from assets.cleaning.marks import MARK_RULES
from assets.cleaning.text import TEXT_RULES
from assets.records import Place, records_table
from lake import errors, schemas
from lake.settings import Settings
from models import budget
from models.self_chat import METHODS
from models.self_chat.monitors import Bounds
from models.tools import tools_of
from orchestration.cli import main

ROOT = Path(__file__).parents[1]
PACKAGES = ("orchestration", "assets", "models", "lake", "sql")
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
WIDTH = 80
README_LINES = 260
CLEANING_RULES = (*TEXT_RULES, *MARK_RULES, *DIALOGUE_RULES, *MESSAGE_RULES)
REASON = re.compile(r"[a-z]+(_[a-z0-9]+)*_?")


# --- what is generated --------------------------------------------------------------------------


def commands_block() -> str:
    return "".join(
        f"## {name}\n\n```\n{_help(*name.split()[1:])}```\n\n" for name, _ in _commands()
    )


def settings_block() -> str:
    head = "| setting | environment | default | meaning |\n|---|---|---|---|\n"
    return head + "".join(
        f"| `{name}` | `STEPPE_{name.replace('.', '__').upper()}` | {_shown(info.default)} "
        f"| {info.description or 'port of the page or of the assistant'} |\n"
        for name, info in _settings()
    )


def tables_block() -> str:
    return "".join(
        f"## {table.name}\n\n{table.grain.capitalize()}; key `{', '.join(table.key)}`.\n\n"
        f"{', '.join(f'`{field.name}` {_type(field.type)}' for field in table.schema)}\n\n"
        for table in schemas.tables().values()
    )


def questions_block() -> str:
    head = "| `steppe query` | asks | one row per |\n|---|---|---|\n"
    return head + "".join(
        f"| `{name}` | {sql.headline(f'explore/{name}')} | {_grain(name)} |\n"
        for name in sql.names("explore")
    )


BLOCKS: dict[tuple[str, str], Callable[[], str]] = {
    ("docs/cli.md", "commands"): commands_block,
    ("docs/settings.md", "settings"): settings_block,
    ("docs/tables.md", "tables"): tables_block,
    ("docs/exploring.md", "questions"): questions_block,
}


def renewed(page: str, name: str, content: str) -> str:
    """Return a page with a block's content put in."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    before, rest = page.split(begin)
    return before + begin + content.rstrip("\n") + "\n" + end + rest.split(end)[1]


@pytest.mark.parametrize(("page", "name"), BLOCKS)
def test_generated_blocks_are_what_the_code_gives(page: str, name: str) -> None:
    """If not: `python -P tests/test_docs.py`."""
    written = (ROOT / page).read_text(encoding="utf-8")

    assert renewed(written, name, BLOCKS[page, name]()) == written


# --- the tree, the commands, the words ----------------------------------------------------------


def test_the_readme_is_short() -> None:
    assert len(_read("README.md").splitlines()) <= README_LINES


def test_the_tree_shows_every_module_and_nothing_else() -> None:
    tree = _tree()
    missing = [path for path in _modules() if not _is_shown(path, tree)]
    gone = [path for path in tree if not (ROOT / path).exists()]

    assert ([], []) == (missing, gone)


def test_the_readme_names_every_command() -> None:
    readme = _read("README.md")
    named = [name for name, command in _commands() if not isinstance(command, click.Group)]

    assert [] == [name for name in named if f"`{name}" not in readme]


def test_the_stages_stand_in_their_order() -> None:
    for page in ("README.md", "docs/architecture.md"):
        drawn = next(line for line in _read(page).splitlines() if line.count("─►") >= len(STAGES))
        assert list(STAGES) == [word for word in re.findall(r"\w+", drawn) if word in STAGES]


def test_the_glossary_has_every_stage_and_every_error() -> None:
    page = _read("docs/glossary.md")
    kinds = [n for n, kind in inspect.getmembers(errors, inspect.isclass) if _is_ours(kind)]

    assert [] == [word for word in (*STAGES, *kinds) if f"`{word}`" not in page]


def test_the_architecture_names_every_table() -> None:
    page = _read("docs/architecture.md")

    assert [] == [name for name in schemas.tables() if f"`{name}`" not in page]


# --- reasons ------------------------------------------------------------------------------------


def test_every_cleaning_rule_and_reason_is_documented() -> None:
    page = _read("docs/cleaning.md")
    rules = [rule.name for rule in CLEANING_RULES]
    found = _pairs("assets/cleaning/turns.py") | set(near_duplicates.REASONS) - {""}
    for module in ("filters", "leftovers", "greetings", "refusals", "repetition"):
        found |= _returned(f"assets/cleaning/{module}.py")

    assert {"refusal", "no_exchange", "stray_tool", "exact_duplicate", "language_"} <= found
    assert {"repeated_spans", "only_greeting", "chat_template", "foreign_answer"} <= found
    assert [] == [word for word in (*rules, *sorted(found)) if f"`{word}" not in page]


def test_every_source_of_a_rule_is_documented() -> None:
    page = _read("docs/cleaning.md")

    assert [] == [rule.source for rule in CLEANING_RULES if rule.source not in page]


def test_every_cleaning_rule_has_an_example() -> None:
    rows = [line.split(" | ") for line in _read("docs/cleaning.md").splitlines() if " | " in line]
    shown = {row[0].strip("| `") for row in rows if row[-1].strip("| ")}

    assert [] == [rule.name for rule in CLEANING_RULES if rule.name not in shown]


def test_every_reason_of_a_self_chat_is_documented() -> None:
    page = _read("docs/self_chat.md")
    found = _returned("models/self_chat/filters.py", ending="")
    for module in (*METHODS, "stage", "baize_one_call"):
        found |= _arguments(f"models/self_chat/{module}.py", {"stop", "refuse"})
    found |= {"no_tags", "wrong_order"}  # what its parser says stands in a pair with no turns

    assert {"ungrounded", "no_stop", "question_", "no_question", "not_answered"} <= found
    assert {"role_flip", "judge_undecided", "out_of_character", "never_right"} <= found
    assert [] == [word for word in sorted(found) if f"`{word}" not in page]


def test_every_method_of_self_chat_and_every_bound_is_documented() -> None:
    page = _read("docs/self_chat.md")

    assert [] == [name for name in (*METHODS, *Bounds.model_fields) if f"`{name}`" not in page]


def test_every_reason_to_teach_nobody_is_documented() -> None:
    page = _read("docs/training_sets.md")
    views = ("staging/stg_training_candidates", "staging/stg_preferences")
    found = {why for view in views for why in re.findall(r"then '(\w+)'", sql.read(view))}
    found |= {*budget.REASONS, "in_suite", "source_share", "not_chosen", "one_answer", "too_long"}
    found |= _returned("assets/preferences.py", ending="") - {"preferences", "split", "family"}

    assert {"held_out", "no_consent", "conflict", "same_answers", "too_deep"} <= found
    assert [] == [why for why in sorted(found) if f"`{why}`" not in page]


def test_every_reason_of_quarantine_is_documented() -> None:
    page = _read("docs/sources.md")
    files = [*sorted((ROOT / "assets/sources").glob("*.py")), ROOT / "assets/inbox.py"]
    names = {"Unreadable", "SourceFormatError", "Piece", "_record", "_link"}
    found = {reason for file in files for reason in _arguments(file, names)}

    assert {"binary", "bad_json", "truncated_json", "no_dash", "outside_link"} <= found
    assert [] == [reason for reason in sorted(found) if f"`{reason}`" not in page]


def test_every_tool_is_documented() -> None:
    page = _read("docs/tools.md")
    names = [t.name for t in tools_of(recall=list, ask=lambda _: None, now=datetime.now)]

    assert [] == [name for name in names if f"| `{name}` |" not in page]


def test_every_source_is_documented() -> None:
    page = _read("docs/sources.md")

    assert [] == [s.name for s in sources.SOURCES if f"`{s.name}`" not in page]


# --- what is named exists -----------------------------------------------------------------------


def test_every_test_named_in_the_documents_exists() -> None:
    named = {
        found
        for page in PAGES
        for found in re.findall(r"tests/[\w/]+\.py(?:::\w+)?", page.read_text(encoding="utf-8"))
    }

    assert named
    assert [] == sorted(name for name in named if not _has_test(name))


def test_every_invariant_names_a_test() -> None:
    section = _read("docs/architecture.md").split("## Invariants")[1].split("\n## ")[0]
    stated = [line for line in section.splitlines() if line.startswith("| **")]

    assert stated
    assert [] == [line for line in stated if "tests/" not in line]


def test_every_check_in_sql_is_an_invariant() -> None:
    page = _read("docs/architecture.md")
    names = [path.stem for path in (ROOT / "sql/checks").glob("*.sql")]

    assert [] == [name for name in sorted(names) if f"`{name}`" not in page]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link]

    assert [] == [link for link in inside if not (page.parent / link).exists()]


def test_documents_named_in_the_code_exist() -> None:
    named = {
        found
        for path in (*_sources("*.py"), *_sources("*.toml"), ROOT / "pyproject.toml")
        for found in re.findall(r"docs/(?:\w+\.md|decisions/\d{4})", path.read_text("utf-8"))
    }

    assert named
    assert [] == [name for name in sorted(named) if not list(ROOT.glob(f"{name}*"))]


def test_decisions_have_one_form() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert [f"{n:04d}" for n in range(1, len(pages) + 1)] == [page.name[:4] for page in pages]
    for page in pages:
        titles = re.findall(r"^## (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert ["Context", "Options", "Decision", "Consequences"] == titles, page.name


def test_no_machine_path_is_told() -> None:
    private = re.compile(r"(?<![\w.~])/(?:work|root|home|tmp|Users)/")

    assert [] == [p.name for p in PAGES if private.search(p.read_text(encoding="utf-8"))]


def test_examples_in_python_compile() -> None:
    blocks = [
        block
        for page in PAGES
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    ]

    assert blocks
    for block in blocks:
        compile(block, "example", "exec")


def test_the_life_of_a_dialogue_is_told_with_its_real_ids(tmp_path: Path) -> None:
    page = _read("docs/architecture.md")
    file = tmp_path / "talks.jsonl"
    file.write_text(re.findall(r"```json\n(.*?)```", page, re.S)[0], encoding="utf-8")
    (dialogue,) = sources.read(file, root=tmp_path)
    place = Place(f"2026-03-05/{file.name}", "", 0)
    table = records_table([dialogue], [place], first_number=0, owner="", pseudonym=str)
    (row,) = table.select(["record_id", "position"]).to_pylist()
    policy = cleaning.load_policy()
    cleaner = cleaning.Cleaner(policy, cleaning.Neighbours(policy))
    (kept,) = cleaner.clean(table.to_batches()[0]).kept.to_pylist()

    ids = (kept["dialogue_id"], kept["revision"], kept["split"])
    told = (row["record_id"], *ids, row["position"])
    assert [] == [word for word in told if f"`{word}`" not in page]


# --- helpers ------------------------------------------------------------------------------------


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _help(*words: str) -> str:
    asked = [*words, "--help"]
    return CliRunner().invoke(main, asked, prog_name="steppe", terminal_width=WIDTH).stdout


def _commands() -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(main.commands.items()):
        yield f"steppe {name}", command
        if isinstance(command, click.Group):
            yield from ((f"steppe {name} {n}", c) for n, c in sorted(command.commands.items()))


def _settings() -> Iterator[tuple[str, object]]:
    nested = []
    for name, info in Settings.model_fields.items():
        section = getattr(info.annotation, "model_fields", None)
        if section is None:
            yield name, info
        else:
            nested += [(f"{name}.{inner}", field) for inner, field in section.items()]
    yield from nested


def _grain(question: str) -> str:
    """Return what the second line of a question says one row is."""
    return sql.read(f"explore/{question}").splitlines()[1].removeprefix("-- grain: one row per ")


def _shown(value: object) -> str:
    """Return a default as the page has it; an empty text would be two bare backticks."""
    if value is None:
        return "none"
    return "empty" if value == "" else f"`{value}`"


def _type(kind: object) -> str:
    return re.sub(r"<(?:item|element): (.*)>$", r"<\1>", str(kind)).replace("|", "\\|")


def _sources(pattern: str) -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob(pattern))


def _modules() -> list[str]:
    return [
        str(path.relative_to(ROOT))
        for pattern in ("*.py", "*.sql", "*.toml", "*.txt", "*.json")
        for path in _sources(pattern)
        if path.name != "__init__.py" and "dialogues" not in path.parts
    ]


def _tree() -> dict[str, str]:
    """Return path -> comment of the README's tree; a line without a path goes on with the last."""
    block = _read("README.md").split("## The tree")[1].split("```")[1].strip("\n")
    shown: dict[str, str] = {}
    folders: list[tuple[int, str]] = []
    for line in block.splitlines():
        first, _, comment = line.strip().partition(" ")
        depth = len(line) - len(line.lstrip())
        if not re.fullmatch(r"[\w.]+(?:/|\.\w+)", first) or depth > 20:
            shown[next(reversed(shown))] += f" {line.strip()}"
            continue
        folders = [f for f in folders if f[0] < depth]
        path = "".join(name for _, name in folders) + first
        shown[path.rstrip("/")] = comment.strip()
        if first.endswith("/"):
            folders.append((depth, first))
    return shown


def _is_shown(path: str, tree: dict[str, str]) -> bool:
    """Say whether a file has its line, or stands by name in the line of its folder."""
    folder, _, name = path.rpartition("/")
    if folder == "sql/explore":
        return f"`{name.removesuffix('.sql')}`" in _read("docs/exploring.md")
    words = set(re.findall(r"[\w.*]+", tree.get(folder, "")))
    stem = name.rpartition(".")[0]
    if name.startswith("assert_"):
        return "assert_*" in words
    return path in tree or stem in words or name in words


def _is_ours(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, errors.SteppeError)


def _has_test(name: str) -> bool:
    file, _, function = name.partition("::")
    path = ROOT / file
    return path.exists() and (
        not function or re.search(rf"^def {function}\(", path.read_text("utf-8"), re.M) is not None
    )


def _parsed(path: Path | str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))


def _words(node: ast.AST) -> set[str]:
    """Return the reasons written in an expression; of a pattern, the part before its value."""
    found = {
        n.value
        for n in ast.walk(node)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and REASON.fullmatch(n.value)
    }
    compared = {
        n.value
        for c in ast.walk(node)
        if isinstance(c, ast.Compare)
        for n in ast.walk(c)
        if isinstance(n, ast.Constant)
    }
    return found - compared


def _returned(path: str, *, ending: str = "_") -> set[str]:
    """Return the reasons in a file's `return` statements."""
    returns = [n.value for n in _parsed(path) if isinstance(n, ast.Return) and n.value]
    found = {word for value in returns for word in _words(value)}
    called = {w for v in returns for c in ast.walk(v) if isinstance(c, ast.Call) for w in _words(c)}
    return {w for w in found - called if ending or not w.endswith("_")}


def _pairs(path: str) -> set[str]:
    """Return what stands in pairs (rule, reason)."""
    pairs = [n for n in _parsed(path) if isinstance(n, ast.Tuple) and len(n.elts) == 2]
    return {
        word
        for pair in pairs
        if all(isinstance(e, ast.Constant) and isinstance(e.value, str) for e in pair.elts)
        for word in _words(pair)
    } - {*schemas.ROLES}


def _name(node: ast.AST) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _arguments(path: Path | str, names: set[str]) -> set[str]:
    """Return the reasons given to these functions, by position or as `broken=`, or to `reason`."""
    found: set[str] = set()
    for node in _parsed(path):
        if isinstance(node, ast.Call):
            if _name(node.func) in names and node.args:
                found |= _words(node.args[0])
            for keyword in node.keywords:
                found |= _words(keyword.value) if keyword.arg == "broken" else set()
        elif isinstance(node, ast.Assign) and _name(node.targets[0]) == "reason":
            found |= _words(node.value)
    return found


if __name__ == "__main__":
    for (page, name), make in BLOCKS.items():
        path = ROOT / page
        path.write_text(renewed(path.read_text(encoding="utf-8"), name, make()), encoding="utf-8")
