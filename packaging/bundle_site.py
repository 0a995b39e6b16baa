"""Where the libraries of the environment lie that runs this."""

import sysconfig
from pathlib import Path

SITE = Path(sysconfig.get_path("purelib"))
