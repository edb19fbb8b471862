"""Together's own check of a training file, `together.lib.utils.check_file`, as a whole process.

    PYTHON benchmarks/peer_together.py FILE

Runs under the interpreter of any environment that has the package `together`, and imports nothing of prepdata.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["TOGETHER_DISABLE_TQDM"] = "true"  # no progress bar; together reads this while it checks


def main(path: str) -> int:
    """Check a file and print rows and verdict; 2 if it stopped at a bad row, since its time then means nothing."""
    from together.lib.utils.files import check_file

    report = check_file(path)
    print(json.dumps({"rows": report.get("num_samples"), "passed": report["is_check_passed"]}))
    if not report["is_check_passed"]:
        print(report["message"], file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
