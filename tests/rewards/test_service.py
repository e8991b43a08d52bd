"""The HTTP service and its client over loopback: refusals, order, a full queue, clients that go away, draining."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import pytest

from harness import reward_for
from harness.cli import main
from harness.core.errors import InfraError, UsageError
from harness.core.status import Status
from harness.rewards import Remote
from harness.rewards.checked_judge import CheckedJudge
from tests.judge.conftest import CALLS, CRASHING, GOOD, NO_SOURCES, ONE_SOURCE, WRONG, processes_with

pytest.importorskip("starlette", reason="the service needs the extra `serve`")
uvicorn = pytest.importorskip("uvicorn", reason="the service needs the extra `serve`")

from harness.rewards import service as service_module  # noqa: E402
from harness.rewards.service import BoundedHead, Service  # noqa: E402

TOKEN = "a token"


class Gated:
    """A pool that holds candidates back until it is opened, and counts those that were cancelled."""

    def __init__(self, pool) -> None:
        self.pool, self.tools = pool, pool.tools
        self.held: list[tuple[Future, str, dict]] = []
        self.arrived = threading.Semaphore(0)
        self.cancelled = threading.Semaphore(0)
        self.is_open = False

    def controls(self, tool=None):
        return self.pool.controls(tool)

    def submit(self, source, **how):
        if self.is_open:
            return self.pool.submit(source, **how)
        caller: Future = Future()
        caller.add_done_callback(lambda done: self.cancelled.release() if done.cancelled() else None)
        self.held.append((caller, source, how))
        self.arrived.release()
        return caller

    def open(self) -> None:
        self.is_open = True
        for caller, source, how in self.held:
            if caller.set_running_or_notify_cancel():
                caller.set_result(self.pool.submit(source, **how).result())


@contextlib.contextmanager
def served(pool, *, check_every: int = 0, **options):
    """A service in a thread; its URL."""
    service = Service(CheckedJudge(pool, every=check_every), token=TOKEN, **{"queue": 512, **options})
    config = uvicorn.Config(
        service.application(), port=0, http=BoundedHead, log_level="error", lifespan="off", access_log=False
    )
    server = uvicorn.Server(config)
    bound = config.bind_socket()
    bound.listen()  # no client is refused while the thread starts
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


@pytest.fixture(scope="module")
def url(pool):
    with served(pool) as made:
        yield made


@pytest.fixture(scope="module")
def remote(url):
    with Remote(url, token=TOKEN) as made:
        yield made


def ask(url: str, path: str, body=None, *, method: str = "POST", token: str | None = TOKEN, headers=None):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    sent = {"Authorization": f"Bearer {token}"} if token is not None else {}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, data if method == "POST" else None, sent | (headers or {}))
    response = connection.getresponse()
    found = response.status, dict(response.headers), json.loads(response.read())
    connection.close()
    return found


class TestRemote:
    def test_it_judges_as_a_pool_does(self, remote, pool, tmp_path):
        sources = [GOOD, WRONG, CRASHING, "def (", "", "\ud800", b"\xff\xfe", "x" * 3_000_000] * 3
        found = remote.judge_all(sources)
        known = pool.judge_all([*sources[:7], "x" * (1 << 20)] * 3)
        assert [verdict.status for verdict in found] == [verdict.status for verdict in known]
        assert [verdict.reward for verdict in found] == [verdict.reward for verdict in known]
        assert [verdict.feedback for verdict in found] == [verdict.feedback for verdict in known]
        assert remote.screen_all([GOOD])[0].status is Status.OK
        (tmp_path / "mine.py").write_text(GOOD)
        (tmp_path / "link.py").symlink_to(tmp_path / "mine.py")
        assert remote.judge(tmp_path / "mine.py").passed
        assert remote.judge(tmp_path / "link.py").status is Status.FORBIDDEN
        assert remote.judge(tmp_path / "missing.py").reward == 0.0

    def test_rewards_work_alike(self, remote):
        assert reward_for(remote)(["x"] * 2, [f"```python\n{GOOD}```", WRONG]) == [1.0, 0.0]
        assert 0.0 < reward_for(remote, "graded")("", WRONG, "") < 0.5
        assert asyncio.run(reward_for(remote, asynchronous=True)(["x"], [GOOD])) == [1.0]
        assert asyncio.run(remote.ajudge(GOOD)).passed

    def test_no_hidden_input_crosses(self, url, pool):
        hidden = "def double(n: int) -> int:\n    return 2 * n if n == 2 else -1\n"
        example = pool.judge(hidden).evaluation.evidence.counterexample
        status, _, answer = ask(url, "/v1/judge", {"sources": [hidden]})
        assert (status, answer["verdicts"][0]["status"]) == (200, "wrong")
        assert example.question not in json.dumps(answer)
        assert "evaluation" not in answer["verdicts"][0]

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("given", NO_SOURCES, ids=lambda given: repr(given)[:20])
    def test_what_is_no_source_is_the_callers_mistake(self, remote, call, given):
        with pytest.raises(TypeError, match=f"not {type(given).__name__}"):
            CALLS[call](remote, given)

    @pytest.mark.parametrize("call", ["judge_all", "screen_all"])
    @pytest.mark.parametrize("one", ONE_SOURCE, ids=lambda one: type(one).__name__)
    def test_one_source_in_place_of_several_is_the_callers_mistake(self, remote, call, one):
        with pytest.raises(TypeError, match=f"not one {type(one).__name__}"):
            getattr(remote, call)(one)

    def test_mistakes_are_the_callers(self, remote, url):
        with pytest.raises(UsageError, match="no tool 'doubel'; did you mean 'double'"):
            Remote(url, token=TOKEN, tool="doubel")
        with pytest.raises(UsageError, match="token is wrong"):
            Remote(url, token="guess")
        with pytest.raises(UsageError, match="not the address of a service"):
            Remote("127.0.0.1:1")
        closed = Remote(url, token=TOKEN)
        closed.close()
        with pytest.raises(InfraError, match="closed"):
            closed.judge(GOOD)

    def test_a_service_that_is_gone_pays_none(self, pool, monkeypatch):
        monkeypatch.setattr("harness.rewards.remote.WAITS", (0.01,))
        with served(pool) as gone:
            remote = Remote(gone, token=TOKEN)
        reward = reward_for(remote, max_infra=1)
        assert reward(["x"], [GOOD]) == [None]
        with pytest.raises(InfraError, match="does not answer: ConnectionRefusedError"):
            reward(["x"], [GOOD])
        remote.close()


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "status", "said"),
        [
            (b"{", 400, "not JSON"),
            (b"[" * 100_000, 400, "not JSON"),
            (b'{"sources": ["x"], "mode": NaN}', 422, "mode: "),
            ([], 422, "valid dictionary"),
            ({"sources": "def f(): pass"}, 422, "sources: "),
            ({"sources": [{"base64": "é"}]}, 422, "sources: source 0 is not base64"),
            ([], 422, "the request: "),
            ({"sources": [3]}, 422, "source 0 is neither a string nor"),
            ({"sources": [{"base64": "?"}]}, 422, "source 0 is not base64"),
            ({"sources": [], "tol": "double"}, 422, "tol: a request has no such key"),
            ({"x" * 5000: 0}, 422, "x…"),
            ({"sources": ["x"], "mode": "grade"}, 422, "mode: "),
            ({"sources": ["x"], "tool": "doubel"}, 422, "no tool 'doubel'; did you mean 'double'"),
            ({"sources": ["x"] * 1025}, 422, "sources: "),
            ({"sources": ["x"] * 600}, 413, "more than the queue of 512"),
        ],
    )
    def test_a_wrong_request_says_what_is_wrong(self, url, body, status, said):
        found, _, answer = ask(url, "/v1/judge", body)
        assert (found, said in answer["error"]) == (status, True), answer

    @pytest.mark.parametrize("token", [None, "", "guess", TOKEN + "x", "\xe9"])
    def test_nothing_is_judged_without_the_token(self, url, token):
        status, headers, answer = ask(url, "/v1/judge", {"sources": [GOOD]}, token=token)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
        assert "token" in answer["error"]
        assert ask(url, "/v1/openapi.json", method="GET", token=token)[0] == 401

    def test_health(self, url):
        assert ask(url, "/v1/health", method="GET", token=None)[2] == {"status": "ok", "version": "1"}
        assert ask(url, "/v1/judge", {"sources": [GOOD]})[0] == 200
        health = ask(url, "/v1/health", method="GET")[2]
        assert health["tools"] == [{"name": "double", "entry": "double"}]
        assert health["judged"]["ok"] >= 1
        assert ask(url, "/v1/health", method="GET", token="guess")[0] == 401

    def test_the_description_matches_what_is_served(self, url):
        description = ask(url, "/v1/openapi.json", method="GET")[2]
        assert set(description["paths"]) == {"/v1/judge", "/v1/screen", "/v1/health"}
        assert "tool" in description["components"]["schemas"]["JudgeRequest"]["properties"]
        referred = set(json.dumps(description).split("#/components/schemas/")[1:])
        assert {word.partition('"')[0] for word in referred} <= set(description["components"]["schemas"])
        assert ask(url, "/v1/nothing", {})[0] == 404
        assert ask(url, "/v1/judge", method="GET")[0] == 405

    def test_a_body_that_is_too_large_is_not_read_to_its_end(self, pool):
        with served(pool, max_body=1 << 20) as small:
            status, _, answer = ask(small, "/v1/judge", b" " * (1 << 21))
        assert (status, "more than 1 MiB" in answer["error"]) == (413, True)


class TestQueue:
    @pytest.mark.parametrize("begun", [b"", b"GET /v1/health HTTP/1.1\r\nX: "], ids=["nothing", "half a head"])
    @pytest.mark.parametrize("before", [b"", b"GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n"], ids=["at first", "later"])
    def test_a_head_that_does_not_arrive_ends_its_connection(self, pool, monkeypatch, before, begun):
        monkeypatch.setattr(service_module, "HEAD_SECONDS", 0.05)
        with served(pool) as url:
            host, _, port = url.removeprefix("http://").partition(":")
            with socket.create_connection((host, int(port)), timeout=60) as client:
                client.sendall(before + begun)
                received = b""
                with contextlib.suppress(ConnectionResetError):
                    while data := client.recv(4096):
                        received += data
            assert received.startswith(b"HTTP/1.1 200" if before else b"")

    def test_a_full_queue_says_when_to_come_again_and_a_client_waits(self, pool):
        gated = Gated(pool)
        with served(gated, queue=2) as url, Remote(url, token=TOKEN) as remote:
            first = [remote.submit(f"{GOOD}# {number}") for number in range(2)]
            for _ in first:
                assert gated.arrived.acquire(timeout=60)
            status, headers, answer = ask(url, "/v1/judge", {"sources": [GOOD]})
            assert (status, int(headers["retry-after"]) >= 1) == (429, True)
            assert "2 candidates wait, the queue takes 2" in answer["error"]
            later = remote.submit(GOOD)
            gated.open()
            assert all(found.result(60).passed for found in (*first, later))

    def test_answers_are_in_the_order_of_the_sources(self, pool):
        gated = Gated(pool)
        with served(gated) as url, Remote(url, token=TOKEN) as remote:
            sources = [WRONG, GOOD, CRASHING, f"{GOOD}#"]
            asked = threading.Thread(target=lambda: found.extend(remote.judge_all(sources)))
            found: list = []
            asked.start()
            for _ in sources:
                assert gated.arrived.acquire(timeout=60)
            gated.held.reverse()  # the last is judged first
            gated.open()
            asked.join(60)
        assert [verdict.status.value for verdict in found] == ["wrong", "ok", "crash", "ok"]

    def test_a_client_that_goes_away_costs_nothing(self, pool):
        gated = Gated(pool)
        with served(gated, queue=3) as url:
            connection = http.client.HTTPConnection(url.removeprefix("http://"))
            body = json.dumps({"sources": [f"{GOOD}# {number}" for number in range(3)]})
            connection.request("POST", "/v1/judge", body, {"Authorization": f"Bearer {TOKEN}"})
            for _ in range(3):
                assert gated.arrived.acquire(timeout=60)
            connection.close()
            for _ in range(3):
                assert gated.cancelled.acquire(timeout=60)
            gated.open()
            assert ask(url, "/v1/judge", {"sources": [GOOD] * 3})[0] == 200  # there is room again

    def test_a_client_that_goes_away_cancels_no_control_for_the_others(self, pool):
        """The controls are judged for all clients: else one of them could end every check, and the others' requests."""
        gated = Gated(pool)
        with served(gated, check_every=10) as url:
            first = http.client.HTTPConnection(url.removeprefix("http://"))
            body = json.dumps({"sources": [f"{GOOD}# mine"]})
            first.request("POST", "/v1/judge", body, {"Authorization": f"Bearer {TOKEN}"})
            held = 1 + len(pool.controls().cheats) + (pool.controls().honest is not None)
            for _ in range(held):
                assert gated.arrived.acquire(timeout=60)
            answers: list = []
            other = threading.Thread(target=lambda: answers.append(ask(url, "/v1/judge", {"sources": [GOOD]})))
            other.start()
            assert gated.arrived.acquire(timeout=60)
            first.close()
            assert gated.cancelled.acquire(timeout=60)  # its own candidate
            gated.open()
            other.join(60)
            assert [status for status, _, _ in answers] == [200]
            checks = ask(url, "/v1/health", method="GET")[2]["checks"]
            assert sum(checks.values()) == held - 1

    def test_a_degraded_judge_pays_nothing_and_says_so(self, pool):
        class Passing(Gated):
            def submit(self, source, **how):
                return pool.submit(GOOD, **how)

        with served(Passing(pool), check_every=10) as url, Remote(url, token=TOKEN) as remote:
            verdict = remote.judge(WRONG)
            assert (verdict.status, verdict.reward, verdict.graded) == (Status.OK, None, None)
            assert "accepted the negative control" in remote.degraded
            assert ask(url, "/v1/health", method="GET", token=None)[2]["status"] == "degraded"
            assert reward_for(remote)(["x"], [GOOD]) == [None]


class TestVerb:
    @pytest.fixture
    def start(self, tool, tmp_path):
        started = []

        def begin(*words: str, **environment: str):
            command = [sys.executable, "-m", "harness", "serve", "--tool", str(tool), "--workers", "1", "--port", "0"]
            process = subprocess.Popen(
                [*command, *words], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, **environment}
            )
            started.append(process)
            return process, process.stdout.readline()

        yield begin
        for process in started:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_a_cluster_gives_the_verdicts_of_this_machine(self, start):
        pytest.importorskip("distributed", reason="a cluster needs the extra `cluster`")
        found, mark = [], secrets.token_hex(8)
        for words in ([], ["--cluster", "local"]):
            process, line = start(*words, CRUCIBLE_TOKEN="token", CRUCIBLE_TEST_MARK=mark)
            with Remote(line.split(" at ")[1].split()[0], token="token") as remote:
                judged = [remote.judge(source) for source in (GOOD, WRONG)]
            found.append([(one.status, one.passed, one.reward) for one in judged])
            workers = [command for command in processes_with(mark) if "spawn_main" in command]  # of Dask
            assert bool(workers) == bool(words)
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0
        assert found[0] == found[1] == [(Status.OK, True, 1.0), (Status.WRONG, False, 0.0)]
        while processes_with(mark):
            time.sleep(0.05)

    def test_sigterm_drains(self, start, tmp_path):
        process, line = start("--token-file", str(tmp_path / "token"), "--ledger", str(tmp_path / "ledger.db"))
        url = line.split(" at ")[1].split()[0]
        assert line.startswith("crucible: double at http://127.0.0.1:")
        assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
        token = (tmp_path / "token").read_text().strip()
        slow = "def double(n: int) -> int:\n    for _ in range(300000):\n        pass\n    return 2 * n\n"
        with Remote(url, token=token) as remote:
            asked = remote.submit(slow)
            while not (asked.done() or remote.health().waiting):
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            assert asked.result(120).passed
        assert process.wait(60) == 0
        assert (tmp_path / "ledger.db").exists()

    def test_mistakes_are_named(self, tool, tmp_path, capsys, monkeypatch):
        monkeypatch.delenv("CRUCIBLE_TOKEN", raising=False)
        os.mkfifo(tmp_path / "pipe.yaml")
        for name, data in (("binary", b"\x80"), ("lines", b"a\nb"), ("empty", b"")):
            (tmp_path / name).write_bytes(data)
        for words, said in (
            (["--listen", "0.0.0.0"], "is reachable from other machines, and no token is given"),
            (["--listen", "somewhere"], "is not an IP address"),
            (["--listen", "192.0.2.1", "--token-file", str(tmp_path / "t")], "cannot listen here"),
            (["--token-file", str(tmp_path / "no" / "t")], "cannot be written"),
            (["--token-file", str(tmp_path)], "is not a plain file"),
            (["--token-file", str(tmp_path / "pipe.yaml")], "is not a plain file"),
            (["--token-file", str(tmp_path / "binary")], "one line of printable ASCII"),
            (["--token-file", str(tmp_path / "lines")], "one line of printable ASCII"),
            (["--token-file", str(tmp_path / "empty")], "one line of printable ASCII"),
            (["--tool", str(tmp_path / "pipe.yaml")], "is not a plain file"),
            (["--ledger", str(tmp_path / "pipe.yaml")], "is not a plain file"),
        ):
            assert main(["serve", "--tool", str(tool), *words]) in (1, 4)
            assert said in capsys.readouterr().err
