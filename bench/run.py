"""What does an order through the gateway cost?  Run as a program: `python bench/run.py`."""

import sys
from pathlib import Path

# A script finds its own folder only; the programs it starts are `bench.*`, and so is what it needs.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.command import main  # found by the line above

if __name__ == "__main__":
    main()
