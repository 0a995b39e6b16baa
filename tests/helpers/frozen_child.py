"""A process that lacks what the frozen program lacks: excluded modules, metadata, and files that are not packed.

`python -m tests.helpers.frozen_child models FOLDER` makes tiny models there, `… FOLDER` runs them and the tasks on the
command line, `… window` loads the window's half.
What the frozen program would have missed without an error comes out as JSON lines.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import bundle_files
import bundle_modules

SITE = Path(sysconfig.get_path("purelib"))
ROOT = Path(__file__).resolve().parents[2]
MODELS = "models.json"


class Blocker:
    """An excluded module is not there: neither for `import` nor for `importlib.util.find_spec`."""

    def __init__(self, excluded: Iterable[str]) -> None:
        self._excluded = frozenset(excluded)
        self._find_spec = importlib.util.find_spec

    def install(self) -> None:
        sys.meta_path.insert(0, self)
        importlib.util.find_spec = self._look

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if bundle_modules.is_excluded(name, self._excluded):
            raise ModuleNotFoundError(f"No module named {name!r} (it is not in the frozen program)", name=name)
        return None

    def _look(self, name: str, package: str | None = None) -> ModuleSpec | None:
        absolute = importlib.util.resolve_name(name, package)
        if bundle_modules.is_excluded(absolute, self._excluded):
            return None
        return self._find_spec(name, package)


def hide_metadata(names: Iterable[str]) -> None:
    """Only the packages `names` have metadata, as in the frozen program."""
    wanted = {_normal(name) for name in names}
    discover = importlib.metadata.Distribution.discover

    def discover_wanted(**keywords: object) -> Iterator[importlib.metadata.Distribution]:
        found = discover(**keywords)  # type: ignore[arg-type]
        return (dist for dist in found if _normal(dist.metadata["Name"]) in wanted)

    importlib.metadata.Distribution.discover = staticmethod(discover_wanted)  # type: ignore[assignment,method-assign]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class Opened:
    """The files of libraries that Python code opens."""

    def __init__(self) -> None:
        self.places: set[str] = set()
        sys.addaudithook(self._see)

    def _see(self, event: str, args: tuple[object, ...]) -> None:
        if event == "open" and isinstance(args[0], str) and args[0].startswith(str(SITE)):
            self.places.add(Path(args[0]).relative_to(SITE).as_posix())


def loaded_libraries() -> set[str]:
    """The native libraries of the environment that this process has mapped."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    paths = {line.split(maxsplit=5)[5] for line in lines if ".so" in line and line.count(" ") >= 5}
    return {Path(path).relative_to(SITE).as_posix() for path in paths if path.startswith(str(SITE))}


def missed(opened: Iterable[str], libraries: Iterable[str]) -> list[str]:
    """What was used here and would not be in the frozen program."""
    lost = [place for place in libraries if not bundle_files.keeps(place, sys.platform)]
    for place in opened:
        if place.endswith((".pyc", ".pth")) or place.partition("/")[0] in bundle_modules.WITH_SOURCE:
            continue
        packed = place.partition("/")[0].endswith(".dist-info") and bundle_files.keeps(place, sys.platform)
        if not packed:
            lost.append(place)
    return sorted(lost)


def import_everything(*layers: str) -> None:
    """Also the modules that no command needs: a later feature imports in them what it needs."""
    for layer in layers:
        for name in bundle_modules.package_modules(ROOT, f"sdstudio.{layer}", ()):
            importlib.import_module(name)


def build_the_depth_network() -> None:
    """transformers looks for its backbone by name, when one is built."""
    from sdstudio.engine.midas import empty_depth_estimator

    empty_depth_estimator(ROOT / "resources" / "checkpoints" / "sd2-depth" / "depth_estimator")


def task_commands(folder: Path) -> list[list[str]]:
    """One small run of every command that makes pictures."""
    from PIL import Image

    source, mask, out = str(folder / "source.png"), str(folder / "mask.png"), str(folder / "out")
    Image.new("RGB", (64, 64), (200, 40, 40)).save(source)
    Image.new("L", (64, 64), 255).save(mask)
    short = ["--steps", "2", "--out", out]
    return [
        ["selftest"],
        ["generate", "a red apple", "--seed", "1", *short],
        ["img2img", source, "--prompt", "a star", "--strength", "0.8", *short],
        ["inpaint", source, "--mask", mask, "--prompt", "a star", *short],
        ["outpaint", source, "--right", "64", "--prompt", "a star", *short],
        ["upscale", source, "--scale", "4", "--out", out],
    ]


def run_tasks(folder: Path) -> None:
    from sdstudio import wiring

    for command in task_commands(folder):
        code = wiring.cli_main([*command, "--json"])
        print(json.dumps({"command": command[0], "code": code}))


def make_models(folder: Path) -> None:
    """In a process of its own: what writes such files needs more than what reads them."""
    from sdstudio.domain.model_file import ModelFamily
    from tests.helpers.one_file import make_one_file

    families = (ModelFamily.SD1, ModelFamily.SDXL, ModelFamily.SD2_DEPTH, ModelFamily.UNCLIP_L)
    made = [make_one_file(folder / family.name, family) for family in families]
    rows = [{"spec": asdict(one.spec), "resources": str(one.resources)} for one in made]
    (folder / MODELS).write_text(json.dumps(rows))


def run_families(folder: Path) -> None:
    """One step of a tiny model in one file of each kind of network: much is imported only when such a file is read."""
    import numpy as np

    from sdstudio.domain.engine_api import CancelToken
    from sdstudio.domain.events import Finished
    from sdstudio.domain.geometry import Size
    from sdstudio.domain.image import ImageBuffer
    from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
    from sdstudio.engine.engine import TorchEngine
    from sdstudio.jobs.job_images import JobImages
    from sdstudio.storage.image_store import ImageStore

    images = JobImages(ImageStore(folder / "images"))
    picture = images.hold(ImageBuffer.from_rgb(np.full((64, 64, 3), 128, np.uint8)))
    for made in json.loads((folder / MODELS).read_text()):
        engine = TorchEngine(images=images, upscaler=folder / "none", resources=Path(made["resources"]), threads=1)
        request = GenerationRequest(
            prompt=PromptSpec(positive="an apple"),
            sampling=SamplingSpec(seed=1, steps=1, sampler="Euler"),
            model=ModelSpec(**made["spec"]),
            size=Size(64, 64),
            image=picture,
            strength=1.0,
        )
        events: list[object] = []
        engine.run("1", request, events.append, CancelToken())
        end = events[-1]
        print(json.dumps({"family": made["spec"]["family"], "ok": isinstance(end, Finished), "end": str(end)[:2000]}))


def main(arguments: Sequence[str]) -> None:
    if arguments[0] == "models":
        make_models(Path(arguments[1]))
        return
    Blocker(bundle_modules.excluded_modules(SITE)).install()
    hide_metadata(bundle_modules.METADATA)
    opened = Opened()
    places = opened.places
    if arguments[0] == "window":
        import_everything("domain", "storage", "canvas", "jobs", "app", "ui")
        from PySide6.QtGui import QGuiApplication, QIcon

        QGuiApplication([])
        QIcon(str(ROOT / "resources" / "icons" / "dice.svg")).pixmap(20, 20)
        # PySide6 looks through the source of whatever is imported after it, and does without where there is none.
        places = {place for place in places if not place.endswith(".py")}
    else:
        import_everything("cli", "engine")
        build_the_depth_network()
        run_families(Path(arguments[0]))
        run_tasks(Path(arguments[0]))
    print(json.dumps({"missed": missed(places, loaded_libraries() if sys.platform == "linux" else set())}))


if __name__ == "__main__":
    main(sys.argv[1:])
