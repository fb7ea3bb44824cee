"""``python -m raystreaming``."""

import sys

from raystreaming.cli.main import main

sys.exit(main())
