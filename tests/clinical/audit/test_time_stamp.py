"""Time stamps of signed heads, by a real time-stamping authority made of Debian's openssl."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from stamping_authority import Authority, make_authority

from clinical.audit import heads, ledger, time_stamp
from clinical.audit.heads import TreeHead
from clinical.errors import ConfigError, LedgerError
from clinical.workspace.database import folder_of, writing
from pipelines.cli import main


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: there is nobody to stamp")
    return make_authority(tmp_path_factory.mktemp("stamping") / "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Authority:
    return make_authority(tmp_path_factory.mktemp("stamping") / "stranger")


def signed_head(engine: Engine) -> TreeHead:
    with writing(engine) as connection:
        ledger.append(connection, "OPENED", actor="reader", payload={})
        return heads.sign_now(connection)


@pytest.fixture
def head(workspace: Engine) -> TreeHead:
    return signed_head(workspace)


def test_a_good_stamp_says_when_and_by_whose_clock(head: TreeHead, authority: Authority) -> None:
    asked = time_stamp.request(head)
    before = datetime.now(UTC).replace(microsecond=0)
    answer = authority.answer(asked)
    stamp = time_stamp.check(head, answer, authority.root, asked=asked)
    assert before <= stamp.time <= datetime.now(UTC)
    assert stamp.accuracy == timedelta(seconds=1.5)
    assert stamp.authority == "CN=clock,O=Made up"
    assert time_stamp.check(head, answer, authority.root) == stamp, "the request may be lost"


def test_openssl_reads_the_request(head: TreeHead, authority: Authority) -> None:
    (authority.folder / "head.tsq").write_bytes(time_stamp.request(head))
    shown = authority.run("ts", "-query", "-in", "head.tsq", "-text")
    rows = [line[11:58] for line in shown.splitlines() if line.startswith("    00")]
    digest = hashlib.sha256(heads.statement(head)).hexdigest()
    assert "".join(rows).replace("-", "").replace(" ", "") == digest
    assert "Hash Algorithm: sha256" in shown
    assert "Certificate required: yes" in shown
    assert "Nonce: 0x" in shown
    assert time_stamp.request(head) != time_stamp.request(head), "a nonce of its own"


def test_whoever_has_no_triptych_can_check_it_with_openssl(
    head: TreeHead, authority: Authority
) -> None:
    asked = time_stamp.request(head)
    (authority.folder / "head.tsr").write_bytes(authority.answer(asked))
    kept = heads.as_json(head)
    del kept["signature"], kept["public_key"]
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    files = ("-in", "head.tsr", "-CAfile", "root.pem")
    authority.run("ts", "-verify", "-queryfile", "asked.tsq", *files)
    authority.run("ts", "-verify", "-digest", digest, *files)


def test_the_stamped_digest_is_the_one_that_the_next_head_names(
    workspace: Engine, head: TreeHead
) -> None:
    assert signed_head(workspace).previous == hashlib.sha256(heads.statement(head)).hexdigest()


def test_the_stamp_of_another_head_does_not_hold(
    workspace: Engine, head: TreeHead, authority: Authority
) -> None:
    answer = authority.answer(time_stamp.request(head))
    with pytest.raises(LedgerError, match="over another digest"):
        time_stamp.check(signed_head(workspace), answer, authority.root)


def test_an_answer_to_another_request_is_told_by_its_nonce(
    head: TreeHead, authority: Authority
) -> None:
    answer = authority.answer(time_stamp.request(head))
    with pytest.raises(LedgerError, match="answers another request"):
        time_stamp.check(head, answer, authority.root, asked=time_stamp.request(head))


def test_a_changed_time_is_found(head: TreeHead, authority: Authority) -> None:
    answer = authority.answer(time_stamp.request(head))
    time = time_stamp.check(head, answer, authority.root).time
    said, later = (f"{at:%Y%m%d%H%M%S}Z".encode() for at in (time, time + timedelta(hours=1)))
    with pytest.raises(LedgerError, match="changed after it was signed"):
        time_stamp.check(head, answer.replace(said, later), authority.root)


@pytest.mark.filterwarnings("ignore:Parsed a serial number:UserWarning")
def test_no_changed_byte_makes_it_say_something_else(head: TreeHead, authority: Authority) -> None:
    answer = authority.answer(time_stamp.request(head))
    stamp = time_stamp.check(head, answer, authority.root)
    refused = 0
    for at in range(len(answer)):
        changed = answer[:at] + bytes([answer[at] ^ 1 << at % 8]) + answer[at + 1 :]
        try:
            # The few bytes that nothing signs (versions, names of algorithms) may differ.
            assert time_stamp.check(head, changed, authority.root) == stamp
        except LedgerError:
            refused += 1
    assert refused > 0.97 * len(answer)


def test_another_authority_is_not_trusted(
    head: TreeHead, authority: Authority, stranger: Authority
) -> None:
    answer = stranger.answer(time_stamp.request(head))
    with pytest.raises(LedgerError, match="does not lead to a root that was given"):
        time_stamp.check(head, answer, authority.root)
    assert time_stamp.check(head, answer, authority.root + stranger.root).accuracy


def test_only_a_root_is_trusted_of_itself(head: TreeHead, authority: Authority) -> None:
    answer = authority.answer(time_stamp.request(head))
    own = (authority.folder / "clock.pem").read_bytes()
    with pytest.raises(LedgerError, match="does not lead to a root"):
        time_stamp.check(head, answer, own)


def test_a_chain_in_the_answer_holds_in_any_order(head: TreeHead, authority: Authority) -> None:
    authority.certify("between", "root")
    authority.certify("far", "stamping", issuer="between")
    answer = authority.answer(time_stamp.request(head), signer="far", between="between")
    first, second = authority.certificate("far"), authority.certificate("between")
    turned = answer.replace(first + second, second + first)
    if turned == answer:
        turned = answer.replace(second + first, first + second)
    assert turned != answer
    for order in (answer, turned):
        assert time_stamp.check(head, order, authority.root).authority == "CN=far,O=Made up"
        with pytest.raises(LedgerError, match="does not lead to a root"):
            time_stamp.check(head, order, (authority.folder / "between.pem").read_bytes())


def test_a_certificate_for_something_else_stamps_nothing(
    head: TreeHead, authority: Authority
) -> None:
    authority.certify("web", "web")
    answer = authority.answer(time_stamp.request(head))
    assert time_stamp.check(head, authority.signed_by(answer, "clock"), authority.root)
    with pytest.raises(LedgerError, match="not for time stamping"):
        time_stamp.check(head, authority.signed_by(answer, "web"), authority.root)


def test_a_certificate_that_is_no_authority_makes_no_clock(
    head: TreeHead, authority: Authority
) -> None:
    authority.certify("under", "stamping", issuer="clock")
    answer = authority.answer(time_stamp.request(head), signer="under")
    trusted = authority.root + (authority.folder / "clock.pem").read_bytes()
    with pytest.raises(LedgerError, match="does not lead to a root"):
        time_stamp.check(head, answer, trusted)


def test_a_refusal_is_no_stamp(head: TreeHead, authority: Authority) -> None:
    # "sha512" is a digest that this authority does not stamp.
    authority.run("ts", "-query", "-digest", "ab" * 64, "-sha512", "-cert", "-out", "long.tsq")
    refusal = authority.answer((authority.folder / "long.tsq").read_bytes())
    with pytest.raises(LedgerError, match=r"did not grant the request.*\(status 2\)"):
        time_stamp.check(head, refusal, authority.root)


def test_without_its_certificate_it_is_refused(head: TreeHead, authority: Authority) -> None:
    digest = hashlib.sha256(heads.statement(head)).hexdigest()
    authority.run("ts", "-query", "-digest", digest, "-sha256", "-out", "bare.tsq")
    answer = authority.answer((authority.folder / "bare.tsq").read_bytes())
    with pytest.raises(LedgerError, match="does not hold the one certificate"):
        time_stamp.check(head, answer, authority.root)


@pytest.mark.parametrize("junk", [b"", b"no answer", b"<html>Too many requests</html>"])
def test_what_is_no_answer_is_named(head: TreeHead, authority: Authority, junk: bytes) -> None:
    with pytest.raises(LedgerError, match="cannot be read as a time-stamp response"):
        time_stamp.check(head, junk, authority.root)


def test_files_that_are_something_else_are_named(head: TreeHead, authority: Authority) -> None:
    answer = authority.answer(time_stamp.request(head))
    with pytest.raises(ConfigError, match="certificate of the authority cannot be read"):
        time_stamp.check(head, answer, b"no certificate")
    with pytest.raises(ConfigError, match="request cannot be read"):
        time_stamp.check(head, answer, authority.root, asked=b"no request")


def test_without_the_extra_it_says_what_to_install(
    head: TreeHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(ConfigError, match=r"pip install \"triptych\[timestamp\]\""):
        time_stamp.request(head)


def test_from_a_head_to_its_stamp_on_the_command_line(
    workspace: Engine,
    head: TreeHead,
    authority: Authority,
    stranger: Authority,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with workspace.connect() as connection:
        place = ["--workspace", str(folder_of(connection))]
    kept, asked, answer = (tmp_path / f"head.{end}" for end in ("json", "tsq", "tsr"))
    assert main(["audit", "sign", *place, "--time-stamp-request", str(asked)], {}) == 1
    assert "give --out" in " ".join(capsys.readouterr().err.split())
    asking = ["--out", str(kept), "--time-stamp-request", str(asked)]
    assert main(["audit", "sign", *place, *asking], {}) == 0
    assert f"time-stamp request: {asked}" in capsys.readouterr().out
    answer.write_bytes(authority.answer(asked.read_bytes()))
    signed_head(workspace)

    root = str(authority.folder / "root.pem")
    stamped = ["--time-stamp", str(answer), "--time-stamp-request", str(asked)]
    verify = ["audit", "verify", *place, "--head", str(kept), *stamped]
    assert main([*verify, "--tsa-certificate", root], {}) == 0
    shown = capsys.readouterr().out
    assert "intact: 2 events" in shown
    assert re.search(r"this head, over 1 events, existed at 20\d\d-", shown)
    assert "by the clock of CN=clock,O=Made up, accurate to 1.5 s" in shown
    assert f"the head itself says {head.time}" in shown

    other = str(stranger.folder / "root.pem")
    assert main([*verify, "--tsa-certificate", other], {}) == 1
    held = capsys.readouterr()
    assert "intact: 2 events" in held.out, "the record is another question"
    assert "does not lead to a root" in " ".join(held.err.split())
    assert main(verify, {}) == 1
    assert "give --head" in " ".join(capsys.readouterr().err.split())
    assert main([*verify, "--tsa-certificate", str(tmp_path / "none")], {}) == 1
    assert "cannot be read" in capsys.readouterr().err
