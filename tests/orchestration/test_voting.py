"""People's votes: taken in once, counted, and nothing of them lost."""

import json
from pathlib import Path

from click.testing import CliRunner

from lake.settings import settings
from lake.tables import Lake
from orchestration.cli import main


def test_votes_are_taken_in_once_and_bad_lines_kept(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    votes = [
        {"item": f"i{n}", "first": "a", "second": "b", "worker": w, "choice": c}
        for n in range(4)
        for w, c in (("x", "first"), ("y", "first" if n else "tie"))
    ]
    path.write_text("\n".join([*map(json.dumps, votes), "что это?"]), encoding="utf-8")

    first = CliRunner().invoke(main, ["votes", str(path)], catch_exceptions=False)
    second = CliRunner().invoke(main, ["votes", str(path)], catch_exceptions=False)

    assert "9 votes taken in, 0 already known; 1 of them are no vote" in first.stdout
    assert "a and b: 8 votes on 4 items: a 3, no majority 1; Krippendorff's alpha" in first.stdout
    assert "0 votes taken in, 9 already known" in second.stdout
    rows = Lake(settings().home).rows("evaluations_comparisons")
    assert ["что это?"] == [r["text"] for r in rows if r["choice"] is None]
