"""Where the program starts: `python -m prepdata`, and the command `prepdata`."""

import os
import sys


def main() -> None:
    """Run the command line. Ctrl-C while it is still being imported ends it without a word, too."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start threads for matrices that we do not have
    try:
        from prepdata.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if os.environ.get("PREPDATA_DEBUG"):
            raise
        sys.exit(_lacking(error))


def _lacking(error: ModuleNotFoundError) -> int:
    """Say which library is missing, without any library; return the exit code."""
    print(
        f"prepdata: the library '{error.name}' is missing in the environment of {sys.executable}; "
        "install prepdata there, with what it needs (pip install prepdata)",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    main()
