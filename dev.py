#!/usr/bin/env python3
"""Runs the demo and the tests of a checkout: `python3 dev.py demo`, `python3 dev.py test`.

This file is valid Python of any age, so that an old interpreter answers with a sentence. The work is in
tools/devtool.py.
"""

import os
import sys

if sys.version_info < (3, 10):
    sys.exit(
        "dev.py needs Python 3.10 or newer, and this is Python %d.%d (%s): "
        "run it as `python3.11 dev.py`, for example."
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "tools"))
import devtool

sys.exit(devtool.main())
