"""Questions, as files, in four folders.

`staging/` renames, `marts/` answer, `explore/` answers people, `checks/` return offending rows.
`read("marts/cleaning_funnel")` gives a question's text; nothing else in Python holds SQL of more
than one line.
"""

from __future__ import annotations

from importlib.resources import files


def read(name: str) -> str:
    """Return the text of `<name>.sql`; `FileNotFoundError` names a question nobody wrote."""
    return files("sql").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def headline(name: str) -> str:
    """Return what a question asks or holds: the comment in its first line."""
    return read(name).partition("\n")[0].removeprefix("-- ")


def names(folder: str) -> list[str]:
    """Return the names of the questions in a folder, sorted, without the folder."""
    entries = files("sql").joinpath(folder).iterdir()
    return sorted(e.name.removesuffix(".sql") for e in entries if e.name.endswith(".sql"))
