"""MLflow: every adapter a run, a model version under its content id, and who is champion.

The database is made once, under a lock: three processes that start it together leave it broken
for good.  Everything here may be repeated after a kill: an adapter has one run and one version,
found again by the tag `adapter_id`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lake.errors import DeploymentError
from models.adapters import MANIFEST
from models.evaluation import Score
from models.processes import ENVIRONMENT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion

Alias = Literal["champion", "challenger", "previous"]
MODEL = "steppe"
EXPERIMENT = "steppe"
ARTIFACT = "adapter"
TAG = "adapter_id"
PAGE = "evaluation.html"
MAX_PARAM = 6_000
"""MLflow refuses parameter values of more characters."""
MAX_TAG = 5_000
"""And tags of a model version of more than these."""


@dataclass(frozen=True, slots=True)
class DatasetReference:
    """The snapshot an adapter was trained on: table, version, and our own digest of its rows."""

    name: str
    uri: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """Where an adapter is in MLflow."""

    run_id: str
    version: str


@dataclass(frozen=True)
class Registry:
    """The registry under one home: `<folder>/mlflow.db` and `<folder>/artifacts`."""

    folder: Path

    @property
    def tracking_uri(self) -> str:
        """Return the address that `mlflow ui --backend-store-uri` takes."""
        return f"sqlite:///{self._database}"

    @cached_property
    def client(self) -> MlflowClient:
        """Return the client; the database and the experiment are made at first use."""
        self.ensure()
        return _client(self._database)

    def ensure(self) -> None:
        """Make the database and the experiment, unless they are there."""
        if self._database.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if not self._database.exists():
                self._create()

    @property
    def _database(self) -> Path:
        return self.folder / "mlflow.db"

    def _create(self) -> None:
        """Make the database under another name first: killed half way, it does not count."""
        draft = self.folder / "mlflow.db.draft"
        draft.unlink(missing_ok=True)
        client = _client(draft)
        place = (self.folder / "artifacts").absolute().as_uri()
        client.create_experiment(EXPERIMENT, artifact_location=place)
        client.create_registered_model(MODEL)
        draft.rename(self._database)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "creation.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def register(
        self,
        adapter_dir: Path,
        report: Mapping[str, Any],
        dataset: DatasetReference,
        *,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        """Return the model version of an adapter, logged and registered unless it already is.

        `report` is `AdapterReport.as_dict()`: numbers become metrics, the rest parameters.
        """
        adapter_id = str(report[TAG])
        if known := self._version(adapter_id):
            return ModelVersion(str(known.run_id), str(known.version))
        run_id = self._run(adapter_id, str(report["served_name"]))
        self._log(run_id, report, metrics or {}, tags or {})
        self._log_dataset(run_id, dataset)
        self.client.log_artifacts(run_id, str(adapter_dir), ARTIFACT)
        self.client.set_terminated(run_id, "FINISHED")
        made = self.client.create_model_version(
            MODEL,
            source=f"runs:/{run_id}/{ARTIFACT}",
            run_id=run_id,
            tags={TAG: adapter_id, "training_set_id": str(report["training_set_id"])},
        )
        return ModelVersion(run_id, str(made.version))

    def fetch_manifest(self, run_id: str, folder: Path) -> Path:
        """Copy the manifest that an adapter's run holds; return the folder it then lies in.

        Raise `DeploymentError` where the run or its file is gone.
        """
        from mlflow.exceptions import MlflowException

        folder.mkdir(parents=True, exist_ok=True)
        try:
            found = self.client.download_artifacts(run_id, f"{ARTIFACT}/{MANIFEST}", str(folder))
        except (MlflowException, OSError) as error:
            raise DeploymentError(
                "The adapter's manifest is lost, in its folder and in MLflow.",
                hint="`steppe grow` trains a new adapter from the lake as it is",
            ) from error
        return Path(found).parent

    def log_scores(self, adapter_id: str, scores: Sequence[Score]) -> None:
        """Add an evaluation's scores to an adapter's run, as `suite.metric`."""
        from mlflow.entities import Metric

        run_id = str(self._known(adapter_id).run_id)
        at = self.client.get_run(run_id).info.start_time
        logged = [Metric(f"{s.suite}.{s.metric}", s.value, at, 0) for s in scores]
        self.client.log_batch(run_id, metrics=logged)

    def log_verdict(self, adapter_id: str, tags: Mapping[str, str], *, page: str = "") -> None:
        """Tag an adapter's version with what was decided; keep the page (HTML) in its run."""
        known = self._known(adapter_id)
        for name, value in sorted(tags.items()):
            self.client.set_model_version_tag(MODEL, str(known.version), name, value[:MAX_TAG])
        if page:
            self.client.log_text(str(known.run_id), page, PAGE)

    def set_alias(self, alias: Alias, adapter_id: str) -> None:
        """Move an alias to an adapter's version; raise `DeploymentError` if it has none."""
        version = str(self._known(adapter_id).version)
        self.client.set_registered_model_alias(MODEL, alias, version)

    def clear_alias(self, alias: Alias) -> None:
        """Take an alias away, if anything has it."""
        if self.alias(alias) is not None:
            self.client.delete_registered_model_alias(MODEL, alias)

    def alias(self, alias: Alias) -> str | None:
        """Return the id of the adapter an alias points at, or None."""
        if not self._database.exists():
            return None
        from mlflow.exceptions import MlflowException

        try:
            version = self.client.get_model_version_by_alias(MODEL, alias)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        return str(version.tags[TAG])

    def adapter_ids(self) -> list[str]:
        """Return the ids of every registered adapter, the oldest first."""
        found = self.client.search_model_versions(f"name = '{MODEL}'", max_results=10_000)
        return [str(v.tags[TAG]) for v in sorted(found, key=lambda v: int(v.version))]

    def _known(self, adapter_id: str) -> MlflowVersion:
        if version := self._version(adapter_id):
            return version
        raise DeploymentError(
            f"Adapter `{adapter_id[:12]}` is not registered in MLflow.",
            hint="run `steppe grow`: it registers what is missing",
        )

    def _version(self, adapter_id: str) -> MlflowVersion | None:
        wanted = f"name = '{MODEL}' and tag.{TAG} = '{adapter_id}'"
        found = self.client.search_model_versions(wanted)
        return min(found, key=lambda v: int(v.version), default=None)

    def _run(self, adapter_id: str, name: str) -> str:
        experiment = self.client.get_experiment_by_name(EXPERIMENT).experiment_id
        found: list[Run] = self.client.search_runs([experiment], f"tags.{TAG} = '{adapter_id}'")
        if found:
            return str(found[0].info.run_id)
        made = self.client.create_run(experiment, run_name=name, tags={TAG: adapter_id})
        return str(made.info.run_id)

    def _log(
        self,
        run_id: str,
        report: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        at = self.client.get_run(run_id).info.start_time
        apart = ("losses", "path", "metrics", "predicted")
        plain = {k: v for k, v in report.items() if v is not None and k not in apart}
        numbers = {k: float(v) for k, v in plain.items() if isinstance(v, int | float)}
        numbers |= {**report.get("metrics", {}), **metrics}
        words = {k: str(v)[:MAX_PARAM] for k, v in plain.items() if k not in numbers}
        logged = [Metric(k, v, at, 0) for k, v in sorted(numbers.items())]
        logged += [Metric("loss", loss, at, step) for step, loss in report.get("losses", ())]
        self.client.log_batch(
            run_id,
            metrics=logged,
            params=[Param(k, v) for k, v in sorted(words.items())],
            tags=[RunTag(k, v) for k, v in sorted(tags.items())],
        )

    def _log_dataset(self, run_id: str, dataset: DatasetReference) -> None:
        from mlflow.data.delta_dataset_source import DeltaDatasetSource
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.entities import DatasetInput, InputTag

        source = DeltaDatasetSource(path=dataset.uri, delta_table_version=dataset.version)
        described = MetaDataset(source, name=dataset.name, digest=dataset.digest[:36])
        entity = described._to_mlflow_entity()
        context = InputTag("mlflow.data.context", "training")
        self.client.log_inputs(run_id, [DatasetInput(entity, [context])])


def _client(database: Path) -> MlflowClient:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import logging

    from mlflow import MlflowClient

    logging.getLogger("alembic").setLevel(logging.WARNING)
    address = f"sqlite:///{database}"
    return MlflowClient(address, registry_uri=address)
