"""The upstream's watch: what hangs is noticed, ended and started anew."""

import asyncio
import signal
import socket
import subprocess
import sys

import pytest

from models.serving import upstream
from models.serving.upstream import Upstream

HEALTHY = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

HTTPServer(("127.0.0.1", int(sys.argv[1])), Healthy).serve_forever()
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "HEALTH_SECONDS", 0.5)


def test_a_server_that_accepts_and_never_answers_is_down() -> None:
    async def asked() -> bool:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            ours = Upstream(f"http://127.0.0.1:{silent.getsockname()[1]}")
            try:
                return await asyncio.wait_for(ours._is_healthy(), 10)
            finally:
                await ours.close()

    assert not asyncio.run(asked())


def test_a_server_of_ours_that_hangs_is_started_anew() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def launch() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", HEALTHY, str(port)])

    async def hung() -> tuple[int | None, int]:
        ours = Upstream(f"http://127.0.0.1:{port}", launch=launch)
        watch = asyncio.create_task(ours.watch())
        try:
            async with asyncio.timeout(60):
                while not ours.is_up:
                    await asyncio.sleep(0.05)
                first = ours.process
                first.send_signal(signal.SIGSTOP)
                while not (ours.restarts and ours.is_up):
                    await asyncio.sleep(0.05)
            return first.poll(), ours.restarts
        finally:
            watch.cancel()
            await ours.close()
            ours.process.kill()

    assert (-signal.SIGKILL, 1) == asyncio.run(hung())
