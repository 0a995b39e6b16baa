"""Which files go into the program's folder, by their place in it: keep lists for Qt, drop lists for the others.

Places are relative to the folder `_internal`, with forward slashes on every system. `platform` is that of sys.platform.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

QT_PARTS = ("Core", "DBus", "Gui", "OpenGL", "Svg", "Widgets")
"""DBus is needed by the input methods and the desktop's file dialog, OpenGL by the Wayland plugin."""
QT_LINUX_PARTS = (*QT_PARTS, "WaylandClient", "WlShellIntegration", "XcbQpa")
QT_PLUGINS = (
    "iconengines/*qsvgicon",
    "imageformats/*qgif",
    "imageformats/*qico",
    "imageformats/*qjpeg",
    "imageformats/*qsvg",
    "imageformats/*qwebp",
    "platforms/*qoffscreen",
)
QT_LINUX_PLUGINS = (
    *QT_PLUGINS,
    "platforminputcontexts/libcomposeplatforminputcontextplugin",
    "platforminputcontexts/libibusplatforminputcontextplugin",
    "platforms/libqwayland*",
    "platforms/libqxcb",
    # Not libqgtk3: it brings the build machine's GTK along. This one asks the desktop instead.
    "platformthemes/libqxdgdesktopportal",
    "wayland-decoration-client/*",
    "wayland-graphics-integration-client/libqt-plugin-wayland-egl",
    "wayland-shell-integration/libxdg-shell",
    "xcbglintegrations/*",
)
QT_WINDOWS_PLUGINS = (*QT_PLUGINS, "platforms/qwindows", "styles/*")

DROPPED = (
    # Longer than Windows allows below a long folder; their texts are in THIRD_PARTY_LICENSES.
    "*.dist-info/licenses/*",
    "*.dist-info/LICEN[CS]E*",
    "*.dist-info/NOTICE*",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "cuda_bindings-*.dist-info/*",  # only to say that it is too old
    "*.lib",
    "*/vcamp140.dll",
    "*/vccorlib140.dll",
    "*.pyi",
    "torch/bin/protoc*",
    "torch/bin/*[Tt]est*",
    "torch/csrc/*",
    "torch/include/*",
    "torch/lib/*aoti_custom_ops*",
    "torch/lib/*backend_with_compiler*",
    "torch/lib/*jitbackend_test*",
    "torch/lib/*torchbind_test*",
    "torch/lib/libshm*/*",
    "torch/share/*",
    "torch/test/*",
    "torchgen/packaged/*",
)
# The user's graphics driver may need a newer one of these than the build machine has; every system has the first two,
# and who has Wayland has the others.
HOST_RUNTIME = ("libgcc_s.so*", "libstdc++.so*", "libdrm.so*", "libwayland-*.so*")
# A path in torch._inductor makes PyInstaller take it from the build machine; CUDA flavours have theirs in nvidia/.
BUILD_MACHINE = ("libcudart.so*",)

# Of NVIDIA's packages (CUDA flavours on Linux): what torch's libraries name as needed, directly or through others …
CUDA_NEEDED = (
    "cu13/lib/libcublas.so*",
    "cu13/lib/libcublasLt.so*",
    "cu13/lib/libcudart.so*",
    "cu13/lib/libcufft.so*",
    "cu13/lib/libcufile.so*",
    "cu13/lib/libcupti.so*",
    "cu13/lib/libcurand.so*",
    "cu13/lib/libcusolver.so*",
    "cu13/lib/libcusparse.so*",
    "cu13/lib/libnvJitLink.so*",
    "cu13/lib/libnvrtc.so*",
    "cudnn/lib/libcudnn.so*",
    "cusparselt/lib/libcusparseLt.so*",
    "nccl/lib/libnccl.so*",
    "nvshmem/lib/libnvshmem_host.so*",
)
# … and what those open by name when they are used, which nothing but a list can tell.
CUDA_OPENED = ("cu13/lib/libnvrtc-builtins.so*", "cudnn/lib/libcudnn_*.so*")
# With the user's graphics driver, or not there at all.
DRIVER = ("libcuda.so*", "libnvidia-ml.so*")

# Microsoft's C++ run-time libraries, taken from the build machine's System32: torch needs the last one, which no wheel
# brings, and a Windows without other programs lacks. hooks/rthook_start.py loads them before Qt loads its older ones.
WINDOWS_RUNTIME = ("vcruntime140.dll", "vcruntime140_1.dll", "msvcp140.dll", "msvcp140_atomic_wait.dll")

STRIPPED = (
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libtorch_cuda.so",
    "torch/lib/libtorch_python.so",
    "libpython3.*.so*",
)
"""Debugging symbols of 110 MB, and 72 MB more in CUDA flavours. Only these: others (numpy's OpenBLAS) do not survive
it, and NVIDIA's libraries may only be passed on as they are."""

# What the host has to bring, by the package of Debian that brings it; everything else is shipped.
HOST_LIBRARIES: dict[str, tuple[str, ...]] = {
    "libc6": ("ld-linux*", "libc.so*", "libdl.so*", "libm.so*", "libpthread.so*", "librt.so*", "libutil.so*"),
    "libstdc++6": ("libstdc++.so*",),
    "libgcc-s1": ("libgcc_s.so*",),
    "libgl1": ("libGL.so*", "libGLX.so*", "libOpenGL.so*"),
    "libegl1": ("libEGL.so*", "libGLdispatch.so*"),
    "libdrm2": ("libdrm.so*",),
    "libx11-6": ("libX11.so*",),
    "libx11-xcb1": ("libX11-xcb.so*",),
    "libxcb1": ("libxcb.so*",),
    "libwayland-client0": ("libwayland-client.so*",),
    "libwayland-cursor0": ("libwayland-cursor.so*",),
    "libwayland-egl1": ("libwayland-egl.so*",),
    "libfontconfig1": ("libfontconfig.so*",),
    "libfreetype6": ("libfreetype.so*",),
}


def keeps(place: str, platform: str) -> bool:
    """Whether the file that would lie at `place` belongs into the program."""
    name = place.rpartition("/")[2]
    if any(fnmatchcase(place, pattern) for pattern in DROPPED):
        return False
    if any(fnmatchcase(name, pattern) for pattern in HOST_RUNTIME):
        return False
    if any(fnmatchcase(place, pattern) for pattern in BUILD_MACHINE):
        return False
    if place.startswith("nvidia/"):
        inside = place.removeprefix("nvidia/")
        return any(fnmatchcase(inside, pattern) for pattern in (*CUDA_NEEDED, *CUDA_OPENED))
    if place.startswith("PySide6/"):
        return keeps_qt(place, platform)
    return _is_kept_qt_link(place)


def keeps_qt(place: str, platform: str) -> bool:
    """The same for a file of PySide6, where everything is left out that is not named here."""
    windows = platform == "win32"
    plugins = re.match(r"PySide6/(?:Qt/)?plugins/(.+)$", place)
    if plugins:
        stem = re.sub(r"\.(so|dll)$", "", plugins[1])
        return any(fnmatchcase(stem, pattern) for pattern in (QT_WINDOWS_PLUGINS if windows else QT_LINUX_PLUGINS))
    if re.match(r"PySide6/(?:Qt/)?(qml|translations|resources|libexec|metatypes)/", place):
        return False
    parts = QT_PARTS if windows else QT_LINUX_PARTS
    library = re.match(r"PySide6/(?:Qt/lib/)?(?:lib)?Qt6(\w+)\.(?:so|dll)", place)
    if library:
        return library[1] in parts
    module = re.match(r"PySide6/Qt(\w+)\.(?:abi3\.so|pyd)$", place)
    if module:
        return module[1] in {"Core", "Gui", "Svg", "Widgets"}
    name = place.rpartition("/")[2]
    if windows:
        # The C++ run-time libraries lie beside Qt's own; the software OpenGL (20 MB) is of no use to widgets.
        return name.endswith((".dll", ".pyd", ".py")) and not re.match(r"opengl32sw|d3dcompiler|pyside6qml|av|sw", name)
    return "pyside6qml" not in name and not name.startswith("libQt6")


def _is_kept_qt_link(place: str) -> bool:
    """At the top there are links named like Qt's libraries; they go with what they point to."""
    link = re.match(r"libQt6(\w+)\.so", place)
    return link is None or link[1] in QT_LINUX_PARTS


def is_stripped(place: str, platform: str) -> bool:
    """Whether the file's debugging symbols are left out."""
    return platform == "linux" and any(fnmatchcase(place, pattern) for pattern in STRIPPED)


def opened_by_name(site: Path) -> list[tuple[str, str]]:
    """(file, folder in the program) of the libraries that CUDA's open by name; [] where `site` has no CUDA. Raises
    LookupError where some are not at their usual place: the program would fail on its first graphics card."""
    if not (site / "nvidia").is_dir():
        return []
    found: list[tuple[str, str]] = []
    for pattern in CUDA_OPENED:
        paths = sorted((site / "nvidia").glob(pattern))
        if not paths:
            raise LookupError(f"There is no nvidia/{pattern}: CUDA opens it by name, so look where it is now.")
        found += [(str(path), path.parent.relative_to(site).as_posix()) for path in paths]
    return found


def is_driver(library: str) -> bool:
    """Whether the library comes with a graphics driver; without one the program works on the processor."""
    return any(fnmatchcase(library, pattern) for pattern in DRIVER)


def host_package(library: str) -> str | None:
    """The Debian package that brings a library which we do not ship; None for one that the host need not have."""
    for package, patterns in HOST_LIBRARIES.items():
        if any(fnmatchcase(library, pattern) for pattern in patterns):
            return package
    return None
