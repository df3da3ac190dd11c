"""The asset of what was answered: its rows, what it tells, and the check that runs with it."""

import dagster as dg

from assets import answered
from lake.settings import Settings
from lake.tables import Lake
from models.serving.conversation_log import ConversationLog
from orchestration.definitions import build

WHOSE = {"conversation_id": "c", "request_id": "r", "user": "vera", "adapter": "base"}
TOOK = {"tokens": {"prompt_tokens": 3, "completion_tokens": 2}, "seconds": 1, "first_seconds": 1}


def run(chosen: Settings) -> dg.ExecuteInProcessResult:
    job = build(chosen).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=[dg.AssetKey(answered.TABLE)])


def told(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (made,) = result.asset_materializations_for_node(answered.TABLE)
    return {name: value.value for name, value in made.metadata.items()}


def test_the_asset_writes_what_was_answered_and_is_checked(lake: Lake, chosen: Settings) -> None:
    log = ConversationLog(chosen.inbox, chosen.home / "streams")
    said = [{"role": "user", "content": "Где ключи?"}]
    log.put("request", **WHOSE, messages=said, memories=[]).result()
    log.put("answer", **WHOSE, content="Тут.", finish="stop", **TOOK).result()
    log.put("answer", **{**WHOSE, "request_id": "x"}, content="Тут.", finish="stop").result()
    log.close()

    first, again = run(chosen), run(chosen)

    assert [("r", "stop", 2)] == [
        (row["answer_id"], row["finish"], row["completion_tokens"])
        for row in lake.rows(answered.TABLE)
    ]
    about = told(first)
    assert (1, 1, 1) == (about["dagster/row_count"], about["days_written"], about["orphan_answer"])
    assert "| base | champion | 1 | 1 |" in str(about["by_adapter"])
    assert 0 == told(again)["days_written"]
    assert {"assert_every_request_is_answered_for"} == {
        check.check_name for check in first.get_asset_check_evaluations() if check.passed
    }
