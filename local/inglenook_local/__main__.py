"""`python -m inglenook_local` is the `inglenook` command."""

from inglenook_local.cli import main

if __name__ == "__main__":
    main()
