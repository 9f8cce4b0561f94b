"""Children know what they need, and no secret of ours."""

from persistence.environment import plain_environment, python_environment
from server.base.settings import FILES, NAMES, SECRETS

SECRET = {
    **{name: "a secret" for name, field in NAMES.items() if field in SECRETS},
    "ONSALE_ADMIN_EMAIL": "admin@example.org",
    "GITHUB_TOKEN": "a secret of somebody else's",
    "AWS_PROFILE": "mine",
    **dict.fromkeys(FILES, "/run/secrets/one"),
}
NEEDED = {"PATH": "/bin", "LC_ALL": "C.UTF-8", "TMPDIR": "/var/tmp"}
OF_PYTHON = {"PYTHONPATH": "/srv", "VIRTUAL_ENV": "/venv"}
OF_CONNECTIONS = {"PGSSLROOTCERT": "/ca.pem", "SSL_CERT_FILE": "/ca.pem"}
EVERYTHING = SECRET | NEEDED | OF_PYTHON | OF_CONNECTIONS


def test_a_program_of_somebody_elses_gets_what_any_program_needs():
    assert plain_environment(EVERYTHING) == NEEDED


def test_a_child_of_our_own_code_gets_what_python_needs_too():
    assert python_environment(EVERYTHING, connects=False) == NEEDED | OF_PYTHON


def test_who_connects_to_a_database_also_knows_whom_to_believe():
    assert python_environment(EVERYTHING) == NEEDED | OF_PYTHON | OF_CONNECTIONS


def test_what_is_there_is_taken_from_our_own(monkeypatch):
    monkeypatch.setenv("ONSALE_SECRET_KEY", "a secret")
    monkeypatch.setenv("LC_TIME", "C")
    assert "ONSALE_SECRET_KEY" not in plain_environment()
    assert plain_environment()["LC_TIME"] == "C"
