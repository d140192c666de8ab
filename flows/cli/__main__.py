"""``python -m steadymap.flows.cli``: the command line without its script."""

from steadymap.flows.cli.app import main

main()
