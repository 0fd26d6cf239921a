"""docs/simulation.md says what the table says, because it is written from it."""

from pathlib import Path

from pipelines.laboratory.simulate import likelihoods
from pipelines.laboratory.simulate.document import PAGE, document


def test_the_page_is_the_one_that_the_table_gives() -> None:
    written = document(likelihoods.load())
    assert PAGE.read_text(encoding="utf-8") == written, (
        "run: python -m pipelines.laboratory.simulate.document"
    )


def test_every_entry_and_its_source_is_on_the_page() -> None:
    table, page = likelihoods.load(), document(likelihoods.load())
    for entries in (table.conditions, table.signs, table.analytes, table.image, table.sites):
        for key, entry in entries.items():
            rows = [line for line in page.splitlines() if line.startswith(f"| {key} |")]
            assert any(entry.source in row for row in rows)


def test_another_table_gives_another_page(tmp_path: Path) -> None:
    text = likelihoods.TABLE.read_text(encoding="utf-8")
    other = tmp_path / "likelihoods.toml"
    other.write_text(text.replace("haemoptysis", "haemoptoe"), encoding="utf-8")
    assert "| haemoptoe |" in document(likelihoods.load(other))
