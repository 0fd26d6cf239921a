"""Every source of the project keeps the contract of `cohort_contract`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cohort_contract import CohortContract, Labels

from clinical.cohorts.cohort import Source
from clinical.cohorts.sources import SOURCES, source
from clinical.errors import ConfigError

TABLES = {
    "folder": "cases.csv",
    "hannover": "data.csv",
    "covid_chestxray": "metadata.csv",
    "nih_chestxray": "Data_Entry_2017_v2020.csv",
    "appendicitis": "app_data.csv",
    "eicu": "patient.csv",
    "mimic_iii": "icustays.csv",
    "mimic_iv": "cxr-jpg/mimic-cxr-2.0.0-metadata.csv",
    "omop": "visit_occurrence.csv",
}
FIRST_MISSED = {**TABLES, "mimic_iv": "hosp/patients.csv"}
OWN_TESTS = {"dicom", "fhir", "meds"}
"""Sources whose files are no tables in text; their own tests hold them to the contract."""


LABELS = {
    "folder": Labels("outcomes.csv", {"c1,pneumonia,1": "c1,pneumonia,0"}),
    "hannover": Labels(
        "data.csv", {",,,,0,2.0,9.0,,CR": ",,,,0,,,3.0,CR", "-1.0,6.0,5.0": "9.0,9.0,"}
    ),
    "covid_chestxray": Labels("metadata.csv", {'"COVID-19, ARDS",N,Y,Y': "Lipoid,Y,N,N"}),
    "nih_chestxray": Labels(
        "Data_Entry_2017_v2020.csv",
        {"Effusion|Pneumonia": "No Finding", "Pleural_Thickening": "Hernia"},
    ),
    "appendicitis": Labels(
        "app_data.csv", {"noAppendicitis,conservative,no": "appendicitis,surgical,yes"}
    ),
    "eicu": Labels(
        "patient.csv",
        {"Expired,5000": "Alive,5000", "Pneumonia, bacterial": "Sepsis, GI"},
    ),
    "mimic_iii": Labels("admissions.csv", {"PNEUMONIA,1": "CABG,0"}),
    "mimic_iv": Labels("cxr-jpg/mimic-cxr-2.0.0-chexpert.csv", {"0.0,,1.0": "1.0,,0.0"}),
    "omop": Labels("death.csv", {"7,2020-03-08": "8,2020-05-08"}),
}


class TestEverySource(CohortContract):
    @pytest.fixture(params=sorted(set(SOURCES) - OWN_TESTS))
    def reader(self, request: pytest.FixtureRequest) -> Source:
        found: Source = SOURCES[request.param]
        return found

    @pytest.fixture
    def root(self, reader: Source, lay_out: Callable[[str], Path]) -> Path:
        return lay_out(reader.NAME)

    @pytest.fixture
    def table(self, reader: Source) -> str:
        return TABLES[reader.NAME]

    @pytest.fixture
    def first_missed(self, reader: Source) -> str:
        return FIRST_MISSED[reader.NAME]

    @pytest.fixture
    def labels(self, reader: Source) -> Labels:
        return LABELS[reader.NAME]


def test_an_unknown_source_names_the_nearest() -> None:
    assert source("hannover") is SOURCES["hannover"]
    with pytest.raises(ConfigError, match="did you mean 'hannover'"):
        source("hanover")
    with pytest.raises(ConfigError, match="known sources: folder"):
        source("zzz")
