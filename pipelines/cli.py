"""The command line: `triptych COMMAND`. `main(argv, environ)` is a tested function."""

from __future__ import annotations

import errno
import logging
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Annotated

import typer
from rich.console import Console
from typer.exceptions import TyperException

from clinical.errors import TriptychError
from clinical.wording import RESEARCH_USE
from pipelines.commands import former_names
from pipelines.commands.account import account_app
from pipelines.commands.adapt import adapt
from pipelines.commands.agreement import agreement
from pipelines.commands.audit import audit_app
from pipelines.commands.check import check
from pipelines.commands.cohort import (
    assess,
    check_conflicts,
    check_domain,
    check_explanations,
    evaluate,
    train,
)
from pipelines.commands.export import export
from pipelines.commands.films import films_app
from pipelines.commands.inspect import inspect
from pipelines.commands.laboratory import check_realism, compute_oracle, pretrain, simulate
from pipelines.commands.models import models_app
from pipelines.commands.page import demo, serve_page
from pipelines.commands.reading import reading_app
from pipelines.commands.receive import receive
from pipelines.commands.retrieval import retrieval_app
from pipelines.commands.send import send
from pipelines.commands.study import study_app
from pipelines.commands.weights import weights_app
from pipelines.commands.workspace import workspace_app

INTERRUPTED = 130
UNWRITABLE = {
    errno.EACCES,
    errno.EEXIST,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
"""What the machine refuses, and no mistake of ours: no right, no room, a file where a folder is."""

app = typer.Typer(
    name="triptych",
    help="Fuse a chest radiograph, measurements, history and notes into ranked diagnostic"
    f" suggestions that are explained, reviewed and recorded.\n\n{RESEARCH_USE}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        print(f"triptych {metadata.version('triptych')}")
        raise typer.Exit


app.command()(simulate)
app.command("check-realism")(check_realism)
app.command("compute-oracle")(compute_oracle)
app.command()(pretrain)
app.command()(train)
app.command()(adapt)
app.command()(assess)
app.command()(evaluate)
app.command("check-explanations")(check_explanations)
app.command("check-conflicts")(check_conflicts)
app.command("check-domain")(check_domain)
app.command("serve")(serve_page)
app.command("report-agreement")(agreement)
app.command()(check)
app.command()(inspect)
app.command()(export)
app.command()(demo)
app.command()(receive)
app.command()(send)
app.add_typer(account_app, name="account")
app.add_typer(audit_app, name="audit")
app.add_typer(films_app, name="films")
app.add_typer(models_app, name="models")
app.add_typer(reading_app, name="reading")
app.add_typer(retrieval_app, name="retrieval")
app.add_typer(study_app, name="study")
app.add_typer(weights_app, name="weights")
app.add_typer(workspace_app, name="workspace")


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command.

    Returns:
        0 = done, 1 = an error the user can act on, 2 = wrong use, 3 = done but for cases that ended
        the process which assessed them, 130 = Ctrl-C.
    """
    del environ
    if renamed := former_names.renamed(argv):
        _complain(renamed)
        return 2
    _quieten_libraries()
    command = typer.main.get_command(app)
    try:
        code = command.main(list(argv), prog_name="triptych", standalone_mode=False)
    except TriptychError as error:
        _complain(str(error))
        return 1
    except OSError as error:
        if error.errno not in UNWRITABLE or error.filename is None:
            raise
        _complain(f"{error.filename}: {error.strerror}. Remedy: choose another place, or free it")
        return 1
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except TyperException as error:
        if message := getattr(error, "format_message", error.__str__)():
            _complain(message)
        return 2
    if code == INTERRUPTED:
        _complain("stopped. Run it again to resume.")
    return int(code or 0)


def run() -> None:
    """Entry point of the installed command."""
    sys.exit(main(sys.argv[1:], os.environ))


def _complain(message: str) -> None:
    # Printed as it is: a remedy may hold [brackets], which rich would take for markup.
    Console(stderr=True, markup=False, highlight=False, soft_wrap=True).print(
        f"triptych: {message}"
    )


def _quieten_libraries() -> None:
    # Their notes (a model report, a progress bar of a load) are of no use to our users.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    logging.getLogger("transformers").setLevel(logging.ERROR)
