"""The page: of a workspace, or of the demonstration that is made for it first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Jobs, Keys, Out, Workspace, screen


def serve_page(
    workspace: Workspace,
    port: Annotated[
        int, typer.Option("--port", help="Port of the page, on the loopback interface.")
    ] = 8501,
    idle_minutes: Annotated[
        float,
        typer.Option("--idle-minutes", metavar="N", help="Sign out after N minutes of inactivity."),
    ] = 15.0,
    oidc: Annotated[
        Path | None,
        typer.Option(
            "--oidc", help="TOML file with an auth table, to allow sign-in by OpenID Connect too."
        ),
    ] = None,
    studies: Annotated[
        Path | None, typer.Option("--studies", help="Folder of finished studies to show.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            help="Another checkpoint: asked alone about added cases; its card, and what-if.",
        ),
    ] = None,
    demonstration: Annotated[
        bool, typer.Option("--demonstration", help="No sign-in: everyone reads as dr.demo.")
    ] = False,
    role: Annotated[
        str,
        typer.Option(
            "--role",
            help="Role in the demonstration: reader, adjudicator, auditor or administrator.",
        ),
    ] = "reader",
    keys: Keys = None,
    public_address: Annotated[
        str | None,
        typer.Option(
            "--public-address",
            metavar="URL",
            help="Address that readers open (https), where a proxy on this machine adds TLS.",
        ),
    ] = None,
    metrics_token: Annotated[
        Path | None,
        typer.Option(
            "--metrics-token",
            help="File with the token that Prometheus sends to read /metrics.",
        ),
    ] = None,
    cds_hooks: Annotated[
        Path | None,
        typer.Option(
            "--cds-hooks",
            help="TOML file with a cds_hooks table: record systems that may ask for cards.",
        ),
    ] = None,
) -> None:
    """Serve the reading page of a workspace to browsers on this machine."""
    from clinical.access.roles import role_of
    from clinical.workspace.place import place_of
    from ui.host.launch import DEMONSTRATION_READER, Choices, serve

    chosen = Choices(
        place_of(workspace, keys),
        port=port,
        reader=DEMONSTRATION_READER if demonstration else None,
        role=role_of(role),
        idle_minutes=idle_minutes,
        oidc=oidc,
        studies=studies,
        model=model,
        public_address=public_address,
        metrics_token=metrics_token,
        cds_hooks=cds_hooks,
    )
    serve(chosen)


def demo(
    out: Out = Path("runs/demo"),
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Do not open the page.")] = False,
    port: Annotated[
        int, typer.Option("--port", help="Port of the page; if it is taken, a free one is used.")
    ] = 8501,
    jobs: Jobs = 1,
) -> None:
    """Assess the 48 embedded cases, verify and export the record, then open the page."""
    from pipelines.commands import summary
    from pipelines.commands.demo import demonstrate

    summary.show_demonstration(screen, demonstrate(out, jobs=jobs))
    if not no_ui:
        from ui.host.launch import DEMONSTRATION_READER, Choices, preferred_port, serve

        chosen = Choices(out / "workspace", preferred_port(port), DEMONSTRATION_READER)
        serve(chosen, open_browser=sys.stdout.isatty())
