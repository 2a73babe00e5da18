"""``python -m carbonsim`` is the ``carbonsim`` command."""

from carbonsim.cli import main

if __name__ == "__main__":
    main()
