"""The one `Definitions`: what exists, when it runs, and with what."""

import dagster as dg

from assets import (
    adapters,
    cleaned,
    deployments,
    embeddings,
    evaluations,
    memories,
    raw,
    self_chats,
)
from assets.checks import CHECKS
from assets.compute import GpuCompute
from lake.settings import Settings, settings
from lake.tables import Lake
from lake.vectors import Vectors
from orchestration import automation, jobs, loggers, sensors

MODULES = (raw, cleaned, embeddings, memories, self_chats, adapters, evaluations, deployments)


def build(chosen: Settings) -> dg.Definitions:
    """Return the definitions over one home."""
    loaded = dg.load_assets_from_modules(MODULES)
    found = [a for a in loaded if isinstance(a, dg.AssetsDefinition)]
    return dg.Definitions(
        assets=[a.map_asset_specs(automation.apply) for a in found],
        asset_checks=[*CHECKS, memories.memories_have_sources],
        jobs=[jobs.INTAKE, jobs.TRAINING, jobs.SESSION],
        schedules=[jobs.nightly(automation.schedule_status(chosen.home))],
        sensors=[
            sensors.inbox_sensor,
            sensors.training_sensor(automation.sensor_status(chosen.home, "loop")),
            sensors.idle_sensor(automation.sensor_status(chosen.home, "self-chat")),
            sensors.failure_sensor,
            sensors.ray_reaper,
            dg.AutomationConditionSensorDefinition(
                "automation",
                target=dg.AssetSelection.all(),
                default_status=dg.DefaultSensorStatus.RUNNING,
            ),
        ],
        resources={
            "settings": chosen,
            "lake": Lake(chosen.home),
            "vectors": Vectors(chosen.home),
            "gpu": GpuCompute(
                backend=chosen.training.backend,
                devices=chosen.training.devices,
                ray_address=chosen.training.ray_address,
                lock_dir=str(chosen.home / "locks"),
                messages_dir=str(chosen.home / "pipes"),
                wait_seconds=chosen.training.wait_seconds,
                processes=chosen.training.processes,
                launch=chosen.training.launch,
            ),
        },
        loggers={"console": loggers.console},
        executor=dg.multiprocess_executor.configured(
            {
                "max_concurrent": 2,
                "start_method": {"forkserver": {"preload_modules": ["orchestration.definitions"]}},
            }
        ),
    )


defs = build(settings())
