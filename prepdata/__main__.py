"""Where the program starts: `python -m prepdata`, and the command `prepdata`."""

import os
import sys


def main() -> None:
    """Run the command line. Ctrl-C while it is still being imported ends it without a word, too."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start threads for matrices that we do not have
    try:
        from prepdata.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
