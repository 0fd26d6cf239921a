"""`triptych audit ...`: verify, sign, prove, replay, purge and export the record."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from clinical.errors import ConfigError, LedgerError
from pipelines.commands import output_file, signing_key
from pipelines.commands.options import Keys, SigningKey, Witness, Workspace, open_place, screen

audit_app = typer.Typer(
    help="Verify, sign, replay, export or purge the record; check an export.",
    no_args_is_help=True,
)

DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
OutFile = Annotated[
    Path | None, typer.Option("--out", help="File to write. Default: standard output.")
]


@audit_app.command()
def verify(
    workspace: Workspace,
    head: Annotated[
        Path | None,
        typer.Option(
            "--head",
            help="Signed head kept elsewhere (`audit sign`), or an export's manifest.json.",
        ),
    ] = None,
    time_stamp: Annotated[
        Path | None,
        typer.Option("--time-stamp", help="Time-stamp response for that head (RFC 3161)."),
    ] = None,
    tsa_certificate: Annotated[
        Path | None,
        typer.Option(
            "--tsa-certificate", help="Root certificate of the time-stamping authority (PEM)."
        ),
    ] = None,
    time_stamp_request: Annotated[
        Path | None,
        typer.Option("--time-stamp-request", help="Time-stamp request, to compare its nonce."),
    ] = None,
    witness: Witness = None,
    key: Annotated[
        str,
        typer.Option(
            "--key",
            help="Digest or words of the key that must be in force (`audit show-key`), or none, to"
            " accept any key. Default: the key file.",
        ),
    ] = "",
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Also check every image against its digest.")
    ] = False,
    keys: Keys = None,
) -> None:
    """Verify events, signatures and stored records; exit 1 if one is broken."""
    from clinical.audit.verify import verify as verify_ledger
    from pipelines.commands import time_stamp as time_stamping
    from pipelines.commands import verification

    known = verification.kept(head) if head else None
    stamp = time_stamping.named(known, time_stamp, tsa_certificate, time_stamp_request)
    seen = verification.witnessed(witness) if witness else []
    pinned = verification.pinned(key)
    with open_place(workspace, keys) as engine, engine.connect() as connection:
        verdict = verify_ledger(connection, known=known, witnessed=seen, key=pinned, pixels=pixels)
    verification.say(screen, verdict)
    if verdict.intact and known:
        screen.print(f"{head} is a head of this ledger")
    if verdict.intact and seen:
        verification.show_witness(screen, seen, verdict)
    if stamp:
        time_stamping.show(stamp, screen)
    if not verdict.intact:
        raise typer.Exit(1)


@audit_app.command()
def export(
    workspace: Workspace,
    out: Annotated[Path, typer.Option("--out", help="ZIP file to write.")],
    case: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="CASE", help="Only this case (may be repeated)."),
    ] = None,
    reader: Annotated[str, typer.Option("--reader", help="Only cases read by this account.")] = "",
    study: Annotated[
        str, typer.Option("--study", help="Only cases assessed by this model (name).")
    ] = "",
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            metavar="DATE",
            formats=DAYS,
            help="Only cases with an event on or after this time (UTC).",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            metavar="DATE",
            formats=DAYS,
            help="Only cases with an event before this time (UTC).",
        ),
    ] = None,
    de_identified: Annotated[
        bool,
        typer.Option("--de-identified", help="Leave out names, dates, images and free text."),
    ] = False,
    actor: Annotated[
        str, typer.Option("--actor", help="Who is exporting, for the record.")
    ] = "auditor",
    keys: Keys = None,
) -> None:
    """Export the record as one self-verifying ZIP file; recorded as an event."""
    from clinical.export.bundle import export as export_record
    from clinical.export.selection import Selection
    from pipelines.jobs import progress

    wanted = Selection(
        frozenset(case) if case else None,
        reader,
        study,
        since.replace(tzinfo=UTC) if since else None,
        until.replace(tzinfo=UTC) if until else None,
    )
    with open_place(workspace, keys) as engine, progress.bar() as display:
        task = display.add_task("export", total=None, note="")
        result = export_record(
            engine,
            out,
            actor=actor,
            wanted=wanted,
            de_identified=de_identified,
            progress=lambda done, total: display.update(task, completed=done, total=total),
        )
    screen.print(f"{result.cases} cases: {result.out}; check it with the verify.py inside")
    screen.print(f"verify.py {result.files['verify.py']}")
    if not result.verdict.intact:
        screen.print(f"BROKEN: {result.verdict.reason}")
        raise typer.Exit(1)


@audit_app.command()
def replay(
    workspace: Workspace,
    event: Annotated[
        int | None, typer.Argument(metavar="[EVENT]", help="Number of one ASSESSED event.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Replay every ASSESSED event.")] = False,
    model: Annotated[
        list[Path] | None,
        typer.Option("--model", help="Folder of another checkpoint, besides the shipped model."),
    ] = None,
    keys: Keys = None,
) -> None:
    """Assess stored inputs again and compare bit by bit; exit 1 on any difference."""
    from pipelines.commands import replay as replaying

    if (event is None) == (not everything):
        raise ConfigError(
            "Replay needs the number of one event, or --all.", remedy="give one of the two."
        )
    with open_place(workspace, keys) as engine:
        found = replaying.replay(engine, event, model or [])
    if not replaying.show(screen, found):
        raise typer.Exit(1)


@audit_app.command()
def purge(
    workspace: Workspace,
    case: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="CASE", help="Remove this case (may be repeated)."),
    ] = None,
    older_than: Annotated[
        int | None,
        typer.Option(
            "--older-than",
            metavar="N",
            min=1,
            help="Remove cases without an event in the last N days.",
        ),
    ] = None,
    patient: Annotated[
        bool,
        typer.Option(
            "--patient",
            help="Remove all of one patient, whose number is read from standard input.",
        ),
    ] = False,
    receive: Annotated[
        Path | None,
        typer.Option(
            "--receive",
            metavar="RECEIVE.toml",
            help="Also remove what this receiver has of them: inbox, chart and taken files.",
        ),
    ] = None,
    send: Annotated[
        Path | None,
        typer.Option("--send", metavar="SEND.toml", help="Also remove what waits in this outbox."),
    ] = None,
    because: Annotated[
        str,
        typer.Option("--because", help="Recorded reason: erasure, retention or mistake."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be removed.")
    ] = False,
    actor: Annotated[
        str, typer.Option("--actor", help="Who is purging, for the record.")
    ] = "system",
    keys: Keys = None,
) -> None:
    """Remove cases with images, notes and assessments; the ledger still verifies."""
    from pipelines.commands import purge as purging

    with open_place(workspace, keys) as engine:
        number = typer.prompt("Patient, as cases carry it", prompt_suffix=": ") if patient else ""
        cases = purging.chosen(engine, case or [], older_than, number.strip())
        reason = because or ("retention" if older_than else "")
        wanted = purging.Wanted(cases, number.strip(), reason, actor)
        with purging.received(receive, engine) if receive else nullcontext() as desk:
            if dry_run:
                screen.print(f"would remove {purging.count(engine, cases)}")
                if desk is not None:
                    screen.print(f"and {purging.count_received(desk, wanted)}")
                return
            purging.purge(engine, wanted, screen, desk, send)


@audit_app.command()
def sign(
    workspace: Workspace,
    out: OutFile = None,
    time_stamp_request: Annotated[
        Path | None,
        typer.Option(
            "--time-stamp-request", help="Also write a time-stamp request here (RFC 3161)."
        ),
    ] = None,
    keys: Keys = None,
) -> None:
    """Sign a head over all events, as JSON; keep it where nobody here can write."""
    from clinical.audit import heads
    from clinical.workspace.database import writing
    from pipelines.commands import time_stamp as time_stamping

    if time_stamp_request and out is None:
        raise ConfigError(
            "--time-stamp-request requires --out.",
            remedy="give --out as well, to keep the head that is time-stamped.",
        )
    with open_place(workspace, keys) as engine, writing(engine) as connection:
        signed = heads.sign_now(connection)
    _give(heads.as_json(signed), out, f"signed head over {signed.size} events")
    if time_stamp_request:
        time_stamping.write_request(signed, time_stamp_request, screen)


@audit_app.command()
def prove(
    workspace: Workspace,
    event: Annotated[
        int | None,
        typer.Option("--event", min=1, help="Prove that this event is in the last signed head."),
    ] = None,
    head: Annotated[
        Path | None,
        typer.Option("--head", help="Prove that the last signed head extends this one."),
    ] = None,
    out: OutFile = None,
    keys: Keys = None,
) -> None:
    """Write a proof against the last signed head, for someone without the ledger."""
    from clinical.audit import proofs
    from clinical.audit.heads import TreeHead
    from pipelines.commands import verification

    kept = verification.kept(head) if head else None
    if (event is None) == (kept is None):
        raise ConfigError("Prove needs either --event or --head.", remedy="give one of the two.")
    if kept is not None and not isinstance(kept, TreeHead):
        raise LedgerError(
            f"{head} holds no signed head.", remedy="use a file written by `audit sign`."
        )
    with open_place(workspace, keys) as engine, engine.connect() as connection:
        if kept is not None:
            proof = proofs.consistency(connection, kept)
            what = f"the head over {proof['second']['size']} events extends that over {kept.size}"
        else:
            proof = proofs.inclusion(connection, event or 0)
            what = f"event {event} is in the head over {proof['head']['size']} events"
    _give(proof, out, what)


audit_app.command("rotate-key")(signing_key.rotate_key)
audit_app.command("use-key")(signing_key.use_key)
audit_app.command("show-key")(signing_key.show_key)


@audit_app.command("set-witness")
def set_witness(
    workspace: Workspace,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Write each signed head to this file as soon as it is signed."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--address", help="Send each signed head to this address: https://, git+ssh://, ..."
        ),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Stop writing to a witness.")] = False,
    keys: Keys = None,
) -> None:
    """Keep every signed head in a second place, such as a file on another machine."""
    from clinical.audit import heads, remote_witness
    from clinical.audit import witness as witnesses
    from clinical.workspace.database import folder_of

    if sum((file is not None, address is not None, off)) != 1:
        raise ConfigError(
            "A witness needs one of --file, --address and --off.", remedy="give one of the three."
        )
    with open_place(workspace, keys) as engine, engine.connect() as connection:
        folder, lines = folder_of(connection), heads.lines(connection)
    if off:
        witnesses.dismiss(folder)
        remote_witness.dismiss(folder)
        screen.print("signed heads are no longer written to a witness")
        return
    if file is not None:
        witnesses.appoint(folder, file, lines)
    if address is not None:
        remote_witness.appoint(folder, address, lines)
    screen.print(f"witness {file or address}: {len(lines)} heads so far")


@audit_app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The export to check.")],
    key: SigningKey = "",
    head: Annotated[
        Path | None,
        typer.Option("--head", help="Signed head kept elsewhere, which the export must contain."),
    ] = None,
    witness: Witness = None,
) -> None:
    """Check an export without running anything in it; exit 1 if it is not intact."""
    from pipelines.commands import verification

    kept = [found for place in (head, witness) if place for found in verification.read(place)]
    good, text = verification.check(file, verification.pinned(key), kept)
    screen.print(text)
    if not good:
        raise typer.Exit(1)


@audit_app.command()
def create(
    workspace: Workspace,
    keys: Keys = None,
    grant: Annotated[
        str,
        typer.Option("--grant", help="Database role that may add records but never change them."),
    ] = "",
) -> None:
    """Create an empty workspace; on a server, as the owner of its database."""
    from clinical.workspace.database import grant as grant_role

    with open_place(workspace, keys, create=True) as engine:
        if grant:
            grant_role(engine, grant)
    screen.print("created an empty workspace" + (f"; {grant} may record" if grant else ""))


def _give(data: dict[str, Any], out: Path | None, what: str) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    if out is None:
        screen.print(text)
        return
    output_file.write(out, text + "\n")
    screen.print(f"{what}: {out}")
