"""All guards together: silent on a clean clinic, loud on a leaky one, and JSON either way."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from clinic_of_shortcuts import NOW, QUICK, dataset_of, labels_of, labs, measured, note
from clinic_of_two import make_dataset

from pipelines.study.guards.guard import GuardResult, Skipped
from pipelines.study.guards.image_regions import RegionRows
from pipelines.study.guards.run_all import findings_as_json, fired, run_all
from pipelines.training.dataset import Dataset

ORDER = [
    "acquisition",
    "identity",
    "missingness",
    "timestamps",
    "notes_named",
    "afterwards",
    "image_regions",
]


def clinic(leak: bool) -> Dataset:
    """The label is in a value and in the image; with `leak`, in site, gaps and notes too."""
    labels = labels_of(300)
    generator = np.random.default_rng(15)
    told = labels == 1 if leak else generator.random(300) < 0.4
    inputs = [
        {
            "labs": labs(
                measured("urate", 6 + 2 * label + generator.normal()),
                measured("joint", 1.0 if seen else None, generator.uniform(1, 9)),
            ),
            "notes": note("Toe hurts. Gout." if seen else "Toe hurts. Seen today.", NOW),
        }
        for label, seen in zip(labels, told, strict=True)
    ]
    sites = ["A" if seen else "B" for seen in told]
    images = generator.normal(size=(300, 8))
    images[:, 0] += 2 * labels
    images[:, 1] += 6 * told
    return dataset_of(labels, inputs=inputs, images=images, sites=sites)


def test_a_clean_clinic_is_silent() -> None:
    findings = run_all(clinic(leak=False), judging=QUICK)
    assert fired(findings) == ()
    assert list(dict.fromkeys(finding.guard for finding in findings)) == ORDER


def test_every_planted_leak_fires() -> None:
    findings = run_all(clinic(leak=True), judging=QUICK)
    warned = {(finding.guard, finding.subject) for finding in fired(findings)}
    assert warned == {("acquisition", "site"), ("missingness", "gout"), ("notes_named", "gout")}


def test_regions_are_judged_where_they_are_given() -> None:
    dataset = clinic(leak=False)
    told = dataset.labels * 3 + np.random.default_rng(0).normal(size=(300, 1))
    findings = run_all(dataset, rows=RegionRows(told, told, told, told, 0), judging=QUICK)
    assert [f.fires for f in findings if isinstance(f, GuardResult)][-2:] == [True, True]


def test_the_clinic_of_two_is_read_without_images_or_sites() -> None:
    findings = run_all(make_dataset(120), judging=QUICK)
    skipped = {finding.guard for finding in findings if isinstance(finding, Skipped)}
    assert {"acquisition", "identity", "image_regions"} <= skipped
    # Its notes carry no time, which is all that can be held against it.
    assert [(f.guard, f.subject) for f in fired(findings)] == [("afterwards", "notes")]


def test_findings_are_json_and_the_same_each_time() -> None:
    dataset = clinic(leak=True)
    text = json.dumps(findings_as_json(run_all(dataset, judging=QUICK)), allow_nan=False)
    assert text == json.dumps(findings_as_json(run_all(dataset, judging=QUICK)), allow_nan=False)
    first = json.loads(text)[0]
    assert first["skipped"] is False
    assert first["estimate"].keys() >= {"value", "low", "high", "cases"}
    nobody = run_all(replace(dataset_of(np.empty(0)), labels=np.empty((0, 1))), judging=QUICK)
    assert all(item["skipped"] for item in findings_as_json(nobody))
