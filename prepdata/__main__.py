"""`python -m prepdata` is the same as `prepdata`."""

from prepdata.cli.main import main

if __name__ == "__main__":
    main()
