"""`python -m keeptrusts` is `kt`."""

from keeptrusts.cli.main import main

if __name__ == "__main__":
    main()
