"""PyInstaller's hook for huggingface_hub: it imports its own modules by name, so they are listed from its folder."""

import bundle_modules
from bundle_site import SITE

warn_on_missing_hiddenimports = False
hiddenimports = bundle_modules.package_modules(SITE, "huggingface_hub", bundle_modules.excluded_modules(SITE))
