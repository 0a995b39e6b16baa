"""Which Python modules are frozen into the program and which stay out: data, and functions of folder listings.

What stays out is proven twice: `tests/architecture/test_frozen_imports.py` runs every task with these modules made
unimportable, and the frozen program runs its own self-test. Nothing here imports the libraries it speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

# Libraries that those we need only look for: other front ends, compilers, servers, test tools, downloads.
EXCLUDED_LIBRARIES = (
    "IPython",
    "_pytest",
    "click",
    "cuda",  # Python's way to CUDA: torch asks for it only to name the parts of its graphs
    "cv2",
    "expecttest",
    "hf_xet",
    "hypothesis",
    "lark",
    "markdown_it",
    "matplotlib",
    "mdurl",
    "mypy",
    "networkx",  # only for compiled graphs
    "onnx",
    "onnxruntime",
    "onnxscript",
    "pandas",
    "pip",
    "pkg_resources",
    "pydantic",
    "pydantic_core",
    "pygments",
    "pytest",
    "rich",
    "scipy",  # 490 modules for two samplers that we do not offer
    "setuptools",
    "shellingham",
    "tensorboard",
    "torchaudio",
    "torchsde",
    "torchvision",
    "triton",  # 1 GB in CUDA builds, and needs a C compiler at run time
    "typer",
    "wheel",
)
EXCLUDED_STANDARD = (
    "ensurepip",
    "idlelib",
    "lib2to3",
    "readline",  # under the GPL, and nobody types into the program
    "rlcompleter",
    "test",
    "tkinter",
    "turtle",
    "turtledemo",
    "venv",
    "xmlrpc",
)
EXCLUDED_PARTS = (
    "accelerate.test_utils",
    "diffusers.commands",
    "diffusers.experimental",
    "diffusers.modular_pipelines",
    "huggingface_hub.cli",
    "numpy.distutils",
    "numpy.f2py",
    "sympy.parsing.autolev",
    "sympy.parsing.latex",
    "torch.utils.benchmark",
    "torch.utils.model_dump",
    "torch.utils.tensorboard",
    "transformers.cli",
    "transformers.exporters",
    "transformers.pipelines",
)
# Of these packages only the named children stay; all others are left out, also those of later releases.
KEPT_CHILDREN: dict[str, frozenset[str]] = {
    # CLIP is the text encoder, DPT with its backbone BiT estimates depth; the others are what transformers itself
    # imports on the way to them.
    "transformers.models": frozenset(
        {"auto", "bit", "clip", "dinov2_with_registers", "dpt", "encoder_decoder", "siglip", "vit_mae"}
    ),
    # torch.utils.checkpoint and torch.distributed import these three.
    "torch.testing._internal": frozenset({"common_dtype", "distributed", "logging_tensor"}),
    "PySide6": frozenset({"QtCore", "QtGui", "QtSvg", "QtWidgets", "_config", "_git_pyside_version"}),
}
# Packages that are left out whole, while the plain modules beside them stay.
EXCLUDED_SUBPACKAGES_OF = ("diffusers.pipelines",)

# Asked for by importlib.metadata, at import or by the self-test. Whoever else asks is told “not installed”.
METADATA = (
    "accelerate",
    "diffusers",
    "filelock",
    "httpcore2",
    "httpx2",
    "huggingface-hub",
    "importlib-metadata",
    "jinja2",
    "numpy",
    "packaging",
    "pillow",
    "psutil",
    "pyyaml",
    "regex",
    "requests",
    "safetensors",
    "tokenizers",
    "torch",
    "tqdm",
    "transformers",
)
# Imported by name at run time, so that following the import statements does not find them.
HIDDEN = ("accelerate", "accelerate.big_modeling", "accelerate.hooks")
# Read their own source while they run: their .py files lie beside the compiled ones.
WITH_SOURCE = ("anyio", "diffusers", "torch", "transformers")


def children(folder: Path) -> Iterator[tuple[str, bool]]:
    """(name, whether it is a package) of every module directly in the package `folder`, sorted."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name.isidentifier() and path.name != "__pycache__":
            if any(path.glob("*.py")) or any(path.glob("*/*.py")):
                yield path.name, True
        elif path.suffix in {".py", ".pyd", ".so"} and path.name != "__init__.py":
            yield path.name.partition(".")[0], False


def excluded_modules(site: Path) -> list[str]:
    """All that must not be imported, as dotted names that stand for everything in them; `site` = site-packages."""
    found = {*EXCLUDED_LIBRARIES, *EXCLUDED_STANDARD, *EXCLUDED_PARTS}
    for package, kept in KEPT_CHILDREN.items():
        folder = site.joinpath(*package.split("."))
        found |= {f"{package}.{name}" for name, _ in children(folder) if name not in kept}
    for package in EXCLUDED_SUBPACKAGES_OF:
        folder = site.joinpath(*package.split("."))
        found |= {f"{package}.{name}" for name, is_package in children(folder) if is_package}
    return sorted(found)


def is_excluded(module: str, excluded: Iterable[str]) -> bool:
    """Whether `module` is one of `excluded` or lies in one of them."""
    names = frozenset(excluded)
    parts = module.split(".")
    return any(".".join(parts[:length]) in names for length in range(1, len(parts) + 1))


def package_modules(root: Path, package: str, excluded: Iterable[str]) -> list[str]:
    """Every module of `package` below `root` that is not excluded and is no test, from the files alone."""
    names = frozenset(excluded)
    found: list[str] = []

    def walk(folder: Path, name: str) -> None:
        found.append(name)
        for child, is_package in children(folder):
            full = f"{name}.{child}"
            if full in names or child in {"test", "tests", "conftest"}:
                continue
            if is_package:
                walk(folder / child, full)
            else:
                found.append(full)

    walk(root.joinpath(*package.split(".")), package)
    return sorted(set(found))
