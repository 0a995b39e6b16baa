"""Licences, bill of materials, check sums, the .deb's control file, sizes against their limits."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from bundle_contents import Contents
from bundle_deb import control
from bundle_elf import gcc_of, parse
from bundle_papers import bill_of_materials, licences_text, unlicensed, write_sums
from bundle_parts import Part, fills_shared, is_licence, normal, packed
from bundle_plan import MEGABYTE, Plan, too_large

APACHE = "Apache License, the text\n"
PARTS = [
    Part(name="a", version="1.0", licence="Apache-2.0", texts=(("LICENSE", APACHE),), purl="pkg:pypi/a@1.0"),
    Part(name="b", version="2.0", licence="MIT AND BSD", texts=(("LICENSE", APACHE),), purl="pkg:pypi/b@2.0"),
    Part(name="libc", version="3", licence="", texts=(("copyright", "mine"),), purl="pkg:deb/debian/libc@3"),
    Part(name="d", version="4", licence="MIT License", texts=(), purl="pkg:pypi/d@4"),
]
CONTENTS = Contents(
    modules=["numpy"],
    host_packages=["libc6", "libgl1", "libstdc++6", "libwayland-client0"],
    glibc=(2, 36),
    glibcxx=(3, 4, 30),
)


def test_every_text_stands_there_once() -> None:
    text = licences_text(PARTS)
    assert text.count(APACHE.strip()) == 1
    assert "a 1.0 (LICENSE)\nb 2.0 (LICENSE)" in text
    assert "  d 4: MIT License" in text


def test_what_has_no_licence_is_found() -> None:
    nobody = Part(name="x", version="1", licence="", texts=(), purl="pkg:pypi/x@1")
    assert unlicensed([*PARTS, nobody]) == ["x"]


def test_the_bill_is_the_same_at_every_build() -> None:
    bill = bill_of_materials(PARTS, "0.1.0", 1_700_000_000)
    assert bill == bill_of_materials(PARTS, "0.1.0", 1_700_000_000)
    data = json.loads(bill)
    assert (data["bomFormat"], data["specVersion"]) == ("CycloneDX", "1.6")
    assert data["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    licences = {component["name"]: component.get("licenses") for component in data["components"]}
    assert licences["b"] == [{"expression": "MIT AND BSD"}]
    assert licences["d"] == [{"license": {"name": "MIT License"}}]
    assert licences["libc"] is None
    refs = [component["bom-ref"] for component in data["components"]]
    assert data["dependencies"] == [{"ref": "sdstudio", "dependsOn": refs}]
    assert json.loads(bill_of_materials(PARTS, "0.1.1", 1_700_000_000))["serialNumber"] != data["serialNumber"]


def test_sums_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.deb").write_bytes(b"abc")
    (tmp_path / "SHA256SUMS").write_text("old", encoding="utf-8")
    text = write_sums(tmp_path).read_text(encoding="utf-8")
    assert text == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.deb\n"


def test_a_file_in_parts_has_its_own_sum_too(tmp_path: Path) -> None:
    for number, text in ((1, b"a"), (2, b"b"), (10, b"c")):
        (tmp_path / f"a.deb.part{number}").write_bytes(text)
    rows = [line.split("  ") for line in write_sums(tmp_path).read_text(encoding="utf-8").splitlines()]
    assert [name for _, name in rows] == ["a.deb", "a.deb.part1", "a.deb.part10", "a.deb.part2"]
    assert rows[0][0] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_nvidias_terms_are_named_where_its_libraries_are() -> None:
    card = Part(name="nvidia-cublas", version="13", licence="X", texts=(("License.txt", "EULA"),), purl="pkg:pypi/c@13")
    assert "_internal/nvidia" in licences_text([*PARTS, card])
    assert "_internal/nvidia" not in licences_text(PARTS)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("nvidia/cusparselt/LICENSE.txt", True),
        ("nvidia/cusparselt/lib/libcusparseLt.so.0", False),
        ("nvidia/cu13/include/licence.h", False),
        ("nvidia_nccl_cu13-2.0.dist-info/licenses/License.txt", True),
        ("numpy-2.dist-info/LICENSE.txt", True),
        ("numpy-2.dist-info/METADATA", False),
        ("numpy/LICENSE.txt", False),
        ("isympy.py", False),
    ],
)
def test_where_licences_lie(place: str, expected: bool) -> None:
    assert is_licence(place) is expected


def test_the_flavour_for_cards_says_so() -> None:
    assert "NVIDIA" not in control("1", 0, CONTENTS)
    text = control("1", 0, CONTENTS, "cuda")
    assert "NVIDIA graphics card" in text and text.endswith("processor.\n")
    assert all(line.startswith(" ") and len(line) < 81 for line in text.partition("Description")[2].splitlines()[1:])


def test_control_says_what_the_host_must_bring() -> None:
    text = control("0.2.0rc1", 5000, CONTENTS)
    fields = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith(" "))
    assert fields["Version"] == "0.2.0~rc1"
    assert fields["Depends"] == "libc6 (>= 2.36), libgl1, libstdc++6 (>= 12)"
    assert fields["Recommends"].startswith("libwayland-client0")
    assert fields["Installed-Size"] == "5"
    assert all(line.startswith(" ") and len(line) < 81 for line in text.partition("Description")[2].splitlines()[1:])


OBJDUMP = """\
Dynamic Section:
  NEEDED               libm.so.6
  NEEDED               libc.so.6

Version definitions:
1 0x01 0x0acbd2c9 libx.so.1
2 0x00 0x0acbd2c9 GLIBC_2.99

Version References:
  required from libc.so.6:
    0x06969188 0x00 02 GLIBC_2.4
    0x06969188 0x00 02 GLIBC_2.28
  required from libstdc++.so.6:
    0x0297f871 0x00 16 GLIBCXX_3.4.9
    0x0297f871 0x00 16 GLIBCXX_3.4.21
"""


def test_what_a_library_asks_for() -> None:
    facts = parse(OBJDUMP)
    assert facts.needed == ("libm.so.6", "libc.so.6")
    assert (facts.glibc, facts.glibcxx) == ((2, 28), (3, 4, 21))
    assert parse("file format not recognized").needed == ()
    assert [gcc_of(version) for version in ((3, 4, 21), (3, 4, 30), (3, 5, 0))] == [11, 12, 15]


def test_contents_are_kept_between_freezing_and_packing(tmp_path: Path) -> None:
    CONTENTS.write(tmp_path / "contents.json")
    assert Contents.read(tmp_path / "contents.json") == CONTENTS


class FakeDistribution:
    """Only what `packed` and `fills_shared` ask for."""

    def __init__(self, top_level: str, files: tuple[str, ...] = ()) -> None:
        self._top_level = top_level
        self.files = [PurePosixPath(file) for file in files]

    def read_text(self, name: str) -> str | None:
        return self._top_level if name == "top_level.txt" else None


@pytest.mark.parametrize(
    ("name", "top_level", "tops", "expected"),
    [
        ("pillow", "", {"PIL"}, True),
        ("pyyaml", "_yaml\nyaml\n", {"yaml"}, True),
        ("setuptools", "_distutils_hack\nsetuptools\n", {"_distutils_hack", "numpy"}, False),
        ("tomli-w", "", {"tomli_w"}, True),
        ("numpy", "", {"torch"}, False),
    ],
)
def test_packages_are_found_by_what_is_imported(name: str, top_level: str, tops: set[str], expected: bool) -> None:
    assert packed(FakeDistribution(top_level), name, tops) is expected  # type: ignore[arg-type]
    assert normal("Tomli_W") == "tomli-w"


def test_packages_of_a_shared_folder_are_found_by_their_files() -> None:
    shared = frozenset({"nvidia/cu13/lib/libcublas.so.13"})
    blas = FakeDistribution("nvidia\n", ("nvidia/cu13/include/cublas.h", "nvidia/cu13/lib/libcublas.so.13"))
    marks = FakeDistribution("nvidia\n", ("nvidia/cu13/lib/libnvtx3interop.so.1",))
    assert fills_shared(blas, shared)  # type: ignore[arg-type]
    assert not fills_shared(marks, shared) and not fills_shared(blas, frozenset())  # type: ignore[arg-type]


def test_limits() -> None:
    models = 14 * MEGABYTE
    assert too_large(310 * MEGABYTE, models, "linux-cpu") is None
    assert too_large(361 * MEGABYTE, 100 * MEGABYTE, "linux-cpu") == "361 MB; at most 360 MB are allowed"
    assert too_large(320 * MEGABYTE, models, "linux-cpu") == "306 MB without models; at most 300 MB are allowed"
    assert too_large(251 * MEGABYTE, 0, "windows-cpu") is not None
    assert too_large(10**10, 0, "linux-cuda") is None


def test_names_say_what_is_inside(tmp_path: Path) -> None:
    plan = Plan(root=tmp_path, version="0.1.0", platform="linux", flavour="cpu", epoch=0)
    assert plan.asset(".deb") == tmp_path / "dist" / "sdstudio-0.1.0-linux-cpu.deb"
    assert plan.asset("-setup.exe", "windows-cpu-STUB").name == "sdstudio-0.1.0-windows-cpu-STUB-setup.exe"
