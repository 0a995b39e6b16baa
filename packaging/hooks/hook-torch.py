"""PyInstaller's hook for torch: all modules but those excluded, its libraries, and almost none of its data."""

from PyInstaller.utils.hooks import PY_DYLIB_PATTERNS, collect_data_files, collect_dynamic_libs

import bundle_files
import bundle_modules
from bundle_site import SITE

warn_on_missing_hiddenimports = False
hiddenimports = bundle_modules.package_modules(SITE, "torch", bundle_modules.excluded_modules(SITE))
datas = collect_data_files("torch", includes=["_dynamo/*.json", "bin/torch_shm_manager"])
binaries = collect_dynamic_libs("torch", search_patterns=[*PY_DYLIB_PATTERNS, "*.so.*"])
binaries += bundle_files.opened_by_name(SITE)
# Links to its libraries at the top confuse torch about where it lies; so do those to the CUDA libraries.
bindepend_symlink_suppression = ["**/torch/lib/*.so*", "**/nvidia/*/lib/*.so*"]
