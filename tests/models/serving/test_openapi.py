"""The gateway's own description, tried by schemathesis with whatever it allows and more."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.serving.own_tools import OwnTools
from models.tools.calculator import calculator
from models.tools.clock import clock

EXAMPLES = 60


@pytest.mark.slow
def test_no_request_breaks_the_server(served, tmp_path) -> None:
    lent = (calculator(), clock(lambda: datetime.now(UTC)))
    served.gateway.own = OwnTools(lambda _: lent, [tool.name for tool in lent])
    command = [
        Path(sys.executable).with_name("schemathesis"),
        *("run", f"{served.url}/openapi.json", "--checks", "not_a_server_error"),
        *("--max-examples", str(EXAMPLES), "--seed", "1", "--request-timeout", "60"),
        *("-H", "Authorization: Bearer secret"),  # without keys only the owner's addresses ask it
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    print(done.stdout[-2000:])
    assert 0 == done.returncode, done.stdout + done.stderr
    assert " passed" in done.stdout
