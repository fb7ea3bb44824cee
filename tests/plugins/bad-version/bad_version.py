"""Was made for a core that is not there, and must not be imported."""

import os

os.write(2, b"imported")
