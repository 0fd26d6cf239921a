"""A report as Markdown: its blocks, and that no text becomes markup."""

from __future__ import annotations

from pipelines.reports import markdown
from pipelines.reports.blocks import Box, Code, Document, Heading, Item, Row, Table, numbers, texts


def test_every_block_has_its_form() -> None:
    table = Table((*texts("what"), *numbers("how many")), (Row(("a|b", "3"), strong=True),))
    box = Box("Look", (Item("at *this*", lead="Here:"),), "care", note="soon")
    blocks = (Heading("Part", 1), box, table, Code(("triptych --version",)))
    said = markdown.text(Document("A_title", "One line.", blocks, {}))
    assert said.startswith("# A\\_title\n\n**Research use only.")
    assert "\n## Part\n" in said
    assert "**Look**\n\n- **Here:** at \\*this\\*\n\nsoon" in said
    assert "| what | how many |\n| --- | --: |\n| **a\\|b** | **3** |" in said
    assert said.endswith("```\ntriptych --version\n```\n")
