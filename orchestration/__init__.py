"""When things run, and the doors in: definitions, automation, the turn of the loop, the CLI.

Never here: how anything is computed.
"""
