"""Small cohorts in every layout that the readers know, written to a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fhir_layout
import numpy as np
import pytest
import relational_layouts
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

FOLDER_TABLES = {
    "cases.csv": """\
case_id,patient_id,decision_time,site,split,sex,age_years
c1,p1,2024-03-01T12:00,north,train,female,61
c2,p2,2024-03-02T12:00,south,test,m,
c3,p3,2024-03-03T12:00,south,train,,40
""",
    "images.csv": """\
case_id,path,view,time
c1,images/c1.dcm,PA,2024-03-01T10:00
c2,images/c2.png,AP,2024-03-02T10:00
""",
    "measurements.csv": """\
case_id,code,value,unit,time
c1,1988-5,120,mg/L,2024-03-01T09:00
c2,CRP,4,mg/L,2024-03-02T09:00
c3,2823-3,4.1,mmol/L,2024-03-03T09:00
""",
    "history.csv": """\
case_id,code,display,onset
c1,J44.9,COPD,2019
c3,I10,Hypertension,
""",
    "notes.csv": """\
case_id,section,text,time
c1,indication,"Cough, fever.
Crackles on the right.",2024-03-01T09:30
c3,indication,Dyspnoea.,2024-03-03T09:30
""",
    "outcomes.csv": """\
case_id,diagnosis,value
c1,pneumonia,1
c2,pneumonia,0
c3,pneumonia,
""",
    "cohort.toml": """\
name = "three cases"
source = "made for a test"
licence = "CC0"
time_zone = "Europe/Berlin"

[[diagnoses]]
name = "pneumonia"
code = "233604007"
""",
}


def write_dicom(path: Path, patient_id: str, acquired: str = "20240301100000") -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    found.SOPClassUID = meta.MediaStorageSOPClassUID
    found.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    found.PatientID = patient_id
    found.AcquisitionDateTime = acquired
    found.Modality = "DX"
    found.Rows, found.Columns = 32, 24
    found.SamplesPerPixel = 1
    found.PhotometricInterpretation = "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit = 16, 12, 11
    found.PixelRepresentation = 0
    found.PixelSpacing = [0.2, 0.2]
    found.PixelData = np.arange(32 * 24, dtype="<u2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    found.save_as(path)


def write_png(path: Path, size: tuple[int, int] = (24, 32)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    gray = np.arange(size[0] * size[1], dtype=np.uint32).reshape(size[1], size[0]) % 251
    Image.fromarray(gray.astype(np.uint8)).save(path, format="PNG")


def write_folder(root: Path) -> None:
    for name, text in FOLDER_TABLES.items():
        (root / name).write_text(text, encoding="utf-8")
    write_dicom(root / "images" / "c1.dcm", "p1")
    write_png(root / "images" / "c2.png")


def write_hannover(root: Path) -> None:
    labs = ("crp", "d-dimer", "factor_xii", "ldh", "lymphocytes", "neutrophils", "pco2", "po2")
    header = (
        "patient_id,image_id,sex,age,size,weight,admission_offset,icu_admission_offset,"
        "icu_release_offset,death_offset,modality,projection,"
        + ",".join(f"{lab}_offset,{lab}_val" for lab in labs)
    )
    late = "p1,i1,f,,,,0,2.0,9.0,,CR,pa,0.0,44.0,1.0,0.6,-2.0,145.0" + "," * 10
    early = "p1,i2,f,,,,-3,-1.0,6.0,5.0,CR,ap,-1.0,inf" + "," * 14
    well = "p2,i3,m,,,,0,,,,DX,pa" + "," * 16
    (root / "data.csv").write_text("\n".join([header, late, early, well, ""]), encoding="utf-8")
    for image_id in ("i1", "i2", "i3"):
        write_png(root / "png" / f"{image_id}.png")


def write_covid_chestxray(root: Path) -> None:
    header = (
        "patientid,offset,sex,age,finding,survival,intubated,went_icu,temperature,pO2_saturation,"
        "leukocyte_count,neutrophil_count,lymphocyte_count,view,location,folder,filename,url,"
        "license,clinical_notes,other_notes"
    )
    rows = [
        '7,0,M,70,"COVID-19, ARDS",N,Y,Y,38,85,2.85,1.92,0.7,PA,Spain,images,a.png,u,CC BY,Fever.,',
        "7,2,M,70,todo,,Not visible,,,,,,,AP,Spain,images,b.png,u,CC BY,Worse.,credit",
        "8,0,F,,Legionella,Y,N,Would have been stated,,,,,,PA,Italy,images,b.png,u,CC BY,Cough.,",
    ]
    (root / "metadata.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    for name in ("a.png", "b.png"):
        write_png(root / "images" / name)


def write_nih_chestxray(root: Path) -> None:
    header = (
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
        "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
    )
    rows = [
        "00000001_000.png,Effusion|Pneumonia,0,1,57,M,PA,2400,3200,0.143,0.139",
        "00000001_001.png,No Finding,1,1,412,M,AP,2500,2048,0.168,0.168",
        "00000002_000.png,Pleural_Thickening,0,2,33,F,PA,2048,2500,0.171,0.171",
    ]
    path = root / "Data_Entry_2017_v2020.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    for row in rows:
        write_png(root / "images" / row.split(",")[0])


def write_appendicitis(root: Path) -> None:
    columns = (
        "Age,BMI,Sex,Height,Weight,AlvaradoScore,PediatricAppendicitisScore,AppendixOnSono,"
        "AppendixDiameter,MigratoryPain,LowerAbdominalPainRight,ReboundTenderness,CoughingPain,"
        "PsoasSign,Nausea,AppetiteLoss,BodyTemp,WBCCount,NeutrophilPerc,KetonesInUrine,"
        "ErythrocytesInUrine,WBCInUrine,CRPEntry,Dysuria,Stool,Peritonitis,FreeFluids,"
        "AppendixWallLayers,Kokarde,TissuePerfusion,SurroundingTissueReaction,PathLymphNodes,"
        "MesentricLymphadenitis,BowelWallThick,Ileus,FecalImpaction,Meteorism,Enteritis,"
        "DiagnosisByCriteria,TreatmentGroupBinar,AppendicitisComplications"
    )
    rows = [
        "10.5,16.2,male,146,34.5,4,3,yes,6.0,no,yes,no,no,positive,no,no,37.0,12.4,57.9,no,+,+++,"
        "6.0,,normal,local,no,aufgehoben,,hypoperfused,no,no,,no,no,no,no,no,"
        "appendicitis,surgical,no",
        "13,20.4,female,164,55,2,2,no,,no,yes,no,no,,no,no,37.2,4.2,,,,,,no,obstipation,no,,,,,,,,,"
        ",,,,noAppendicitis,conservative,no",
    ]
    (root / "app_data.csv").write_text("\n".join([columns, *rows, ""]), encoding="utf-8")


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "folder": write_folder,
    "hannover": write_hannover,
    "covid_chestxray": write_covid_chestxray,
    "nih_chestxray": write_nih_chestxray,
    "appendicitis": write_appendicitis,
    "eicu": relational_layouts.write_eicu,
    "fhir": fhir_layout.write_fhir,
    "meds": relational_layouts.write_meds,
    "mimic_iii": relational_layouts.write_mimic_iii,
    "mimic_iv": relational_layouts.write_mimic_iv,
    "omop": relational_layouts.write_omop,
}


@pytest.fixture
def lay_out(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the small cohort of a source and gives its root."""

    def write(source: str) -> Path:
        root = tmp_path / source
        root.mkdir()
        LAYOUTS[source](root)
        return root

    return write


@pytest.fixture
def folder_root(lay_out: Callable[[str], Path]) -> Path:
    """A sound folder cohort of three cases; c1 has a DICOM, c2 a PNG, c3 no image."""
    return lay_out("folder")


@pytest.fixture
def dicom_writer() -> Callable[..., None]:
    return write_dicom


@pytest.fixture
def png_writer() -> Callable[..., None]:
    return write_png
