"""The whole circle on real servers: from an archive to a signed reading, and back into the archive.

Debian's Orthanc holds studies in a network of its own (it listens on every interface), DCMTK's
storescu and Orthanc send films, labs come by MLLP and FHIR, a record system is given a card of the
case and overrides it (CDS Hooks), the case is read and signed in Chromium, and the report, the map
and the picture are in Orthanc afterwards, by C-STORE and by STOW-RS.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from cds_client import ISSUER, Ehr, Line
from playwright.sync_api import Browser, Page, expect
from ports import reserved_port
from pydicom.uid import generate_uid
from settled import rest
from test_signing_in import PASSWORD, Ward, sign_in
from waiting import SECONDS, until

from clinical.access import accounts
from clinical.audit import ledger, verify
from clinical.workspace import store
from clinical.workspace.database import open_workspace
from ui.host import launch

ROOT = Path(__file__).parents[2]
DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
NEEDED = ("Orthanc", "storescu", "dciodvfy", "ip")
pytestmark = [
    # Browsers drop what they are loading when the machine gets a network: not beside other tests.
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a network"),
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in NEEDED) or not DICOMWEB.exists(),
        reason="Debian's orthanc, orthanc-dicomweb, dcmtk, dicom3tools and iproute2 are not all"
        " installed",
    ),
]

HERE, THERE, NETWORK = "10.88.61.1", "10.88.61.2", "triptych-test"
TOKEN = 8 * "f00d"
TAKEN = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
FILMS = sorted((ROOT / "sample_data" / "cohort" / "images").glob("*.dcm"))


@dataclass(frozen=True)
class Place:
    """Folders and ports of one circle."""

    folder: Path
    dicom: int
    hl7: int
    fhir: int

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def command(self, *words: str | Path) -> list[str]:
        code = "from pipelines.cli import run; run()"
        return [sys.executable, "-c", code, *map(str, words)]


def free_port(address: str) -> int:
    with socket.create_server((address, 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def network() -> Iterator[None]:
    """A network with one other machine in it, `THERE`."""

    def ip(*words: str, check: bool = True) -> None:
        subprocess.run(["ip", *words], check=check, capture_output=True)

    ip("netns", "delete", NETWORK, check=False)
    ip("link", "delete", "triptych0", check=False)
    try:
        ip("netns", "add", NETWORK)
        ip(
            "link",
            "add",
            "triptych0",
            "type",
            "veth",
            "peer",
            "name",
            "triptych1",
            "netns",
            NETWORK,
        )
        ip("addr", "add", f"{HERE}/30", "dev", "triptych0")
        ip("link", "set", "triptych0", "up")
        ip("-n", NETWORK, "addr", "add", f"{THERE}/30", "dev", "triptych1")
        ip("-n", NETWORK, "link", "set", "triptych1", "up")
        ip("-n", NETWORK, "link", "set", "lo", "up")
    except subprocess.CalledProcessError:
        pytest.skip("this machine makes no networks")
    yield
    ip("netns", "delete", NETWORK, check=False)


@pytest.fixture(scope="module")
def place(network: None, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("circle")
    made = Place(folder, *(free_port(HERE) for _ in range(3)))
    (folder / "tokens").write_text(f"RECORD {TOKEN}\n", encoding="ascii")
    (folder / "tokens").chmod(0o600)
    (folder / "receive.toml").write_text(
        f"""inbox = "inbox"
[dicom]
address = "{HERE}"
port = {made.dicom}
senders = [{{title = "ORTHANC", address = "{THERE}"}}, {{title = "MODALITY", address = "{HERE}"}}]
[hl7]
address = "{HERE}"
port = {made.hl7}
senders = ["{HERE}"]
[fhir]
address = "{HERE}"
port = {made.fhir}
tokens = "tokens"
senders = ["{HERE}"]
[assembly]
authority = "HOSP"
[cds_hooks]
clients = [{{name = "ehr", issuer = "{ISSUER}", keys = "ehr.json"}}]
""",
        encoding="utf-8",
    )
    (folder / "send.toml").write_text(
        f"""outbox = "outbox"
films = ["inbox/objects"]
[dicom.pacs]
address = "{THERE}"
port = 4242
title = "ORTHANC"
[stow.web]
url = "http://{THERE}:8042/dicom-web"
""",
        encoding="utf-8",
    )
    engine = open_workspace(made.workspace, create=True)
    accounts.add(engine, "dr.first", "reader", PASSWORD)
    engine.dispose()
    return made


@pytest.fixture(scope="module")
def archive(place: Place) -> Iterator[str]:
    """Orthanc, and the address of its REST interface."""
    state = place.folder / "orthanc"
    state.mkdir()
    settings = {
        "StorageDirectory": str(state),
        "IndexDirectory": str(state),
        "RemoteAccessAllowed": True,
        "AuthenticationEnabled": False,
        "DicomAet": "ORTHANC",
        "Plugins": ["/usr/share/orthanc/plugins"],
        "DicomModalities": {"TRIPTYCH": ["TRIPTYCH", HERE, place.dicom]},
    }
    (state / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
    command = ["ip", "netns", "exec", NETWORK, "Orthanc", str(state / "orthanc.json")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://{THERE}:8042"
    try:
        until(lambda: answers(f"{address}/system"), "the archive answers")
        yield address
    finally:
        process.terminate()
        process.wait()


def answers(address: str) -> bool:
    with suppress(OSError):
        return asked(address) is not None
    return False


def asked(address: str, data: bytes | None = None, **headers: str) -> Any:
    """What an HTTP server answers, in JSON if it is."""
    request = urllib.request.Request(address, data, headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        body = answer.read()
    with suppress(ValueError):
        return json.loads(body)
    return body


@contextmanager
def receiving(place: Place) -> Iterator[None]:
    words = ("receive", place.folder / "receive.toml", "--workspace", place.workspace)
    process = subprocess.Popen(place.command(*words), cwd=ROOT, stdout=subprocess.DEVNULL)
    ports = (place.dicom, place.hl7, place.fhir)
    try:
        until(
            lambda: process.poll() is not None or all(map(open_port, ports)), "the receiver listens"
        )
        assert process.poll() is None
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        ended = process.wait(timeout=SECONDS)
    assert ended == 0


def open_port(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HERE, port), timeout=1):
        return True
    return False


def film(source: Path, folder: Path, number: str) -> Path:
    """A film of the embedded cohort as it was taken an hour ago of a patient of this hospital."""
    header = pydicom.dcmread(source)
    header.PatientID, header.IssuerOfPatientID = number, "HOSP"
    header.PatientName, header.PatientBirthDate, header.PatientSex = "Test^Only", "19600501", "F"
    header.PatientAge = (
        f"{(TAKEN.date() - datetime(1960, 5, 1, tzinfo=UTC).date()).days // 365:03}Y"
    )
    header.AccessionNumber = f"A{number}"
    for name in ("Study", "Series", "Acquisition", "Content"):
        setattr(header, f"{name}Date", f"{TAKEN:%Y%m%d}")
        setattr(header, f"{name}Time", f"{TAKEN:%H%M%S}")
    header.AcquisitionDateTime = f"{TAKEN:%Y%m%d%H%M%S+0000}"
    header.TimezoneOffsetFromUTC = "+0000"
    header.StudyInstanceUID, header.SeriesInstanceUID = generate_uid(), generate_uid()
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    path = folder / f"{number}.dcm"
    header.save_as(path)
    return path


def oru(number: str) -> bytes:
    """D-dimer, troponin and a potassium, taken half an hour before the film."""
    taken = f"{TAKEN - timedelta(minutes=30):%Y%m%d%H%M%S+0000}"
    told = f"{TAKEN - timedelta(minutes=5):%Y%m%d%H%M%S+0000}"
    lines = (
        rf"MSH|^~\&|LAB|HOSP|TRIPTYCH|HOSP|{told}||ORU^R01^ORU_R01|{number}|P|2.5.1",
        f"PID|1||{number}^^^HOSP^MR||Test^Only||19600501|F",
        f"OBR|1|P{number}|F{number}|24323-8^Panel^LN|||{taken}|||||||||||||||{told}|||F",
        f"OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|||||F|||{taken}",
        f"OBX|2|NM|2160-0^Creatinine^LN||1.1|mg/dL|||||F|||{taken}",
    )
    return "\r".join(lines).encode() + b"\r"


def mllp(place: Place, message: bytes) -> bytes:
    with socket.create_connection((HERE, place.hl7), timeout=SECONDS) as connection:
        connection.sendall(b"\x0b" + message + b"\x1c\r")
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            answer += connection.recv(4096)
    return answer


def observation(number: str) -> bytes:
    """A heart rate of a patient, as a record system sends it."""
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"system": "HOSP", "value": number}],
    }
    rate = {
        "resourceType": "Observation",
        "id": "r",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "effectiveDateTime": (TAKEN - timedelta(minutes=10)).isoformat(),
        "issued": (TAKEN - timedelta(minutes=9)).isoformat(),
        "valueQuantity": {
            "value": 96,
            "unit": "/min",
            "system": "http://unitsofmeasure.org",
            "code": "/min",
        },
    }
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": r} for n, r in ((1, patient), (2, rate))]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return json.dumps(bundle).encode()


def assessed(place: Place) -> dict[str, str]:
    """Patient to case, of all that have been assessed."""
    engine = open_workspace(place.workspace)
    try:
        with engine.connect() as connection:
            names = [row.case_id for row in store.worklist(connection) if row.assessment_digest]
            return {store.patient_of(connection, name) or "": name for name in names}
    finally:
        engine.dispose()


def test_from_the_archive_to_a_signature_and_back(
    browser: Browser, place: Place, archive: str
) -> None:
    first, second = (
        film(FILMS[n], place.folder, number) for n, number in ((1, "1001"), (2, "1002"))
    )
    with receiving(place):
        assert b"MSA|AA|1001" in mllp(place, oru("1001"))
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        told = {**bearer, "Content-Type": "application/fhir+json"}
        asked(f"http://{HERE}:{place.fhir}/", observation("1001"), **told)
        # One film comes from a modality, the other from the archive, which holds both.
        for path in (first, second):
            asked(f"{archive}/instances", path.read_bytes())
        sent = ["storescu", "-xv", "-aet", "MODALITY", "-aec", "TRIPTYCH", HERE, str(place.dicom)]
        subprocess.run([*sent, str(first)], check=True, capture_output=True)
        (instance,) = asked(f"{archive}/tools/lookup", header(second).SOPInstanceUID.encode())
        asked(f"{archive}/modalities/TRIPTYCH/store", instance["ID"].encode())
        until(lambda: set(assessed(place)) == {"1001", "1002"}, "both cases are assessed")
    case_id = assessed(place)["1001"]
    sign(browser, place, case_id)
    send = place.command("send", place.folder / "send.toml", "--workspace", place.workspace)
    subprocess.run(send, check=True, cwd=ROOT, capture_output=True)
    check_archive(archive, place, header(first).StudyInstanceUID)
    check_record(place, case_id)
    check_deliveries(place, case_id)


def header(path: Path) -> pydicom.Dataset:
    return pydicom.dcmread(path, stop_before_pixels=True)


def sign(browser: Browser, place: Place, case_id: str) -> None:
    hooks = place.folder / "receive.toml"
    ehr = Ehr("")
    ehr.write_keys(place.folder / "ehr.json")
    chosen = launch.Choices(place.workspace, port=reserved_port(), cds_hooks=hooks)
    running = launch.start(chosen)
    override(ehr, running.address)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    try:
        sign_in(page, Ward(running.address, place.workspace), "dr.first")
        read(page, place, case_id)
    finally:
        page.close()
        running.stop()


def override(ehr: Ehr, address: str) -> None:
    """A record system opens the patient, is given a card, and overrides it."""
    ehr.base, http = address, Line(address)
    (card,) = ehr.cards(http, "patient-view")
    why = {"reason": {"code": "other"}, "userComment": "Seen at the bedside."}
    told = {"card": card["uuid"], "outcome": "overridden", "overrideReason": why}
    assert ehr.feedback(http, "patient-view", told).status_code == 200


def read(page: Page, place: Place, case_id: str) -> None:
    page.locator(f'tr[data-pick="{case_id}"]').click()
    expect(page.get_by_role("heading", name=case_id)).to_be_visible()
    expect(page.locator("canvas[data-drawn=yes]")).to_be_visible()
    for diagnosis in suggested(page):
        page.locator(f'[data-pick="{diagnosis}"]').click()
        page.get_by_role("button", name="Accept").click()
        expect(page.get_by_text("accepted by you")).to_be_visible()
        rest(page)
    page.screenshot(path=str(place.folder / "case.png"))
    page.locator(".st-key-sign button").click()
    page.get_by_label("Your password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign as dr.first").click()
    expect(page.get_by_text("by dr.first (reader) at")).to_be_visible()


def suggested(page: Page) -> list[str]:
    """The diagnoses that a reader has to decide on before signing."""
    rows = page.locator("[data-pick]", has_text="suggested").all()
    return [row.get_attribute("data-pick") or "" for row in rows]


def check_archive(archive: str, place: Place, study: str) -> None:
    """The study holds the film and what was made of it, without a fault."""
    (found,) = asked(f"{archive}/tools/lookup", study.encode())
    instances = asked(f"{archive}/studies/{found['ID']}/instances")
    modalities = set()
    for instance in instances:
        path = place.folder / f"{instance['ID']}.dcm"
        path.write_bytes(asked(f"{archive}/instances/{instance['ID']}/file"))
        modalities.add(header(path).Modality)
        if header(path).Modality == "DX":
            continue
        done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True)
        assert "Error" not in done.stdout + done.stderr, done.stderr
        if header(path).Modality == "SR":
            assert header(path).VerificationFlag == "VERIFIED"
            check_report(path)
    assert modalities >= {"DX", "SR"}
    assert len(instances) >= 3


def check_report(path: Path) -> None:
    if shutil.which("DicomSRValidator"):
        done = subprocess.run(["DicomSRValidator", str(path)], capture_output=True, text=True)
        assert "Error" not in done.stdout + done.stderr, done.stdout + done.stderr


def check_deliveries(place: Place, case_id: str) -> None:
    """The archive took every object by C-STORE, and again by STOW-RS."""
    engine = open_workspace(place.workspace)
    with engine.connect() as connection:
        sent = [event.payload for event in ledger.events(connection, kind="SENT", case_id=case_id)]
    engine.dispose()
    assert {one["outcome"] for one in sent} == {"delivered"}
    files = {road: [one["file"] for one in sent if one["to"] == road] for road in ("pacs", "web")}
    assert files["pacs"] == files["web"]


def check_record(place: Place, case_id: str) -> None:
    engine = open_workspace(place.workspace)
    with engine.connect() as connection:
        kinds = [event.kind for event in ledger.events(connection, case_id=case_id)]
        assert verify.verify(connection).intact
    engine.dispose()
    order = ["IMPORTED", "ASSESSED", "CARD_SENT", "CARD_ANSWERED", "OPENED", "DECIDED", "SIGNED"]
    order += ["SENT"]
    assert [
        kind for n, kind in enumerate(kinds) if kind in order and kind not in kinds[:n]
    ] == order
    out = place.folder / "record.zip"
    words = ("audit", "export", "--workspace", place.workspace, "--out", out)
    subprocess.run(place.command(*words), check=True, cwd=ROOT, capture_output=True)
    subprocess.run(place.command("audit", "check", out), check=True, cwd=ROOT, capture_output=True)
