"""Who may import whom: the floors of the rooms of all three packages, and no circle anywhere.

A lazy import, inside a function, counts like any other: it may put off work, not hide a circle.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("clinical", "pipelines", "ui")

# Highest floor first. A module may import from its own room and from lower floors only; the
# longest name that a module's name begins with is its room. A star stands for any one folder.
FLOORS: list[set[str]] = [
    {"pipelines.cli", "pipelines.benchmarks"},
    {"pipelines.commands"},
    {"pipelines.checking"},
    {"pipelines.reader_study"},
    {
        "pipelines.adapting",
        "pipelines.agreement",
        "pipelines.explanations",
        "pipelines.retrieval",
        "pipelines.study",
    },
    {"pipelines.laboratory"},
    {"pipelines.fine_tuning"},
    {"pipelines.folds"},
    {"pipelines.assessing"},
    {"pipelines.training"},
    {"pipelines.reports", "pipelines.statistics"},
    {"pipelines.jobs"},
    {"ui.host"},
    {"ui.pages"},
    {"ui.panels"},
    {"ui.state"},
    {"ui.access"},
    {"ui.viewer"},
    {"ui.words"},
    {"clinical.exchange"},
    {"clinical.export"},
    {"clinical.assess"},
    {"clinical.model"},
    {
        "clinical.modalities.catalogue",
        "clinical.modalities.*.encoder",
    },
    {
        "clinical.modalities.components",
        "clinical.modalities.radiograph.converting",
        "clinical.modalities.radiograph.evidence",
    },
    {"clinical.modalities.radiograph.backbone_file"},
    {"clinical.modalities.radiograph.backbones"},
    {"clinical.modalities.radiograph.film_network"},
    {
        "clinical.modalities.devices",
        "clinical.modalities.encoding",
        "clinical.modalities.scale",
        "clinical.modalities.threads",
    },
    {"clinical.cohorts", "clinical.review"},
    # What FHIR says is read alike from a folder and from a hospital, so this part of the roads lies
    # below the cohorts.
    {"clinical.exchange.fhir_told"},
    {
        "clinical.exchange.fhir_history",
        "clinical.exchange.fhir_observations",
        "clinical.exchange.fhir_patients",
        "clinical.exchange.fhir_texts",
    },
    {"clinical.exchange.fhir_bundle"},
    {"clinical.exchange.fhir_elements"},
    {
        "clinical.exchange.coded",
        "clinical.exchange.facts",
        "clinical.exchange.moments",
        "clinical.exchange.sections",
    },
    {"clinical.modalities"},
    {"clinical.tables", "clinical.access"},
    {"clinical.audit"},
    {"clinical.dicom", "clinical.terms", "clinical.workspace"},
    {"clinical.case"},
    {"clinical.conditions", "clinical.config"},
    {"clinical.evaluation", "clinical.fine_tuning"},
    {"clinical.canonical", "clinical.errors", "clinical.formatting", "clinical.wording"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

# Which rooms alone may open a third-party package.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "pydicom": ("clinical.dicom",),
    "pynetdicom": ("clinical.dicom",),
    "streamlit": ("ui",),
    "argon2": ("clinical.access",),
    "mnemonic": ("clinical.audit",),
    "cryptography": ("clinical.audit", "clinical.exchange"),
    "keyring": ("clinical.audit",),
    "pkcs11": ("clinical.audit",),
    "rfc3161_client": ("clinical.audit",),
    "pandas": ("clinical.cohorts", "clinical.export", "clinical.tables", "pipelines", "ui"),
    "torch": ("clinical.modalities", "clinical.model", "clinical.assess", "pipelines"),
    "monai": ("clinical.modalities", "clinical.model", "pipelines"),
    "sqlalchemy": (
        "clinical.access",
        "clinical.assess",
        "clinical.audit",
        "clinical.exchange",
        "clinical.export",
        "clinical.review",
        "clinical.workspace",
        "pipelines",
        "ui",
    ),
}
# The benchmark measures its peers, which have to be called as anyone would call them.
EXCEPTIONS: dict[str, set[str]] = {"pipelines.benchmarks.speed": {"pydicom"}}


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> Mapping[str, Path]:
    return {module_name(path): path for path in sources()}


def modules_of(package: str) -> list[str]:
    return [name for name in modules() if name.split(".")[0] == package]


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module and every name that a file imports, lazily or not."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.append(full if full in modules() else node.module)
    return tuple(found)


def room_of(module: str) -> str | None:
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        names = [
            parts[:length],
            *([*parts[:at], "*", *parts[at + 1 : length]] for at in range(length)),
        ]
        for name in names:
            if ".".join(name) in FLOOR:
                return ".".join(name)
    return None


def test_a_room_is_the_longest_name_that_fits() -> None:
    assert room_of("clinical.modalities.anything.encoder") == "clinical.modalities.*.encoder"
    assert room_of("clinical.modalities.anything.rows") == "clinical.modalities"
    assert room_of("clinical.modalities.radiograph.film_network") in FLOOR
    assert room_of("clinical.nowhere") is None


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_downward(package: str) -> None:
    assert [fault for name in modules_of(package) for fault in upward(name)] == []


def upward(name: str) -> Iterator[str]:
    """What a module imports from its own floor, outside its room, or from a higher one."""
    home = room_of(name)
    if home is None:
        if name not in PACKAGES:
            yield f"{name} is in no room of the design"
        return
    for other in imported(modules()[name]):
        room = room_of(other)
        if room is not None and room != home and FLOOR[room] <= FLOOR[home]:
            yield f"{name} may not import {other}"


def test_no_module_is_in_a_circle() -> None:
    graph = {
        name: [other for other in imported(path) if other in modules() and other != name]
        for name, path in modules().items()
    }
    assert list(circles(graph)) == []


def circles(graph: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """A path that comes back to where it began, for every module that is reached on the way."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> Iterator[list[str]]:
        if name in path:
            yield [*path[path.index(name) :], name]
        elif name not in done:
            for other in graph[name]:
                yield from visit(other, [*path, name])
            done.add(name)

    for name in graph:
        yield from visit(name, [])


def test_a_circle_is_seen() -> None:
    assert list(circles({"a": ["b"], "b": ["c"], "c": ["a"]})) == [["a", "b", "c", "a"]]
    assert list(circles({"a": ["b", "c"], "b": ["c"], "c": []})) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_stay_in_their_rooms(package: str) -> None:
    assert [fault for name in modules_of(package) for fault in strangers(name)] == []


def strangers(name: str) -> Iterator[str]:
    """What a module imports of the packages that only other rooms may open."""
    for other in imported(modules()[name]):
        package = other.split(".")[0]
        if package in EXCEPTIONS.get(name, set()):
            continue
        rooms = ONLY_IN.get(package)
        if rooms is not None and not any(f"{name}.".startswith(f"{room}.") for room in rooms):
            yield f"{name} may not import {other}"


def test_a_name_has_one_address() -> None:
    """A package's `__init__` says at most what the package is; it hands nothing on."""
    for path in sources():
        if path.name == "__init__.py":
            body = ast.parse(path.read_text(encoding="utf-8")).body
            kinds = [type(node) for node in body]
            assert kinds in ([], [ast.Expr]), f"{path} holds more than a docstring"
    assert (ROOT / "clinical" / "__init__.py").read_text(encoding="utf-8") == ""


def test_clinical_never_opens_what_stands_above_it() -> None:
    for name, path in modules().items():
        if name.startswith("clinical"):
            above = [other for other in imported(path) if other.split(".")[0] in PACKAGES[1:]]
            assert not above, f"{name} may not import {above}"
        if name.startswith("ui."):
            assert not [o for o in imported(path) if o.startswith("pipelines")], name


def test_clinical_and_ui_open_without_torch() -> None:
    code = (
        "import sys, clinical.workspace.store, clinical.review.decisions, clinical.audit.ledger,"
        " ui.host.launch;"
        "print([m for m in ('torch', 'monai', 'pydicom') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]", done.stderr


SHAPES = {"Arrays", "Measurements", "Events", "Texts"}


def asks_for_a_shape(node: ast.AST) -> bool:
    """`isinstance(x, Arrays)`, `case Texts():`, `type(x) is Events`."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
        return any(getattr(name, "id", "") in SHAPES for name in ast.walk(node.args[1]))
    if isinstance(node, ast.MatchClass):
        return getattr(node.cls, "id", "") in SHAPES
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot):
        return any(getattr(name, "id", "") in SHAPES for name in node.comparators)
    return False


def test_only_a_modality_asks_for_the_type_of_a_value() -> None:
    """All others ask the kit (`clinical.modalities.kit`), so that a new modality is one folder."""
    found = [
        f"{name}:{node.lineno}"
        for name, path in modules().items()
        if not name.startswith(("clinical.modalities.", "clinical.case."))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if asks_for_a_shape(node)
    ]
    assert found == []
    for code in ("isinstance(x, Arrays | Texts)", "type(x) is Events"):
        assert any(asks_for_a_shape(node) for node in ast.walk(ast.parse(code)))


def test_no_junk_drawers() -> None:
    junk = {"utils.py", "helpers.py", "common.py", "misc.py"}
    assert not [path for path in sources() if path.name in junk]


def test_packages_hold_rooms_and_no_loose_files() -> None:
    loose = {
        package: {path.name for path in (ROOT / package).glob("*.py")} - {"__init__.py"}
        for package in PACKAGES
    }
    ground = {f"{room.split('.')[1]}.py" for floor in FLOORS[-3:] for room in floor}
    assert loose == {"clinical": ground, "pipelines": {"cli.py"}, "ui": set()}
