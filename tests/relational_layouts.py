"""Small cohorts in the layouts of relational sets, written to a folder.

Each has a case with everything, one that is skipped, and rows that must not be in a case: later
than the decision, known only later, or of somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

EICU = {
    "patient.csv": """\
patientunitstayid,gender,age,hospitalid,apacheadmissiondx,admissionheight,admissionweight,\
hospitaldischargeoffset,hospitaldischargestatus,unitdischargeoffset,unittype,uniquepid
11,Male,> 89,59,"Pneumonia, bacterial",170,80,6000,Expired,5000,MICU,002-1
12,Female,61,60,"Sepsis, GI",,,900,Alive,800,MICU,002-2
13,Female,34,60,"Sepsis, GI",160,,6000,Alive,5000,SICU,002-3
""",
    "hospital.csv": "hospitalid,numbedscategory,teachingstatus,region\n59,<100,0,Midwest\n",
    "lab.csv": """\
patientunitstayid,labresultoffset,labname,labresult,labresulttext,labmeasurenamesystem,\
labmeasurenameinterface,labresultrevisedoffset
11,60,creatinine,1.4,1.4,mg/dL,mg/dL,90
11,70,troponin - I,,<0.02,ng/mL,ng/mL,100
11,80,ionized calcium,4.8,1.20,mg/dL,mmol/L,110
11,90,ionized calcium,1.18,1.18,mg/dL,mmol/L,120
11,1400,potassium,4.1,4.1,mmol/L,mEq/L,1500
11,1500,sodium,131,131,mmol/L,mEq/L,1510
11,100,PEEP,8,8,cm H2O,,110
99,60,creatinine,9,9,mg/dL,mg/dL,90
""",
    "vitalAperiodic.csv": """\
patientunitstayid,observationoffset,noninvasivesystolic,noninvasivediastolic,noninvasivemean
11,30,120,70,90
11,2000,80,40,55
""",
    "physicalExam.csv": """\
patientunitstayid,physicalexamoffset,physicalexampath,physicalexamvalue,physicalexamtext
11,30,notes/Progress Notes/Physical Exam/Physical Exam/Constitutional/Vital Sign and Physiological \
Data/HR/HR Current,HR Current,96
11,30,notes/Progress Notes/Physical Exam/Physical Exam/Pulmonary/Auscultation/Rhonchi/scattered \
rhonchi,scattered rhonchi,scattered rhonchi
11,30,notes/Progress Notes/Physical Exam/Physical Exam/Neurologic/GCS/15,15,15
""",
    "apacheApsVar.csv": """\
patientunitstayid,intubated,vent,dialysis,eyes,motor,verbal,wbc,temperature,respiratoryrate,sodium,\
heartrate,meanbp,ph,hematocrit,creatinine,albumin,pao2,pco2,bun,glucose,bilirubin,fio2
11,0,1,0,4,6,4,12.5,38.6,30,-1,110,62,-1,33,1.5,-1,-1,-1,25,140,-1,-1
13,0,0,0,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1
""",
    "apachePredVar.csv": "patientunitstayid,diabetes,cirrhosis\n11,1,0\n",
    "pastHistory.csv": """\
patientunitstayid,pasthistoryenteredoffset,pasthistorypath,pasthistoryvalue
11,12,notes/Progress Notes/Past History/Organ Systems/Pulmonary/Asthma/asthma,asthma
11,40,notes/Progress Notes/Past History/Organ Systems/Pulmonary/Asthma/asthma,asthma
11,2000,notes/Progress Notes/Past History/Organ Systems/Pulmonary/COPD/COPD - severe,COPD - severe
11,12,notes/Progress Notes/Past History/Past History Obtain Options/Performed,Performed
""",
    "note.csv": """\
patientunitstayid,noteenteredoffset,notepath,notevalue
11,12,notes/Progress Notes/Review Of Systems/Systems/Pulmonary/Cough/cough,cough
11,12,notes/Progress Notes/Interventions/Major/Sepsis - evaluation and management,Sepsis
""",
    "diagnosis.csv": """\
patientunitstayid,diagnosisoffset,diagnosisstring
13,100,pulmonary|pulmonary infections|pneumonia
""",
}

MIMIC_III = {
    "icustays.csv": """\
SUBJECT_ID,HADM_ID,ICUSTAY_ID,DBSOURCE,FIRST_CAREUNIT,INTIME,OUTTIME
1,10,100,carevue,MICU,2150-01-02 10:00:00,2150-01-05 10:00:00
2,20,200,carevue,SICU,2150-02-02 10:00:00,2150-02-03 09:00:00
1,11,101,metavision,MICU,2151-01-02 10:00:00,2151-01-09 10:00:00
""",
    "patients.csv": """\
SUBJECT_ID,GENDER,DOB
1,F,1850-01-02 00:00:00
2,M,2100-01-02 00:00:00
""",
    "admissions.csv": """\
HADM_ID,SUBJECT_ID,DIAGNOSIS,HOSPITAL_EXPIRE_FLAG
10,1,PNEUMONIA,1
11,1,CHF,0
20,2,SEPSIS,0
""",
    "diagnoses_icd.csv": "SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n1,10,1,486\n2,20,1,4280\n",
    "d_labitems.csv": """\
ITEMID,LABEL,FLUID,CATEGORY,LOINC_CODE
50912,Creatinine,Blood,Chemistry,2160-0
51146,Basophils,Blood,Hematology,704-7
51478,Glucose,Urine,Hematology,5792-7
50970,Phosphate,Blood,Chemistry,2777-1
""",
    "labevents.csv": """\
SUBJECT_ID,HADM_ID,ITEMID,CHARTTIME,VALUE,VALUENUM,VALUEUOM,FLAG
1,,50912,2149-12-01 08:00:00,1.2,1.2,mg/dL,
1,10,51146,2150-01-02 11:00:00,0.4,0.4,%,
1,10,51478,2150-01-02 11:00:00,300,300,mg/dL,
1,10,50912,2150-01-03 11:00:00,3.2,3.2,mg/dL,abnormal
1,11,50970,2151-01-02 11:00:00,GREATER THAN 20,,mg/dL,
""",
}

MIMIC_IV = {
    "hosp/patients.csv": """\
subject_id,gender,anchor_age,anchor_year
10000032,F,52,2180
10000084,M,91,2160
""",
    "hosp/d_labitems.csv": "itemid,label,fluid,category\n50912,Creatinine,Blood,Chemistry\n",
    "hosp/labevents.csv": """\
subject_id,hadm_id,itemid,charttime,storetime,value,valuenum,valueuom
10000032,1,50912,2180-05-06 20:00:00,2180-05-06 21:00:00,0.9,0.9,mg/dL
10000032,1,50912,2180-05-06 21:00:00,2180-05-06 22:30:00,1.9,1.9,mg/dL
10000032,1,50912,2180-05-07 21:00:00,2180-05-07 22:30:00,2.9,2.9,mg/dL
""",
    "note/radiology.csv": """\
note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text
a,10000032,1,RR,1,2180-05-06 10:00:00,2180-05-06 12:00:00,"Lungs are clear.
No effusion."
b,10000032,1,RR,2,2180-05-06 21:30:14,2180-05-07 08:00:00,Right lower lobe pneumonia.
c,10000032,1,RR,3,2180-05-06 09:00:00,,Somewhere between.
""",
    "cxr-jpg/mimic-cxr-2.0.0-metadata.csv": """\
dicom_id,subject_id,study_id,ViewPosition,StudyDate,StudyTime
d1,10000032,50414267,PA,21800506,213014.531
d2,10000032,50414267,LATERAL,21800506,213015
d3,10000084,56699142,AP,21600303,1234.5
d4,10000084,57199142,AP,21600403,101234.5
""",
    "cxr-jpg/mimic-cxr-2.0.0-chexpert.csv": (
        "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,"
        "Enlarged Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,No Finding,Pleural Effusion,"
        "Pleural Other,Pneumonia,Pneumothorax,Support Devices\n"
        "10000032,50414267,,,1.0,,,,,,,0.0,,1.0,,\n"
        "10000084,56699142,,,,,,,,,1.0,,,-1.0,,\n"
        "10000084,57199142,,,,,,,,,1.0,,,,,\n"
    ),
}

OMOP = {
    "visit_occurrence.csv": """\
visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_start_datetime,\
visit_end_date,visit_end_datetime,care_site_id
1,7,9201,2020-03-01,2020-03-01 10:00:00,2020-03-09,2020-03-09 11:00:00,5
2,7,9202,2020-04-01,2020-04-01 10:00:00,2020-04-01,2020-04-01 11:00:00,5
3,8,9203,2020-03-01,2020-03-01 10:00:00,2020-03-01,2020-03-01 20:00:00,5
4,8,9201,2020-05-01,2020-05-01 10:00:00,2020-05-09,2020-05-09 11:00:00,
""",
    "person.csv": """\
person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth
7,8532,1950,6,
8,8507,1980,,
""",
    "care_site.csv": "care_site_id,care_site_name\n5,North\n",
    "death.csv": "person_id,death_date\n7,2020-03-08\n8,2020-05-20\n",
    "measurement.csv": """\
measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,\
operator_concept_id,value_as_number,unit_concept_id,measurement_source_value,unit_source_value
1,7,3016723,2020-03-01,2020-03-01 11:00:00,4172703,1.3,8840,KREA,mg/dl
2,7,0,2020-03-01,2020-03-01 11:00:00,4171756,5,0,CRP,mg/L
3,7,3016723,2020-03-02,,,2.2,8840,KREA,mg/dl
4,7,3016723,2020-02-01,,,1.1,8840,KREA,mg/dl
5,7,3016723,2020-03-05,2020-03-05 11:00:00,,3.3,8840,KREA,mg/dl
""",
    "condition_occurrence.csv": """\
condition_occurrence_id,person_id,condition_concept_id,condition_start_date,\
condition_source_concept_id,condition_source_value
1,7,255573,2015-01-01,45567265,J44.9
2,7,255848,2020-03-01,0,J18.9
3,8,255573,2019-01-01,0,
""",
    "note.csv": """\
note_id,person_id,note_date,note_datetime,note_title,note_text
1,7,2020-03-01,2020-03-01 12:00:00,Admission note,Cough and fever for three days.
2,7,2020-03-09,2020-03-09 12:00:00,Discharge letter,Died of pneumonia.
""",
    "concept.csv": (
        "concept_id\tconcept_name\tvocabulary_id\tconcept_code\n"
        '3016723\tCreatinine "serum"\tLOINC\t2160-0\n'
        "8840\tmilligram per deciliter\tUCUM\tmg/dL\n"
        "255573\tChronic obstructive lung disease\tSNOMED\t13645005\n"
        "255848\tPneumonia\tSNOMED\t233604007\n"
        "45567265\tCOPD, unspecified\tICD10CM\tJ44.9\n"
    ),
}

MEDS_EVENTS: Sequence[tuple[int, str | None, str, float | None, str | None, str | None]] = (
    (1, "1960-05-01T00:00:00", "MEDS_BIRTH", None, None, None),
    (1, None, "GENDER//F", None, None, None),
    (1, "2012-01-01T00:00:00", "ICD10CM//J44.9", None, None, None),
    (1, "2024-03-01T09:00:00", "LOINC//2160-0//mg/dL", 1.3, None, None),
    (1, "2024-03-01T09:00:00", "LAB//50912//mg/L", 5.0, "<5", None),
    (1, "2024-03-01T09:10:00", "IMAGE//PA", None, None, "images/1.png"),
    (1, "2024-03-01T09:30:00", "NOTE//indication", None, "Cough, fever.", None),
    (1, "2024-03-02T09:00:00", "LOINC//2160-0//mg/dL", 4.4, None, None),
    (1, "2024-03-05T00:00:00", "MEDS_DEATH", None, None, None),
    (2, "1990-05-01T00:00:00", "MEDS_BIRTH", None, None, None),
    (2, "2024-04-01T09:00:00", "LOINC/2823-3", 4.1, None, None),
    (2, "2024-04-01T09:00:00", "PROCEDURE//local//x", None, None, None),
)
MEDS_LABELS = (
    (1, "2024-03-01T12:00:00", True),
    (1, "2023-03-01T12:00:00", False),
    (2, "2024-04-01T12:00:00", False),
)


def write_tables(root: Path, tables: Mapping[str, str]) -> None:
    for name, text in tables.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def write_eicu(root: Path) -> None:
    write_tables(root, EICU)


def write_mimic_iii(root: Path) -> None:
    write_tables(root, MIMIC_III)


def write_mimic_iv(root: Path) -> None:
    write_tables(root, MIMIC_IV)
    write_film(root / "cxr-jpg/files/p10/p10000032/s50414267/d1.jpg")
    write_film(root / "cxr-jpg/files/p10/p10000032/s50414267/d2.jpg", width=30)
    write_film(root / "cxr-jpg/files/p10/p10000084/s56699142/d3.jpg")
    write_film(root / "cxr-jpg/files/p10/p10000084/s57199142/d4.jpg")


def write_omop(root: Path) -> None:
    write_tables(root, OMOP)


def write_meds(root: Path) -> None:
    schema = pa.schema(
        {
            "subject_id": pa.int64(),
            "time": pa.timestamp("us"),
            "code": pa.string(),
            "numeric_value": pa.float32(),
            "text_value": pa.large_string(),
            "image_path": pa.string(),
        }
    )
    for shard in (1, 2):
        rows = [
            (who, datetime.fromisoformat(time) if time else None, *rest)
            for who, time, *rest in MEDS_EVENTS
            if who == shard
        ]
        write_parquet(root / f"data/train/{shard}.parquet", schema, rows)
    write_meds_labels(root, MEDS_LABELS)
    codes = pa.schema({"code": pa.string(), "parent_codes": pa.list_(pa.string())})
    known = [("LAB//50912//mg/L", ["LOINC/1988-5"])]
    write_parquet(root / "metadata/codes.parquet", codes, known)
    splits = pa.schema({"subject_id": pa.int64(), "split": pa.string()})
    write_parquet(root / "metadata/subject_splits.parquet", splits, [(1, "train")])
    write_film(root / "images/1.png")


def write_meds_labels(root: Path, labels: Sequence[tuple[int, str | None, bool | None]]) -> None:
    schema = pa.schema(
        {
            "subject_id": pa.int64(),
            "prediction_time": pa.timestamp("us"),
            "boolean_value": pa.bool_(),
        }
    )
    rows = [(w, datetime.fromisoformat(t) if t else None, value) for w, t, value in labels]
    write_parquet(root / "labels/pneumonia.parquet", schema, rows)


def write_parquet(path: Path, schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [list(column) for column in zip(*rows, strict=True)]
    arrays = [pa.array(column, one.type) for column, one in zip(columns, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


def write_film(path: Path, width: int = 24) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    gray = np.arange(width * 32, dtype=np.uint32).reshape(32, width) % 251
    Image.fromarray(gray.astype(np.uint8)).save(path)
