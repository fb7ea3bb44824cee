import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the harness, whichever way tests are imported
pytest.register_assert_rewrite("harness")
