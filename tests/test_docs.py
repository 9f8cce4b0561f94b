"""What the documentation says of the code, held to the code."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import fields

from persistence.journal.audit import Receipt
from server.base.settings import FILES, NAMES, OTHERS, Config
from server.events.audit.receipts import ReceiptKey
from server.shop.payments.stripe.webhooks import EVENTS
from tests.server.events.audit.test_receipts import RECEIPT

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
DEPLOYMENT = ROOT / "docs" / "deployment.md"
RELIABILITY = ROOT / "docs" / "reliability.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_every_file_that_a_page_names_is_there(page):
    text = page.read_text()
    links = {
        link.partition("#")[0]
        for link in re.findall(r"\]\(([^)]+)\)", text)
        if "://" not in link and not link.startswith("#")
    }
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.(?:py|sql|md))?)`", text))
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [name for name in named if not (ROOT / name).exists()]
    # Rooms inside a room are called by their own names there.
    rooms = ROOT / "inventory", ROOT / "persistence", ROOT / "server"
    assert [
        name for name in missing if not any((room / name).is_dir() for room in rooms)
    ] == []


def table_of(text: str, heading: str) -> list[list[str]]:
    """The rows of the table that begins with this heading."""
    lines = text.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith(heading))
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_readme_lists_every_setting_with_its_default():
    defaults = {field.name: field.default for field in fields(Config)}
    listed = {}
    for option, names, default, _ in table_of(README.read_text(), "| option |"):
        for name in re.findall(r"[A-Z_]{3,}", names):
            setting = NAMES.get(name, name)
            listed[setting] = (option.strip("`"), default.strip("`"))
    # Which files the others were read from is nothing that one sets.
    assert set(listed) - OTHERS == set(defaults) - {"secret_files"}
    for name, (option, said) in listed.items():
        if name in OTHERS:
            continue
        if option:
            assert option == f"--{name.replace('_', '-')}"
        default = defaults[name]
        if isinstance(default, str | int) and not isinstance(default, bool):
            assert said == str(default), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_setting_that_there_is_not(page):
    found = set(re.findall(r"\bONSALE_[A-Z_]+", page.read_text()))
    ours = {name for name in found if name.startswith("ONSALE_TEST_")}
    assert found - ours <= set(NAMES) | set(FILES) | OTHERS
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    assert all(f'"{name}"' in tests for name in ours)


def test_the_manifest_for_several_machines_says_all_that_they_need():
    text = (ROOT / "deploy" / "kubernetes.yaml").read_text()
    set_there = set(re.findall(r"- \{?name: ([A-Z0-9_]+)\b", text)) - {"POD_IP"}
    assert set_there <= set(NAMES)
    shared = " ".join(row[1] for row in table_of(DEPLOYMENT.read_text(), "| what |"))
    needed = set(re.findall(r"[A-Z0-9_]{3,}", shared))
    # These are for a while, and for some only.
    assert needed - {"ONSALE_OLD_SECRET_KEY", "AWS_SESSION_TOKEN"} <= set_there
    # Else the service's address would come in the place of settings.
    assert re.search(r"^ +enableServiceLinks: false$", text, re.MULTILINE)


def test_the_manifest_says_how_to_make_what_it_takes_from_elsewhere():
    text = (ROOT / "deploy" / "kubernetes.yaml").read_text()
    taken = re.findall(r"(secret|configMap)KeyRef: \{name: onsale, key: ([\w-]+)", text)
    assert len(taken) == text.count("KeyRef:")
    head = text.partition("apiVersion")[0]
    secret, _, plain = head.partition("create configmap")
    made = [("secret", key) for key in re.findall(r"literal=([\w-]+)=", secret)]
    made += [("configMap", key) for key in re.findall(r"literal=([\w-]+)=", plain)]
    # The migration and the server are told of the same database.
    assert sorted(made) == sorted(set(taken))


def test_every_field_of_a_receipt_is_explained():
    cells = [row[0] for row in table_of(RELIABILITY.read_text(), "| field |")]
    told = re.findall(r"`([\w.]+)`", " ".join(cells))
    signed = ReceiptKey(b"1" * 32).sign(RECEIPT)
    digests = {f"digest.{name}" for name in signed["digest"]}
    assert set(told) == set(signed) - {"digest"} | digests
    assert set(Receipt.__struct_fields__) <= set(signed)


def test_the_check_without_onsale_believes_what_is_true_and_nothing_else(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", RELIABILITY.read_text(), re.DOTALL)
    key = ReceiptKey(b"1" * 32)
    (tmp_path / "key.json").write_bytes(msgspec.json.encode(key.public))

    def run(receipt: dict[str, object]) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "receipt.json").write_bytes(msgspec.json.encode(receipt))
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    good = run(key.sign(RECEIPT))
    assert good.returncode == 0, good.stderr
    changed = run(key.sign(RECEIPT) | {"bookings": 3})
    assert changed.returncode == 1
    assert "InvalidSignature" in changed.stderr


def test_who_sets_up_stripe_is_told_what_to_be_told_of():
    """What the endpoint is not told of would be found by looking, minutes later."""
    told = "".join(page.read_text() for page in PAGES)
    assert [kind for kind in EVENTS if f"`{kind}`" not in told] == []
