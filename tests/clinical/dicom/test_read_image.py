"""What the attributes of a DICOM file mean for the canonical pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from clinical.case.window import Window
from clinical.dicom.read import read_image
from clinical.errors import ImageRefused, ImageUnreadable

RAMP = np.arange(12, dtype="<u2").reshape(3, 4)

WriteDicom = Callable[..., Path]


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def test_monochrome2_is_taken_as_it_is(write_dicom: WriteDicom) -> None:
    image = read_image(write_dicom(RAMP))
    assert image.values.dtype == np.float32
    assert image.axes == ("row", "column")
    np.testing.assert_array_equal(image.values, RAMP)


def test_monochrome1_is_inverted_about_the_range_of_the_stored_bits(
    write_dicom: WriteDicom,
) -> None:
    path = write_dicom(
        RAMP, BitsStored=12, PhotometricInterpretation="MONOCHROME1", WindowCenter=5, WindowWidth=4
    )
    image = read_image(path)
    np.testing.assert_array_equal(image.values, 4095 - RAMP.astype(np.float32))
    assert image.window == (4095 - 5, 4)
    assert image.source["PhotometricInterpretation"] == "MONOCHROME1"


def test_monochrome1_is_inverted_on_the_rescaled_scale(write_dicom: WriteDicom) -> None:
    path = write_dicom(
        RAMP,
        BitsStored=4,
        PhotometricInterpretation="MONOCHROME1",
        RescaleSlope=2,
        RescaleIntercept=-10,
    )
    # Stored 0..15 becomes -10..20, so the sum of the ends is 10.
    np.testing.assert_array_equal(read_image(path).values, 10 - (RAMP.astype(np.float32) * 2 - 10))


@pytest.mark.parametrize("bits", range(8, 17))
@pytest.mark.parametrize("signed", [False, True])
def test_every_depth_signed_and_unsigned(write_dicom: WriteDicom, bits: int, signed: bool) -> None:
    bottom = -(1 << (bits - 1)) if signed else 0
    values = np.linspace(bottom, bottom + (1 << bits) - 1, 12).astype(np.int64).reshape(3, 4)
    kind = ("<i" if signed else "<u") + ("1" if bits == 8 else "2")
    path = write_dicom(values.astype(kind), BitsStored=bits)
    np.testing.assert_array_equal(read_image(path).values, values)


@pytest.mark.parametrize("transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_byte_order(write_dicom: WriteDicom, transfer_syntax: str, kind: str) -> None:
    pixels = np.arange(15).reshape(3, 5)
    order = ">" if transfer_syntax == ExplicitVRBigEndian else "<"
    path = write_dicom(pixels.astype(order + kind), transfer_syntax=transfer_syntax)
    np.testing.assert_array_equal(read_image(path).values, pixels)


def test_bytes_in_big_endian_words(write_dicom: WriteDicom) -> None:
    pixels = np.arange(16, dtype="u1").reshape(4, 4)
    path = write_dicom(pixels, transfer_syntax=ExplicitVRBigEndian)
    content = path.read_bytes()
    swapped = pixels.reshape(-1, 2)[:, ::-1].tobytes()
    path.write_bytes(content.replace(b"OB" + content[-20:], b"OW" + content[-20:-16] + swapped))
    np.testing.assert_array_equal(read_image(path).values, pixels)


def test_unused_high_bits_and_overlays_in_them_are_masked(write_dicom: WriteDicom) -> None:
    with_overlay = RAMP | np.uint16(0xF000)
    image = read_image(write_dicom(with_overlay, BitsStored=12))
    np.testing.assert_array_equal(image.values, RAMP)


def test_negative_values_with_dirty_high_bits(write_dicom: WriteDicom) -> None:
    # -3 in 12 bits is 0xFFD; the four bits above it hold no part of the value.
    cells = np.array([[0x0FFD, 0x5FFD], [0x0003, 0xF003]], "<u2")
    image = read_image(write_dicom(cells, BitsStored=12, PixelRepresentation=1))
    np.testing.assert_array_equal(image.values, [[-3, -3], [3, 3]])


def test_values_left_aligned_in_their_cells(write_dicom: WriteDicom) -> None:
    image = read_image(write_dicom(RAMP << 4, BitsStored=12, HighBit=15))
    np.testing.assert_array_equal(image.values, RAMP)


def test_rescale(write_dicom: WriteDicom) -> None:
    image = read_image(write_dicom(RAMP, RescaleSlope="0.5", RescaleIntercept="-3"))
    np.testing.assert_array_equal(image.values, RAMP * 0.5 - 3)


def test_rescale_of_an_enhanced_image(write_dicom: WriteDicom) -> None:
    groups = item(
        PixelValueTransformationSequence=Sequence([item(RescaleSlope=3, RescaleIntercept=1)]),
        PixelMeasuresSequence=Sequence([item(PixelSpacing=[0.2, 0.1])]),
        FrameVOILUTSequence=Sequence([item(WindowCenter=7, WindowWidth=9)]),
    )
    image = read_image(
        write_dicom(RAMP, SharedFunctionalGroupsSequence=Sequence([groups]), NumberOfFrames=1)
    )
    np.testing.assert_array_equal(image.values, RAMP * 3 + 1)
    assert image.spacing == (0.2, 0.1)
    assert image.window == (7, 9)


def test_modality_lut_with_values_beyond_its_ends(write_dicom: WriteDicom) -> None:
    lut = item(LUTDescriptor=[4, 2, 16], LUTData=[100, 200, 400, 800], ModalityLUTType="US")
    lut["LUTDescriptor"].VR = "US"
    lut["LUTData"].VR = "US"
    image = read_image(write_dicom(RAMP[:2], ModalityLUTSequence=Sequence([lut])))
    expected = [[100, 100, 100, 200], [400, 800, 800, 800]]
    np.testing.assert_array_equal(image.values, expected)


def test_modality_lut_shorter_than_it_says(write_dicom: WriteDicom) -> None:
    lut = item(LUTDescriptor=[9, 2, 16], LUTData=[100, 200], ModalityLUTType="US")
    lut["LUTDescriptor"].VR = "US"
    lut["LUTData"].VR = "US"
    with pytest.raises(ImageUnreadable, match="shorter"):
        read_image(write_dicom(ModalityLUTSequence=Sequence([lut])))


def test_padding_becomes_the_smallest_of_the_other_pixels(write_dicom: WriteDicom) -> None:
    pixels = np.array([[0, 0, 50], [60, 70, 0]], "<u2")
    path = write_dicom(pixels, PixelPaddingValue=0)
    np.testing.assert_array_equal(read_image(path).values, [[50, 50, 50], [60, 70, 50]])


def test_padding_range_with_monochrome1(write_dicom: WriteDicom) -> None:
    pixels = np.array([[250, 255, 50], [60, 70, 252]], "u1")
    path = write_dicom(
        pixels,
        PhotometricInterpretation="MONOCHROME1",
        PixelPaddingValue=250,
        PixelPaddingRangeLimit=255,
    )
    np.testing.assert_array_equal(read_image(path).values, [[185, 185, 205], [195, 185, 185]])


def test_padding_value_outside_the_stored_bits(write_dicom: WriteDicom) -> None:
    pixels = np.array([[0xF000, 20], [30, 40]], "<u2")
    path = write_dicom(pixels, BitsStored=12, PixelPaddingValue=0xF000)
    np.testing.assert_array_equal(read_image(path).values, [[20, 20], [30, 40]])


@pytest.mark.parametrize(
    ("attributes", "spacing", "source"),
    [
        (
            {"PixelSpacing": [0.3, 0.2], "ImagerPixelSpacing": [0.1, 0.1]},
            (0.3, 0.2),
            "PixelSpacing",
        ),
        ({"ImagerPixelSpacing": [0.15, 0.14]}, (0.15, 0.14), "ImagerPixelSpacing"),
        ({"PixelSpacing": [0.0, 0.2]}, None, None),
        ({}, None, None),
    ],
)
def test_spacing_is_row_then_column(
    write_dicom: WriteDicom,
    attributes: dict[str, Any],
    spacing: tuple[float, float] | None,
    source: str | None,
) -> None:
    image = read_image(write_dicom(**attributes))
    assert image.spacing == spacing
    assert image.source.get("spacing_from") == source


def test_first_window_of_several_and_values_untouched(write_dicom: WriteDicom) -> None:
    image = read_image(write_dicom(RAMP, WindowCenter=[4, 9], WindowWidth=[6, 2]))
    assert image.window == (4, 6)
    np.testing.assert_array_equal(image.values, RAMP)


def test_window_of_a_voi_lut_is_the_span_where_it_rises(write_dicom: WriteDicom) -> None:
    lut = item(LUTDescriptor=[8, 2, 8], LUTData=[0, 0, 0, 80, 160, 240, 240, 240])
    lut["LUTDescriptor"].VR = "US"
    lut["LUTData"].VR = "US"
    image = read_image(write_dicom(RAMP, VOILUTSequence=Sequence([lut])))
    # Entries 2 (still 0) to 5 (already 240) stand for the values 4 to 7.
    assert image.window == (5.5, 3)


@pytest.mark.parametrize("stated", [{}, {"WindowCenter": 90000, "WindowWidth": 10}])
def test_without_a_usable_window_percentiles_give_one(
    write_dicom: WriteDicom, stated: dict[str, int]
) -> None:
    pixels = np.full((100, 100), 500, "<u2")
    pixels[:50] = 100
    pixels[0, 0] = 65535
    image = read_image(write_dicom(pixels, **stated))
    assert image.window == (300, 400)


def test_a_wide_linear_window_says_all_there_is(write_dicom: WriteDicom) -> None:
    image = read_image(write_dicom(RAMP, WindowCenter=128, WindowWidth=256))
    assert image.window == (128, 256)
    assert image.windows == ()


def test_all_windows_of_the_file_keep_function_and_explanation(write_dicom: WriteDicom) -> None:
    path = write_dicom(
        RAMP,
        WindowCenter=[4, 9, 4000],
        WindowWidth=[6, 4, 2],
        WindowCenterWidthExplanation=["NORMAL", "Harder", "AWAY"],
        VOILUTFunction="SIGMOID",
    )
    # No pixel falls into the third.
    assert read_image(path).windows == (
        Window("SIGMOID", 4, 6, "NORMAL"),
        Window("SIGMOID", 9, 4, "HARDER"),
    )


def test_an_explanation_that_is_no_code_is_left_out(write_dicom: WriteDicom) -> None:
    path = write_dicom(
        RAMP, WindowCenter=4, WindowWidth=6, WindowCenterWidthExplanation="Doe^Jane, portable"
    )
    assert read_image(path).windows == (Window("LINEAR", 4, 6),)


def test_tables_are_kept_as_they_are(write_dicom: WriteDicom) -> None:
    lut = item(LUTDescriptor=[8, 2, 8], LUTData=[0, 0, 0, 80, 160, 240, 240, 255])
    lut.LUTExplanation = "CONTRAST"
    lut["LUTDescriptor"].VR = "US"
    lut["LUTData"].VR = "US"
    (window,) = read_image(write_dicom(RAMP, VOILUTSequence=Sequence([lut]))).windows
    assert (window.function, window.explanation) == ("LUT", "CONTRAST")
    greys = [0, 0, 0, 0, 0, 80, 160, 240, 240, 255, 255, 255]
    np.testing.assert_allclose(window.apply(RAMP).ravel() * 255, greys, atol=0.01)


def test_windows_of_monochrome1_give_inverted_greys(write_dicom: WriteDicom) -> None:
    stated = {"WindowCenter": 5, "WindowWidth": 4, "BitsStored": 12}
    plain = read_image(write_dicom(RAMP, **stated))
    turned = read_image(write_dicom(RAMP, PhotometricInterpretation="MONOCHROME1", **stated))
    np.testing.assert_allclose(
        turned.windows[0].apply(turned.values), 1 - plain.windows[0].apply(plain.values)
    )


@pytest.mark.parametrize("bits", [0, 60000])
def test_an_impossible_depth_of_a_table_is_passed_over(write_dicom: WriteDicom, bits: int) -> None:
    lut = item(LUTDescriptor=[4, 2, bits], LUTData=[0, 50, 100, 200])
    lut["LUTDescriptor"].VR = "US"
    lut["LUTData"].VR = "US"
    (window,) = read_image(write_dicom(RAMP, VOILUTSequence=Sequence([lut]))).windows
    np.testing.assert_allclose(window.apply(RAMP[0]), [0, 0, 0, 0.25], atol=0.001)


def test_window_of_a_constant_image_has_a_width(write_dicom: WriteDicom) -> None:
    assert read_image(write_dicom(np.full((4, 4), 7, "<u2"))).window == (7, 1)


def test_source_names_what_is_known_and_never_the_patient(write_dicom: WriteDicom) -> None:
    path = write_dicom(
        StudyInstanceUID="1.2.9",
        ViewPosition="PA",
        BodyPartExamined="CHEST",
        AcquisitionDate="20240229",
        AcquisitionTime="133005.25",
        TimezoneOffsetFromUTC="+0130",
    )
    assert dict(read_image(path).source) == {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
        "SOPInstanceUID": "1.2.3.4",
        "StudyInstanceUID": "1.2.9",
        "TransferSyntaxUID": "1.2.840.10008.1.2.1",
        "PhotometricInterpretation": "MONOCHROME2",
        "Modality": "CR",
        "ViewPosition": "PA",
        "BodyPartExamined": "CHEST",
        "acquired": "2024-02-29T13:30:05.250000+01:30",
        "orientation": "unknown",
        "format": "DICOM",
        "dataset_digest": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


@pytest.mark.parametrize(
    ("stated", "kept"),
    [("XA-0042/1", "XA-0042/1"), (" 7 ", "7"), ("", ""), ("Smith", ""), ("exam^No 7", "")],
)
def test_an_accession_number_is_kept_and_what_may_be_a_name_is_not(
    write_dicom: WriteDicom, stated: str, kept: str
) -> None:
    source = read_image(write_dicom(AccessionNumber=stated)).source
    assert source.get("AccessionNumber", "") == kept


@pytest.mark.parametrize(
    ("attributes", "acquired"),
    [
        ({"AcquisitionDateTime": "20240102030405-0500"}, "2024-01-02T03:04:05-05:00"),
        ({"ContentDate": "20240102", "ContentTime": "0304"}, "2024-01-02T03:04:00"),
        ({"AcquisitionDate": "20240102"}, "2024-01-02"),
        ({"ContentTime": "0304"}, None),
        ({"AcquisitionDate": "20240231", "ContentDate": "20240103"}, "2024-01-03"),
    ],
)
def test_acquired(
    write_dicom: WriteDicom, attributes: dict[str, str], acquired: str | None
) -> None:
    found = read_image(write_dicom(**attributes)).source.get("acquired")
    assert found == acquired
    assert found is None or datetime.fromisoformat(found)


def test_a_free_text_view_is_left_out(write_dicom: WriteDicom, tmp_path: Path) -> None:
    path = write_dicom(ViewPosition="PA")
    path.write_bytes(path.read_bytes().replace(b"CS\x02\x00PA", b"CS\x02\x00P^"))
    assert "ViewPosition" not in read_image(path).source


def test_image_of_another_patient_is_refused_without_naming_either(
    write_dicom: WriteDicom,
) -> None:
    path = write_dicom(PatientID="SECRET-17")
    with pytest.raises(ImageRefused, match="a different patient") as caught:
        read_image(path, expected_patient_id="SECRET-18")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("stated", ["P1", ""])
def test_image_of_the_expected_or_of_no_stated_patient_is_read(
    write_dicom: WriteDicom, stated: str
) -> None:
    assert read_image(write_dicom(PatientID=stated), expected_patient_id="P1").values.size == 12


def test_a_bare_data_set_is_read_by_its_first_element(write_dicom: WriteDicom) -> None:
    path = write_dicom(RAMP, transfer_syntax=ImplicitVRLittleEndian)
    whole = path.read_bytes()
    path.write_bytes(whole[whole.index(b"\x08\x00\x16\x00") :])
    image = read_image(path)
    np.testing.assert_array_equal(image.values, RAMP)
    assert image.source["TransferSyntaxUID"] == ImplicitVRLittleEndian


def test_photometric_argument_fills_a_gap_but_does_not_contradict(
    write_dicom: WriteDicom,
) -> None:
    stated = write_dicom(RAMP)
    np.testing.assert_array_equal(read_image(stated, photometric="MONOCHROME1").values, RAMP)
    silent = write_dicom(RAMP, without=("PhotometricInterpretation",))
    with pytest.raises(ImageRefused, match="MONOCHROME1 or MONOCHROME2"):
        read_image(silent)
    image = read_image(silent, photometric="MONOCHROME1")
    np.testing.assert_array_equal(image.values, 65535 - RAMP.astype(np.float32))
