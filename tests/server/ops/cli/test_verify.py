"""The command as one types it, with a receipt of a real audit."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from persistence.journal.receipt_key import ensure_seed
from persistence.postgres.pool import Pool
from server.events.audit.receipts import ReceiptKey
from tests.database import complete, query
from tests.server.ops.cli.test_audit import inside, make_sale, onsale

if TYPE_CHECKING:
    import subprocess

SECRET = "a secret of more than thirty-two bytes"
OTHER = ReceiptKey(b"2" * 32).public

pytestmark = pytest.mark.postgres


def make_key(url: str) -> ReceiptKey:
    async def make() -> bytes:
        pool = await Pool.open(url)
        try:
            return await ensure_seed(pool)
        finally:
            await pool.close()

    return ReceiptKey(complete(make()))


def audited(url: str, folder: Path, **environment: str) -> Path:
    done = inside("audit", "evt", "--json", DATABASE_URL=url, **environment)
    assert done.returncode in (0, 1), done.stderr
    path = folder / "receipt.json"
    path.write_text(done.stdout)
    return path


def verified(*arguments: object) -> tuple[int, str]:
    return told(inside("verify", *map(str, arguments)))


def told(done: "subprocess.CompletedProcess[str]") -> tuple[int, str]:
    said = done.stdout + done.stderr
    assert said.count("\n") == 1, said
    return done.returncode, said


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_receipt_is_checked_with_and_without_the_servers_key(database_url, tmp_path):
    make_sale(database_url)
    key = make_key(database_url).public
    receipt = audited(database_url, tmp_path)

    status, said = told(onsale("verify", str(receipt)))
    assert (status, "the key that it names (no --key given)" in said) == (0, True)
    status, said = verified(receipt, "--key", key.public_key)
    assert status == 0
    assert said.startswith(f"Signature ok: signed under the given key, {key.key_id};")
    assert "of event evt, journal and tables agreed." in said
    saved = tmp_path / "key.txt"
    saved.write_text(key.public_key + "\n")
    assert verified(receipt, "--key", saved)[0] == 0

    status, said = verified(receipt, "--key", OTHER.public_key)
    assert (status, "and not under the one given" in said) == (1, True)
    change(receipt, seats_booked=4)
    status, said = verified(receipt, "--key", key.public_key)
    assert status == 1
    assert "Signature BAD: The receipt was changed after" in said


def test_a_signed_receipt_of_differences_is_no_success(database_url, tmp_path):
    make_sale(database_url)
    make_key(database_url)
    complete(query(database_url, "DELETE FROM sold WHERE seat = 0"))
    receipt = audited(database_url, tmp_path)
    status, said = verified(receipt)
    assert (status, "journal and tables DIFFERED" in said) == (1, True)
    change(receipt, ok=True, differences=[])
    status, said = verified(receipt)
    assert (status, "Signature BAD" in said) == (1, True)


def test_before_a_server_made_a_key_a_receipt_is_unsigned(database_url, tmp_path):
    make_sale(database_url)
    receipt = audited(database_url, tmp_path)
    status, said = verified(receipt)
    assert (status, "was not signed" in said) == (1, True)


def test_a_configured_secret_goes_before_the_databases_key(database_url, tmp_path):
    make_sale(database_url)
    stored = make_key(database_url).public
    receipt = audited(database_url, tmp_path, ONSALE_SECRET_KEY=SECRET)
    derived = ReceiptKey.from_secret(SECRET).public
    assert verified(receipt, "--key", derived.public_key)[0] == 0
    assert verified(receipt, "--key", stored.public_key)[0] == 1
    short = inside("audit", "evt", DATABASE_URL=database_url, ONSALE_SECRET_KEY="short")
    assert short.returncode == 2
    assert "ONSALE_SECRET_KEY: The secret key needs at least 32 bytes" in short.stderr


def test_what_cannot_be_checked_ends_with_2_and_one_sentence(tmp_path):
    receipt, long = tmp_path / "receipt.json", tmp_path / "long.json"
    receipt.write_text("{}")
    long.write_text(" " * (1 << 20) + "{}")
    for arguments, sentence in (
        ([receipt], "JSON, but not a receipt"),
        ([tmp_path / "none.json"], "cannot read"),
        ([tmp_path], "cannot read"),
        ([long], "is too long for a receipt"),
        ([receipt, "--key", "nonsense"], "neither 64 hexadecimal digits"),
        ([receipt, "--key", tmp_path], "neither 64 hexadecimal digits"),
    ):
        status, said = verified(*arguments)
        assert (status, sentence in said) == (2, True), (arguments, said)
