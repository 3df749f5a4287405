"""``python -m so3k_explore.cli``, the same as `so3k`."""

import sys

from so3k_explore.cli import main

sys.exit(main())
