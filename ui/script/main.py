"""The script that Streamlit runs at every interaction: style, errors, and one of two pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from clinical.errors import TriptychError
from ui.pages import case, model, study, worklist

STYLE = Path(__file__).parents[1] / "static" / "page.css"


def main() -> None:
    """Run one page."""
    st.set_page_config(page_title="Triptych", layout="wide", initial_sidebar_state="collapsed")
    st.html(STYLE)
    list_page = st.Page(lambda: worklist.render(case_page), title="Worklist", default=True)
    case_page = st.Page(
        lambda: case.render(list_page), title="Case", url_path="case", visibility="hidden"
    )
    study_page = st.Page(lambda: study.render(case_page), title="Study", url_path="study")
    model_page = st.Page(model.render, title="Model", url_path="model")
    page = st.navigation([list_page, case_page, study_page, model_page], position="hidden")
    try:
        page.run()
    except TriptychError as error:
        st.error(error.message)
        if error.remedy:
            st.caption(f"What to do: {error.remedy}")


main()
