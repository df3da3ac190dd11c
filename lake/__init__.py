"""How the data is kept: schemas, ids, tables, vectors, warehouse, settings, errors.

The bytes live under `STEPPE_HOME` (default `.steppe/`), never in the repository.
Never here: Dagster, torch, or anything about what is computed.
"""
