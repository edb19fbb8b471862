"""Where the program starts: `python -m prepdata`, and the command `prepdata`."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C while it is still being imported ends it without a word, too."""
    try:
        from prepdata.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
