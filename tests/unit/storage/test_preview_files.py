"""Which of the files that were found can make previews."""

from __future__ import annotations

from pathlib import Path

from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_library import ModelLibrary
from sdstudio.storage.preview_files import PreviewFiles
from tests.helpers import model_families as families
from tests.helpers.model_files import write_safetensors

DECODER = {"1.weight": (64, 4, 3, 3), "3.conv.0.weight": (64, 64, 3, 3)}
ENCODER = {"0.weight": (64, 3, 3, 3), "1.conv.0.weight": (64, 64, 3, 3), "14.weight": (4, 64, 3, 3)}
FLUX = {"decoder.layers.0.weight": (64, 16, 3, 3)}


def test_decoders_of_the_four_channels_are_found(tmp_path: Path) -> None:
    models = tmp_path / "models"
    wanted = [models / "taesd_decoder.safetensors", models / "vae_approx" / "taesdxl_decoder.safetensors"]
    for path in wanted:
        write_safetensors(path, DECODER)
    write_safetensors(models / "taesd_encoder.safetensors", ENCODER)
    write_safetensors(models / "taef1.safetensors", FLUX)
    write_safetensors(models / "ink.safetensors", families.lora(768))
    index = ModelIndex(tmp_path / "models.sqlite")
    files = PreviewFiles(index)
    assert files() == ()
    ModelLibrary(index, [models]).scan()
    assert [file.path for file in files()] == list(map(str, wanted))
    assert files()[1].name == "taesdxl_decoder"
    wanted[0].unlink()
    assert [file.path for file in files()] == [str(wanted[1])]
