"""Write the exports of Brightwater Software, the made-up company that ships as the sample.

Run `python data/samples/generate_brightwater.py`; the same day of export always gives the same bytes.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from generator.export import build_files, write_files
from generator.world import simulate_world

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Read the arguments, simulate and write."""
    parser = argparse.ArgumentParser(description="Write the exports of the made-up company Brightwater Software.")
    parser.add_argument("--out", type=Path, default=HERE / "brightwater" / "crm", help="folder of exports, one per day")
    parser.add_argument("--exported-on", type=dt.date.fromisoformat, default=dt.date(2026, 10, 1), help="2026-10-01")
    arguments = parser.parse_args()
    folder = arguments.out / arguments.exported_on.isoformat()
    files = build_files(simulate_world(), arguments.exported_on)
    write_files(files, folder)
    for name, frame in files.items():
        print(f"{folder / name}: {len(frame)} rows, {(folder / name).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
