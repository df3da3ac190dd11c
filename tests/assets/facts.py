"""Facts put into a home's memory as the loop puts them there, for whoever tests what reads them."""

from datetime import UTC, datetime

from lake.memories import Memories, memory_id_of
from lake.settings import Settings
from models.encoders import load_encoder
from models.memory.addressing import searchable
from models.memory.importance import importance

NOW = datetime(2026, 1, 10, tzinfo=UTC)


def remember(settings: Settings, user: str, *texts: str, told: datetime = NOW) -> None:
    """Let a person have these facts, and no other."""
    encoder = load_encoder(settings.encoder, models_dir=settings.models_dir)
    rows = [
        {
            "memory_id": memory_id_of(user, "fact", text),
            "user_id": user,
            "kind": "fact",
            "text": text,
            "importance": importance(text),
            "created_at": told,
            "sources": [f"d/{n}"],
            "replaced_by": "",
            "replaced_at": None,
            "encoder_id": encoder.encoder_id,
            "vector": encoder.encode([searchable(text)])[0].tolist(),
        }
        for n, text in enumerate(texts)
    ]
    Memories(settings.home).replace(user, rows, dimensions=encoder.dimensions)
