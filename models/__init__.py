"""Everything that runs or changes a network; it gets rows and paths and returns reports.

Never here: tables (`lake.tables`), Dagster.  The bytes of models live under `STEPPE_HOME/models`.
"""
