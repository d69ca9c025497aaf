"""`python -m catalens`: the command line."""

from catalens.cli.main import run

if __name__ == "__main__":
    run()
