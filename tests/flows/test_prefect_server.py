"""Which Prefect server a command uses: what the environment names, or the embedded one, whatever lies about."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from steadymap.configs.errors import InputError
from steadymap.flows.cli import app as cli
from steadymap.flows.cli.prefect_server import choose_server
from tests.flows.test_cli import run

NOBODY = "http://127.0.0.1:9/api"


class Healthy(BaseHTTPRequestHandler):
    """A server that answers, and asks who is there."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Healthy) as listening:
        threading.Thread(target=listening.handle_request, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/api"


def profiles(home: Path, url: str) -> None:
    home.mkdir()
    text = f'active = "lab"\n[profiles.lab]\nPREFECT_API_URL = "{url}"\n'
    (home / "profiles.toml").write_text(text, encoding="utf-8")


def test_a_named_server_that_does_not_answer_is_missed_at_once() -> None:
    with pytest.raises(InputError) as missed:
        choose_server({"PREFECT_API_URL": NOBODY})
    assert missed.value.place == "PREFECT_API_URL of the environment"
    assert "unset PREFECT_API_URL" in str(missed.value.remedy)
    with pytest.raises(InputError, match="no http"):
        choose_server({"PREFECT_API_URL": "localhost:4200"})


def test_a_named_server_that_answers_is_used_whatever_it_answers(server: str) -> None:
    settings = {"PREFECT_API_URL": server}
    assert choose_server(settings) == []
    assert settings == {"PREFECT_API_URL": server}


def test_the_server_of_a_profile_is_used_where_it_answers(tmp_path: Path, server: str) -> None:
    profiles(tmp_path / "home", server)
    settings = {"PREFECT_HOME": str(tmp_path / "home")}
    assert choose_server(settings) == []
    assert settings["PREFECT_API_URL"] == server


def test_the_embedded_server_does_not_hang_on_a_profile(tmp_path: Path) -> None:
    profiles(tmp_path / "home", NOBODY)
    settings = {"PREFECT_HOME": str(tmp_path / "home"), "PREFECT_SERVER_EPHEMERAL_ENABLED": "false"}
    (told,) = choose_server(settings)
    assert NOBODY in told
    assert "profile 'lab'" in told
    assert "PREFECT_API_URL" not in settings
    assert settings["PREFECT_SERVER_EPHEMERAL_ENABLED"] == "true"
    assert not Path(settings["PREFECT_PROFILES_PATH"]).exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", f"PREFECT_API_URL={NOBODY}\n"),
        ("prefect.toml", f'[api]\nurl = "{NOBODY}"\n'),
        ("pyproject.toml", '[tool.prefect.server.database]\nconnection_url = "postgresql://nobody"\n'),
    ],
)
def test_files_that_lie_about_have_no_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"PREFECT_HOME": str(tmp_path / "home")}
    assert choose_server(dict(settings)) == []
    (tmp_path / name).write_text(text, encoding="utf-8")
    (told,) = choose_server(settings)
    assert name in told
    assert settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"].endswith("home/prefect.db")


def test_a_home_that_cannot_be_written_is_told_and_done_without(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file", encoding="utf-8")
    settings = {"PREFECT_HOME": str(tmp_path / "home")}
    (told,) = choose_server(settings)
    assert "cannot be written" in told
    assert Path(settings["PREFECT_HOME"]).is_dir()


def test_a_fault_of_our_own_goes_to_a_log_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("nobody expected this")

    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.EXIT_NOTHING_USABLE
    (log,) = tmp_path.glob("steadymap-*.log")
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert str(log) in told
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_a_command_says_in_four_parts_that_its_server_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blobs_file: Path
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", NOBODY)
    printed = run("sweep", str(blobs_file), "--fast", cwd=tmp_path)
    assert printed.returncode == cli.EXIT_BAD_INPUT
    assert "Traceback" not in printed.stderr
    for words in (NOBODY, "does not answer", "rule:", "remedy:", "PREFECT_API_URL of the environment"):
        assert words in printed.stderr


def test_a_server_that_ends_as_soon_as_it_starts_is_not_started_for_ever(tmp_path: Path) -> None:
    # uvicorn ends with the same code as where its port is taken, for which Prefect starts it again without end.
    nowhere = f"sqlite+aiosqlite:///{tmp_path / 'no folder'}/prefect.db"
    ended = subprocess.run(
        [sys.executable, "-c", "from steadymap.flows.cli.embedded_server import start_server; start_server()"],
        env={**os.environ, "PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_DATABASE_CONNECTION_URL": nowhere},
        capture_output=True,
        text=True,
        timeout=110,  # it would be 120 s, or for ever
        check=False,
    )
    assert ended.returncode == 1
    assert "Prefect's embedded server does not start: it ends at once, with code 3" in ended.stderr


def test_a_server_that_is_no_more_is_not_waited_for(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "from prefect.server.api import server\n"
        "from steadymap.flows.cli.embedded_server import start_server\n"
        "ends = [sys.executable, '-c', 'raise SystemExit(1)']\n"
        "server.SubprocessASGIServer._run_uvicorn_command = lambda self: subprocess.Popen(ends)\n"
        "try:\n"
        "    start_server()\n"
        "except Exception as error:\n"
        "    print(error)\n"
        "import threading\n"
        "print([one.name for one in threading.enumerate()])\n"
    )
    patient = {"PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "900"}
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **patient},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "it ends at once, with code 1" in ended.stdout
    # Whoever waits for it has given up, too: a thread that still writes while Python ends would abort it.
    assert "embedded server" not in ended.stdout.splitlines()[-1]
