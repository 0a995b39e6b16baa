"""PyInstaller's hook for transformers: its modules but those excluded, listed from its folder."""

import bundle_modules
from bundle_site import SITE

warn_on_missing_hiddenimports = False
hiddenimports = bundle_modules.package_modules(SITE, "transformers", bundle_modules.excluded_modules(SITE))
