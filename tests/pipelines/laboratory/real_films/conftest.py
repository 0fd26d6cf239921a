"""The four sources of real films in miniature, each in the layout of its authors."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

NIH = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
    "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
COVID = (
    "patientid,offset,sex,age,finding,survival,intubated,went_icu,temperature,pO2_saturation,"
    "leukocyte_count,neutrophil_count,lymphocyte_count,view,location,folder,filename,url,"
    "license,clinical_notes,other_notes"
)
LABS = ("crp", "d-dimer", "factor_xii", "ldh", "lymphocytes", "neutrophils", "pco2", "po2")
HANNOVER = (
    "patient_id,image_id,sex,age,size,weight,admission_offset,icu_admission_offset,"
    "icu_release_offset,death_offset,modality,projection,"
    + ",".join(f"{lab}_offset,{lab}_val" for lab in LABS)
)


def picture(file: Path, *, rows: int = 40, columns: int = 32) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(zlib.crc32(file.name.encode()))
    grey = rng.integers(0, 256, (rows, columns), dtype=np.uint8)
    Image.fromarray(grey).save(file)


def written(file: Path, lines: Sequence[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")


def nih(root: Path, names: dict[str, str]) -> None:
    """Film (patient_number) to its labels."""
    tail = "57,M,PA,2400,3200,0.143,0.139"
    rows = [f"{name}.png,{said},0,{name[:8]},{tail}" for name, said in names.items()]
    written(root / "Data_Entry_2017_v2020.csv", [NIH, *rows])
    for name in names:
        picture(root / "images" / f"{name}.png")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """All four sources."""
    root = tmp_path / "data"
    nih(
        root / "nih_chestxray",
        {"00000001_000": "Effusion|Pneumonia", "00000002_000": "No Finding"},
    )
    # The second part has one film of the first once more.
    nih(root / "nih_chestxray_more", {"00000002_000": "No Finding", "00000003_000": "Hernia"})
    train = root / "kermany_paediatric" / "chest_xray" / "train"
    picture(train / "NORMAL" / "IM-0115-0001.jpeg")
    picture(train / "PNEUMONIA" / "person7_bacteria_24.jpeg")
    picture(train / "PNEUMONIA" / "person7_virus_25.jpeg")
    written(root / "hannover" / "data.csv", [HANNOVER, "p1,i1,f,,,,0,,,,CR,ap" + "," * 16])
    picture(root / "hannover" / "png" / "i1.png", rows=700, columns=600)
    covid = [
        "7,0,M,70,Pneumonia/Viral,,,,,,,,,AP,Spain,images,a.png,u,CC BY,Fever.,",
        "7,2,M,70,todo,,,,,,,,,AP,Spain,images,b.png,u,CC BY-NC-SA 4.0,Worse.,",
        "8,0,F,44,No Finding,,,,,,,,,PA,Italy,images,c.png,u,CC BY-SA,Cough.,",
    ]
    written(root / "covid_chestxray" / "metadata.csv", [COVID, *covid])
    for name in "abc":
        picture(root / "covid_chestxray" / "images" / f"{name}.png")
    return root
